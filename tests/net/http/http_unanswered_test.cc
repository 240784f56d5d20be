// Requests with late answers, and clients that leave before the answer.
#include <string>

#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

TEST_CASE("a request that is not answered in time is answered 503") {
  struct Case {
    const char* name;
    std::string bytes;
    bool body_follows;
  };
  const auto [name, bytes, body_follows] = GENERATE(values<Case>({
      {"on a connection to keep", get("/a"), false},
      {"on one that ends", get("/a", "Connection: close\r\n"), false},
      {"before others", get("/a") + get("/b"), false},
      {"while the next is arriving", get("/a") + "GET /b HT", false},
      {"while the body of the next is arriving",
       get("/a") + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", true},
  }));
  INFO(name);
  Served served({.request_seconds_max = body_follows ? 10U : 5U, .answer_seconds_max = 1});
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(bytes));
  REQUIRE(turn_until(served.loop, [&] { return !served.handler.pending.empty(); }));
  turn_for(served.loop, 600);
  CHECK(client.receive(1, 0).empty());
  CHECK(served.handler.pending[0].responder.wanted());
  CHECK(client.receive_all() == refusal_with(503));
  CHECK(served.handler.refused == std::vector<int>{503});
  CHECK(served.server->counters().unanswered.read() == 1);
  for (const Pending& each : served.handler.pending) {
    CHECK_FALSE(each.responder.wanted());
    each.responder.reply(answer_to(each.path), false);  // The answer is dropped.
  }
  CHECK(served.turn_until_connections(0));
  CHECK(served.server->counters().abandoned.read() == 0);
}

TEST_CASE("an answer in time is not late, however many came before it") {
  Served served({.answer_seconds_max = 1});
  served.handler.later = true;
  Client client(served.loop, served.path);
  for (int i = 0; i < 4; ++i) {
    served.handler.pending.clear();
    client.forget();
    REQUIRE(client.send(get("/a")));
    REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 1; }));
    turn_for(served.loop, 450);
    served.handler.pending[0].responder.reply(answer_to("/a"), false);
    CHECK_FALSE(served.handler.pending[0].responder.wanted());
    CHECK(client.receive(1) == answer_to("/a"));
  }
  CHECK(served.server->counters().unanswered.read() == 0);
}

TEST_CASE("a client that leaves before it is answered is noticed, read from or not") {
  struct Case {
    const char* name;
    std::string bytes;
    std::size_t requests;
  };
  const auto [name, bytes, requests] = GENERATE(values<Case>({
      {"the connection is read from", get("/a"), 1},
      {"it ends after this request", get("/a", "Connection: close\r\n"), 1},
      {"bytes follow the last request", get("/a", "Connection: close\r\n") + "junk", 1},
      {"no further request is taken", get("/a") + get("/b") + get("/c") + get("/d"), 2},
  }));
  INFO(name);
  Served served({.pipelined_max = 2});
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(bytes));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == requests; }));
  turn_for(served.loop, 300);
  for (const Pending& each : served.handler.pending) CHECK(each.responder.wanted());
  client.leave();
  CHECK(served.turn_until_connections(0));
  for (const Pending& each : served.handler.pending) {
    CHECK_FALSE(each.responder.wanted());
    each.responder.reply(answer_to(each.path), false);
  }
  CHECK(served.server->counters().abandoned.read() == 1);
  CHECK(served.server->counters().unanswered.read() == 0);
}

TEST_CASE("a TCP client that breaks its connection is noticed, one that stops sending waits on") {
  Served served;
  served.handler.later = true;
  const auto [listening, port] = listen_on_loopback();
  REQUIRE(served.server->listen(listening.get()).has_value());
  Client client(served.loop, port);
  REQUIRE(client.send(get("/a")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 1; }));
  client.send_no_more();
  turn_for(served.loop, 600);
  CHECK(served.handler.pending[0].responder.wanted());
  SECTION("it waits") {
    served.handler.pending[0].responder.reply(answer_to("/a"), false);
    CHECK(client.receive_all() == answer_to("/a"));
    CHECK(served.server->counters().abandoned.read() == 0);
  }
  SECTION("it leaves") {
    client.leave(true);
    CHECK(served.turn_until_connections(0));
    CHECK_FALSE(served.handler.pending[0].responder.wanted());
    CHECK(served.server->counters().abandoned.read() == 1);
  }
  served.server->stop_accepting();
}

TEST_CASE("unanswered requests are bounded by their bodies, too, and pages to eight") {
  struct Case {
    const char* name;
    std::string request;
    std::size_t taken;
  };
  const auto [name, request, taken] = GENERATE(values<Case>({
      {"small bodies", post("/a", "d"), 1'024},
      {"100 kB each", post("/a", std::string(100'000, 'd')), 11},
      {"one of 2 MB", post("/a", std::string(2'000'000, 'd')), 1},
      {"pages", get("/a"), 8},
  }));
  INFO(name);
  Served served({.pipelined_max = 1'024});
  served.handler.later = true;
  Client client(served.loop, served.path);
  std::string requests;
  for (std::size_t i = 0; i < taken; ++i) requests += request;
  REQUIRE(client.send(requests + post("/last", "d")));
  auto& pending = served.handler.pending;
  REQUIRE(turn_until(served.loop, [&] { return pending.size() == taken; }));
  turn_for(served.loop, 20);
  CHECK(pending.size() == taken);
  for (std::size_t i = taken; i-- > 1;) pending[i].responder.reply(answer_to("/a"), false);
  turn_for(served.loop, 20);
  CHECK(pending.size() == taken);  // These answers wait for the first one.
  pending[0].responder.reply(answer_to("/a"), false);
  CHECK(client.receive(taken * answer_to("/a").size()).size() == taken * answer_to("/a").size());
  CHECK(turn_until(served.loop, [&] { return pending.size() == taken + 1; }));
}
