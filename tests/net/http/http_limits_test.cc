#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "core/turn_limits.h"
#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

TEST_CASE("a refused head is answered and ends the connection") {
  struct Case {
    const char* name;
    std::string bytes;
    int status;
  };
  const auto [name, bytes, status] = GENERATE(values<Case>({
      {"no length", "POST /t HTTP/1.1\r\nHost: x\r\n\r\n", 411},
      {"nonsense", "\x16\x03\x01 not http at all\r\n\r\n", 400},
      {"long target", "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
  }));
  INFO(name);
  Served served;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/before") + bytes + get("/after")));
  CHECK(client.receive_all() == answer_to("/before") + refusal_with(status));
  CHECK(served.handler.requests == 1);
  CHECK(served.server->counters().refused.read() == 1);
}

TEST_CASE("a refusal waits for the answers before it") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/first") + "rubbish\r\n\r\n"));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.refused.size() == 1; }));
  CHECK(client.receive(1, 20).empty());
  served.handler.pending[0].responder.reply(answer_to("/first"), false);
  CHECK(client.receive_all() == answer_to("/first") + refusal_with(400));
}

TEST_CASE("a body that is too large is refused before it is read") {
  Served served({.body_bytes_max = 1'000});
  Client client(served.loop, served.path);
  const std::string head = "POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n";
  SECTION("the client waits") {
    REQUIRE(client.send(head));
    CHECK(client.receive_all() == refusal_with(413));
  }
  SECTION("the client sends on and still sees the answer") {
    REQUIRE(client.send(head));
    REQUIRE(client.send(std::string(3'000'000, 'x')));
    CHECK(client.receive_all() == refusal_with(413));
  }
  CHECK(served.handler.requests == 0);
  client.leave();
  CHECK(served.turn_until_connections(0));
}

TEST_CASE("a client that neither reads nor leaves is dropped") {
  Served served({.body_bytes_max = 10});
  Client client(served.loop, served.path);
  REQUIRE(client.send(post("/t", "more than ten bytes")));
  REQUIRE(served.turn_until_connections(1));
  CHECK(served.turn_until_connections(0));  // Lingering ends after two seconds.
}

TEST_CASE("a body of the largest size allowed is taken, in pieces") {
  Served served({.body_bytes_max = 3'000'000});
  Client client(served.loop, served.path);
  const std::string body(3'000'000, 'y');
  served.handler.on_request = [&](const HttpRequest& request, Responder responder) {
    CHECK(request.body == body);
    responder.reply(answer_to("/t"), false);
  };
  REQUIRE(client.send(post("/t", body) + post("/t", body)));
  const std::string expected = answer_to("/t") + answer_to("/t");
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("a request that comes too slowly is answered 408") {
  Served served({.request_seconds_max = 1});
  Client client(served.loop, served.path);
  SECTION("in its head") {
    REQUIRE(client.send("GET /a HTTP/1.1\r\nHo"));
  }
  SECTION("in its body") {
    REQUIRE(client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
  }
  SECTION("after another request, though bytes trickle in") {
    REQUIRE(client.send(get("/first") + "GET /"));
    for (int i = 0; i < 12; ++i) {
      turn_for(served.loop, 100);
      client.send("a");
    }
    CHECK(client.receive_all() == answer_to("/first") + refusal_with(408));
    return;
  }
  const Instant began = Loop::now();
  CHECK(client.receive_all() == refusal_with(408));
  CHECK(Loop::now().us - began.us >= 900'000);
  CHECK(served.server->counters().timeouts.read() == 1);
}

TEST_CASE("an idle connection is closed silently, a busy one is not") {
  Served served({.idle_seconds_max = 1});
  Client idle(served.loop, served.path);
  Client used(served.loop, served.path);
  Client waiting(served.loop, served.path);
  REQUIRE(used.send(get("/a")));
  CHECK(used.receive(1) == answer_to("/a"));
  served.handler.later = true;
  REQUIRE(waiting.send(get("/later")));
  CHECK(idle.receive_all().empty());
  CHECK(idle.ended());
  CHECK(used.receive_all() == answer_to("/a"));
  CHECK(used.ended());
  turn_for(served.loop, 500);
  CHECK_FALSE(waiting.ended());
  CHECK(served.server->counters().idle_closed.read() == 2);
  CHECK(served.server->connections() == 1);
}

// Two connections, which is the cap, that wait for their answers.
struct FullHouse {
  FullHouse() {
    served.handler.later = true;
    REQUIRE(first.send(get("/slow")));
    REQUIRE(second.send(get("/slow")));
    REQUIRE(turn_until(served.loop, [&] { return served.handler.requests == 2; }));
  }

  Served served{{.connections_max = 2}};
  Client first{served.loop, served.path};
  Client second{served.loop, served.path};
};

TEST_CASE("connections beyond the cap are answered 503 until there is room again") {
  FullHouse house;
  auto& [served, first, second] = house;
  Client third(served.loop, served.path);
  third.send(get("/too-many"));
  CHECK(third.receive_all() == refusal_with(503));
  CHECK(served.server->counters().connections_refused.read() == 1);
  third.leave();
  served.handler.pending[0].responder.reply(answer_to("/slow"), true);
  CHECK(first.receive_all() == answer_to("/slow"));
  first.leave();
  REQUIRE(served.turn_until_connections(1));
  served.handler.later = false;
  Client fourth(served.loop, served.path);
  REQUIRE(fourth.send(get("/fits")));
  CHECK(fourth.receive(1) == answer_to("/fits"));
  CHECK(served.handler.requests == 3);
}

TEST_CASE("the connection that has been idle longest is closed for a new one") {
  Served served({.connections_max = 3});
  Client busy(served.loop, served.path);
  REQUIRE(busy.send("GET /slow"));
  REQUIRE(served.turn_until_connections(1));
  Client oldest(served.loop, served.path);
  REQUIRE(served.turn_until_connections(2));
  turn_for(served.loop, 30);
  Client older(served.loop, served.path);
  REQUIRE(older.send(get("/older")));
  CHECK(older.receive(1) == answer_to("/older"));
  turn_for(served.loop, 150);

  Client newcomer(served.loop, served.path);
  REQUIRE(newcomer.send(get("/served")));
  CHECK(newcomer.receive(1) == answer_to("/served"));
  CHECK(oldest.receive_all().empty());
  CHECK(served.server->connections() == 3);
  CHECK(served.server->counters().displaced.read() == 1);
  REQUIRE(busy.send(" HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(busy.receive(1) == answer_to("/slow"));
  older.forget();
  REQUIRE(older.send(get("/still-there")));
  CHECK(older.receive(1) == answer_to("/still-there"));
  CHECK(served.server->counters().connections_refused.read() == 0);
}

TEST_CASE("if no connection is idle, the oldest unfinished head is closed, and no request") {
  Served served({.connections_max = 5});
  served.handler.later = true;
  Client asking(served.loop, served.path);
  REQUIRE(asking.send(get("/asked")));
  Client asking_again(served.loop, served.path);
  REQUIRE(asking_again.send(get("/first") + "GET /sec"));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.requests == 2; }));
  Client sending(served.loop, served.path);
  const std::string whole = post("/sent", "body");
  REQUIRE(sending.send(whole.substr(0, whole.size() - 1)));
  REQUIRE(served.turn_until_connections(3));
  Client slowest(served.loop, served.path);
  REQUIRE(slowest.send("GET /slow"));
  REQUIRE(served.turn_until_connections(4));
  turn_for(served.loop, 30);
  Client slower(served.loop, served.path);
  REQUIRE(slower.send("GET /slow"));
  turn_for(served.loop, 60);
  REQUIRE(slowest.send("er"));
  turn_for(served.loop, 60);

  served.handler.later = false;
  Client newcomer(served.loop, served.path);
  REQUIRE(newcomer.send(get("/served")));
  CHECK(newcomer.receive(1) == answer_to("/served"));
  CHECK(slowest.receive_all().empty());
  CHECK(served.server->counters().displaced.read() == 1);
  REQUIRE(slower.send(" HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(slower.receive(1) == answer_to("/slow"));
  REQUIRE(sending.send(whole.substr(whole.size() - 1)));
  CHECK(sending.receive(1) == answer_to("/sent", "body"));
  for (const Pending& each : served.handler.pending) {
    each.responder.reply(answer_to(each.path), false);
  }
  CHECK(asking.receive(1) == answer_to("/asked"));
  CHECK(asking_again.receive(1) == answer_to("/first"));
  CHECK(served.server->counters().connections_refused.read() == 0);
}

TEST_CASE("a request without a byte of its body is displaced like a head") {
  Served served({.connections_max = 2});
  const std::string whole = post("/sent", "body");
  Client begun(served.loop, served.path);
  REQUIRE(begun.send(whole.substr(0, whole.size() - 3)));
  REQUIRE(served.turn_until_connections(1));
  Client bare(served.loop, served.path);
  REQUIRE(bare.send(whole.substr(0, whole.size() - 4)));
  turn_for(served.loop, 150);
  Client newcomer(served.loop, served.path);
  REQUIRE(newcomer.send(get("/served")));
  CHECK(newcomer.receive(1) == answer_to("/served"));
  CHECK(bare.receive_all().empty());
  REQUIRE(begun.send("ody"));
  CHECK(begun.receive(1) == answer_to("/sent", "body"));
}

TEST_CASE("a client that was just told to send its body is not displaced") {
  Served served({.connections_max = 1});
  served.handler.later = true;
  Client publisher(served.loop, served.path);
  REQUIRE(publisher.send(get("/before") + "POST /t HTTP/1.1\r\nHost: x\r\n" +
                         "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.requests == 1; }));
  turn_for(served.loop, 150);
  Client waiting(served.loop, served.path);
  CHECK(waiting.receive_all() == refusal_with(503));

  served.handler.later = false;
  Client newcomer(served.loop, served.path);
  served.handler.pending[0].responder.reply(answer_to("/before"), false);
  CHECK(newcomer.receive_all() == refusal_with(503));
  const std::string told = answer_to("/before") + "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(publisher.receive(told.size()) == told);
  publisher.forget();
  REQUIRE(publisher.send("body"));
  CHECK(publisher.receive(1) == answer_to("/t", "body"));
}

TEST_CASE("clients that stay after their last answer keep no new client out") {
  Served served({.connections_max = 2});
  Client publisher(served.loop, served.path);
  REQUIRE(publisher.send(get("/before")));
  CHECK(publisher.receive(1) == answer_to("/before"));
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 50; ++i) {
    crowd.push_back(std::make_unique<Client>(served.loop, served.path));
    REQUIRE(crowd.back()->send("rubbish\r\n\r\n"));
    CHECK(crowd.back()->receive(1) == refusal_with(400));
    CHECK(served.server->connections() <= 34);
  }
  Client newcomer(served.loop, served.path);
  REQUIRE(newcomer.send(get("/served")));
  CHECK(newcomer.receive(1) == answer_to("/served"));
  publisher.forget();
  REQUIRE(publisher.send(get("/still-there")));
  CHECK(publisher.receive(1) == answer_to("/still-there"));
  CHECK(served.server->connections() <= 34);
  CHECK(served.server->counters().displaced.read() == 0);
  CHECK(served.server->counters().connections_refused.read() == 0);
}

TEST_CASE("no connection is closed for a new one that is refused") {
  FullHouse house;
  auto& [served, first, second] = house;
  std::vector<std::unique_ptr<Client>> refused;
  for (int i = 0; i < 40; ++i) {
    refused.push_back(std::make_unique<Client>(served.loop, served.path));
    CHECK(refused.back()->receive_all() == refusal_with(503));
  }
  CHECK(served.server->connections() <= 34);
  CHECK(served.server->counters().displaced.read() == 0);

  served.handler.later = false;
  served.handler.pending[0].responder.reply(answer_to("/slow"), false);
  CHECK(first.receive(1) == answer_to("/slow"));
  turn_for(served.loop, 150);
  served.handler.pending[1].responder.reply(answer_to("/slow"), false);
  CHECK(second.receive(1) == answer_to("/slow"));
  Client newcomer(served.loop, served.path);
  REQUIRE(newcomer.send(get("/served")));
  CHECK(newcomer.receive(1) == answer_to("/served"));
  CHECK(first.ended());
  second.forget();
  REQUIRE(second.send(get("/still-there")));
  CHECK(second.receive(1) == answer_to("/still-there"));
  CHECK(served.server->counters().displaced.read() == 1);
  CHECK(served.server->counters().connections_refused.read() == 40);
}

TEST_CASE("a crowd of connections beyond the cap costs a bounded number of them") {
  Served served({.connections_max = 1});
  const std::string whole = post("/slow", "body");
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(std::make_unique<Client>(served.loop, served.path));
    REQUIRE(crowd.back()->send(whole.substr(0, whole.size() - 1)));
  }
  turn_until(served.loop,
             [&] { return served.server->counters().connections_refused.read() == 99; });
  CHECK(served.server->counters().connections_refused.read() == 99);
  CHECK(served.server->connections() == 33);
  crowd.clear();
  CHECK(served.turn_until_connections(0));
}

TEST_CASE("without descriptors a connection waits and is served when there is one") {
  Served served;
  Client client(served.loop, served.path);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<Fd> taken;
  do {
    taken.emplace_back(::dup(0));
  } while (taken.back());

  const bool sent = client.send(get("/patient"));
  turn_for(served.loop, 600);
  const auto starved = served.server->counters().accepts_starved.read();
  const std::size_t connections = served.server->connections();
  taken.clear();  // Sanitizers need descriptors during the checks, too.
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(sent);
  CHECK(starved >= 1);
  CHECK(starved <= 600 / kStarvedPauseMs + 1);  // The server does not spin.
  CHECK(connections == 0);
  turn_for(served.loop, kStarvedPauseMs + 30);
  CHECK(served.server->connections() == 1);
  CHECK(client.receive(1) == answer_to("/patient"));
}

TEST_CASE("a client that expects 100 Continue gets it when its body is wanted") {
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string head =
      "POST /t HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  SECTION("wanted") {
    Served served;
    Client client(served.loop, served.path);
    REQUIRE(client.send(head));
    CHECK(client.receive(go_on.size()) == go_on);
    REQUIRE(client.send("body"));
    const std::string expected = go_on + answer_to("/t", "body");
    CHECK(client.receive(expected.size()) == expected);
  }
  SECTION("after the answers that are owed before") {
    Served served;
    served.handler.later = true;
    Client client(served.loop, served.path);
    REQUIRE(client.send(get("/before") + head));
    REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 1; }));
    CHECK(client.receive(1, 20).empty());
    served.handler.pending[0].responder.reply(answer_to("/before"), false);
    const std::string expected = answer_to("/before") + go_on;
    CHECK(client.receive(expected.size()) == expected);
  }
  SECTION("not when the body is here already") {
    Served served;
    Client client(served.loop, served.path);
    REQUIRE(client.send(head + "body"));
    CHECK(client.receive(1) == answer_to("/t", "body"));
  }
  SECTION("not when it is too large") {
    Served served({.body_bytes_max = 3});
    Client client(served.loop, served.path);
    REQUIRE(client.send(head));
    CHECK(client.receive_all() == refusal_with(413));
  }
}
