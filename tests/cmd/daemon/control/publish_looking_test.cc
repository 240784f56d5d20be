// GET requests on the publish socket: lists of topics, and single topics.
#include <string>
#include <vector>

#include "cmd/daemon/link/worker_link.h"
#include "tests/cmd/daemon/control/publish_routes_support.h"

namespace crier::cmd {
namespace {

TEST_CASE("topics are listed page by page and shown one by one") {
  Socket socket;
  for (const char* topic : {"a", "b", "listened.to", "b"}) {
    REQUIRE(socket.ask(post("/topics/" + std::string(topic), "x")).status == 202);
  }
  std::vector<std::string> names;
  std::string after = "0";
  for (int pages = 0; pages < 3 && !after.empty(); ++pages) {
    const Answer page = socket.ask(get("/topics?limit=2&after=" + after));
    REQUIRE(page.status == 200);
    for (const auto& topic : page.body["topics"]) names.push_back(topic["topic"]);
    after = page.body["next"].is_null() ? "" : page.body["next"].get<std::string>();
  }
  CHECK(names == std::vector<std::string>{"a", "b", "listened.to"});

  const Answer b = socket.ask(get("/topics/b"));
  CHECK(b.body["subscribers"] == 0);
  CHECK(b.body["published"] == 2);
  CHECK(b.body["history"]["events"] == 2);
  CHECK(b.body["history"]["oldest_id"] == socket.id(2));
  CHECK(b.body["history"]["newest_id"] == socket.id(4));
  CHECK(b.body["history"]["evicted_through"].is_null());
  CHECK(socket.ask("HEAD /topics/b HTTP/1.1\r\nHost: x\r\n\r\n").body.is_null());

  Socket quiet;
  CHECK(quiet.ask(get("/topics")).body == json{{"topics", json::array()}, {"next", nullptr}});
  const Answer waiting = quiet.ask(get("/topics/listened.to"));
  CHECK(waiting.status == 200);
  CHECK(waiting.body["subscribers"] == 3);
  CHECK(waiting.body["history"]["newest_id"].is_null());
}

TEST_CASE("if a worker does not answer, topics are 503, not without subscribers") {
  Socket socket;
  socket.works();
  socket.workers.stuck = true;
  for (const char* path : {"/topics", "/topics/good", "/topics/listened.to", "/topics/nobody"}) {
    const Answer answer = socket.ask(get(path));
    CHECK(answer.status == 503);
    CHECK(answer.body["code"] == "busy");
    CHECK(answer.body.contains("trace_id"));
    CHECK(answer.head.find("Retry-After: 1\r\n") != std::string::npos);
  }
  socket.workers.stuck = false;
  CHECK(socket.ask(get("/topics/good")).status == 200);
}

TEST_CASE("publishers leave questions to the admin endpoint") {
  constexpr std::size_t kShare = WorkerLink::kQuestionsMax / 2;
  Socket socket;
  socket.works();
  std::vector<std::unique_ptr<Client>> clients;
  while (clients.size() < kShare) {
    clients.push_back(std::make_unique<Client>(socket.loop, socket.path));
    REQUIRE(clients.back()->send(get(clients.size() % 2 == 0 ? "/topics" : "/topics/good")));
  }
  REQUIRE(net::http_test::turn_until(socket.loop,
                                     [&] { return socket.workers.later.size() == kShare; }));
  Client late(socket.loop, socket.path);
  REQUIRE(late.send(get("/topics")));
  CHECK(net::http_test::turn_until(
      socket.loop, [&] { return late.receive(1, 0).starts_with("HTTP/1.1 503 "); }));
  for (const auto& answer : std::exchange(socket.workers.later, {})) answer();
  CHECK(socket.ask(get("/topics")).status == 200);
}

TEST_CASE("OPTIONS * is answered with the methods") {
  Socket socket;
  REQUIRE(socket.client->send("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const std::string got = socket.client->receive_all();
  CHECK(got.starts_with("HTTP/1.1 204 "));
  CHECK(got.find("Allow: DELETE, GET, HEAD, OPTIONS, POST\r\n") != std::string::npos);
}

}  // namespace
}  // namespace crier::cmd
