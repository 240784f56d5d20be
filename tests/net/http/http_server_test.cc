#include "net/http/http_server.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/loop/wakeup.h"
#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

TEST_CASE("requests on one connection are answered one after the other") {
  Served served;
  Client client(served.loop, served.path);
  for (const char* path : {"/a", "/b", "/c"}) {
    const std::string expected = answer_to(path, "data");
    client.forget();
    REQUIRE(client.send(post(path, "data")));
    CHECK(client.receive(expected.size()) == expected);
  }
  CHECK(served.server->counters().requests.read() == 3);
  CHECK(served.server->counters().connections.read() == 1);
  CHECK(served.server->connections() == 1);
}

TEST_CASE("a request may come byte by byte") {
  Served served;
  Client client(served.loop, served.path);
  const std::string expected = answer_to("/slow", "some data");
  for (const char byte : post("/slow", "some data")) {
    REQUIRE(client.send({&byte, 1}));
    served.loop.settle();
  }
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("where the bytes are cut makes no difference") {
  const std::string bytes = post("/a", "first") + get("/b") + post("/c", "");
  const std::string expected = answer_to("/a", "first") + answer_to("/b") + answer_to("/c");
  require_answers_wherever_cut(bytes, expected);
}

TEST_CASE("many pipelined requests are answered in order") {
  Served served;
  Client client(served.loop, served.path);
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 3'000; ++i) {
    const std::string path = "/" + std::to_string(i);
    bytes += post(path, "payload");
    expected += answer_to(path, "payload");
  }
  REQUIRE(client.send(bytes));
  CHECK(client.receive(expected.size()) == expected);
  CHECK(served.handler.requests == 3'000);
}

TEST_CASE("later answers leave in the order of the requests") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/0") + get("/1") + get("/2")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 3; }));

  auto& pending = served.handler.pending;
  pending[2].responder.reply(answer_to("/2"), false);
  pending[1].responder.reply(answer_to("/1"), false);
  turn_for(served.loop, 20);
  CHECK(client.receive(1, 20).empty());
  pending[0].responder.reply(answer_to("/0"), false);
  const std::string expected = answer_to("/0") + answer_to("/1") + answer_to("/2");
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("an answer leaves at once, in whatever phase of a turn it was given") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/x")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 1; }));
  const Responder responder = served.handler.pending[0].responder;

  const auto answer = [&] { responder.reply(answer_to("/x"), false); };
  Timer end(served.loop, [&] { served.loop.stop(); });
  end.start_once(200);  // No other event wakes this loop.
  bool answered = false;
  SECTION("by a timer") {
    Timer timer(served.loop, answer);
    timer.start_once(1);
    served.loop.run();
  }
  SECTION("by a wake-up") {
    Wakeup wakeup(served.loop, answer);
    wakeup.send();
    served.loop.run();
  }
  SECTION("at the end of a turn") {
    served.loop.set_end_of_turn([&] {
      if (!std::exchange(answered, true)) answer();
    });
    served.loop.run();
  }
  // The loop does not turn from here on: these bytes had left by themselves.
  CHECK(client.ended() == false);
  CHECK(client.receive(1, 0) == answer_to("/x"));
}

TEST_CASE("a client with too many requests unanswered is not read from") {
  Served served({.pipelined_max = 4});
  served.handler.later = true;
  Client client(served.loop, served.path);
  std::string expected;
  std::string bytes;
  for (int i = 0; i < 50; ++i) {
    bytes += post("/" + std::to_string(i), "d");
    expected += answer_to("/" + std::to_string(i));
  }
  REQUIRE(client.send(bytes));
  std::size_t next = 0;
  while (next < 50) {
    turn_until(served.loop, [&] { return served.handler.pending.size() == next + 4; }, 30);
    REQUIRE(served.handler.pending.size() == std::min<std::size_t>(next + 4, 50));
    const Pending& pending = served.handler.pending[next++];
    pending.responder.reply(answer_to(pending.path), false);
  }
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("a client that does not read its answers is not served more of them") {
  Served served;
  const std::string big(100'000, 'x');
  served.handler.on_request = [&](const HttpRequest&, Responder responder) {
    responder.reply(big, false);
  };
  Client client(served.loop, served.path);
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += get("/");
  REQUIRE(client.send(bytes));
  turn_for(served.loop, 100);
  CHECK(served.handler.requests < 20);
  CHECK(client.receive(200 * big.size()).size() == 200 * big.size());
  CHECK(served.handler.requests == 200);
}

TEST_CASE("a client that never reads its answers is cut off") {
  Served served({.request_seconds_max = 1});
  const std::string big(4 << 20, 'x');
  served.handler.on_request = [&](const HttpRequest&, Responder responder) {
    responder.reply(big, false);
  };
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/")));
  REQUIRE(served.turn_until_connections(1));
  CHECK(served.turn_until_connections(0));
  CHECK(served.server->counters().stalled.read() == 1);
}

TEST_CASE("the connection ends after an answer that says so") {
  Served served;
  Client client(served.loop, served.path);
  SECTION("asked for by the client") {
    REQUIRE(client.send(get("/a", "Connection: close\r\n") + get("/never")));
  }
  SECTION("by an HTTP/1.0 client") {
    REQUIRE(client.send("GET /a HTTP/1.0\r\nHost: x\r\n\r\n"));
  }
  SECTION("decided by the handler") {
    served.handler.on_request = [](const HttpRequest&, Responder responder) {
      responder.reply(answer_to("/a"), true);
    };
    REQUIRE(client.send(get("/a") + get("/never")));
  }
  CHECK(client.receive_all() == answer_to("/a"));
  CHECK(client.ended());
  CHECK(served.handler.requests == 1);
  client.leave();
  CHECK(served.turn_until_connections(0));
}

TEST_CASE("answers behind one that closes the connection are dropped") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/0") + get("/1")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 2; }));
  served.handler.pending[0].responder.reply(answer_to("/0"), true);
  served.handler.pending[1].responder.reply(answer_to("/1"), false);
  CHECK(client.receive_all() == answer_to("/0"));
}

TEST_CASE("a client that only stops sending gets its answers") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/a") + get("/b")));
  client.send_no_more();
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 2; }));
  turn_for(served.loop, 20);
  for (const Pending& each : served.handler.pending) {
    each.responder.reply(answer_to(each.path), false);
  }
  CHECK(client.receive_all() == answer_to("/a") + answer_to("/b"));
  CHECK(served.turn_until_connections(0));
}

TEST_CASE("a client may leave while its answer is pending") {
  Served served;
  served.handler.later = true;
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/a")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 1; }));
  const Responder responder = served.handler.pending[0].responder;
  CHECK(responder.wanted());
  client.leave();
  turn_for(served.loop, 20);
  responder.reply(answer_to("/a"), false);
  CHECK(served.turn_until_connections(0));
  CHECK_FALSE(responder.wanted());

  // Its slot may be reused by then: the answer must not reach the next connection in it.
  Client heir(served.loop, served.path);
  REQUIRE(heir.send(get("/heir")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 2; }));
  responder.reply(answer_to("/a"), false);
  served.handler.pending[1].responder.reply(answer_to("/heir"), false);
  CHECK(heir.receive(1) == answer_to("/heir"));
}

TEST_CASE("handlers are told the peer") {
  Served served;
  SECTION("on a Unix socket, by credentials") {
    Client client(served.loop, served.path);
    REQUIRE(client.send(get("/")));
    client.receive(1);
    CHECK(served.handler.peer.local);
    CHECK(served.handler.peer.credentials.uid == ::geteuid());
    CHECK(served.handler.peer.credentials.gid == ::getegid());
    CHECK(served.handler.peer.credentials.pid == ::getpid());
  }
  SECTION("on TCP, by address") {
    const auto [listening, port] = listen_on_loopback();
    REQUIRE(served.server->listen(listening.get()).has_value());
    Client client(served.loop, port);
    REQUIRE(client.send(get("/", "Connection: close\r\n")));
    CHECK(client.receive_all() == answer_to("/"));
    CHECK_FALSE(served.handler.peer.local);
    CHECK(served.handler.peer.address.bytes[0] == 127);
    CHECK(served.handler.peer.address.port != 0);
    served.server->stop_accepting();
  }
}

TEST_CASE("a server closes with connections in every state") {
  Served served;
  served.handler.later = true;
  Client idle(served.loop, served.path);
  Client half(served.loop, served.path);
  Client waiting(served.loop, served.path);
  REQUIRE(half.send("POST /x HTT"));
  REQUIRE(waiting.send(get("/w") + get("/v")));
  REQUIRE(turn_until(served.loop, [&] { return served.handler.pending.size() == 2; }));
  REQUIRE(served.turn_until_connections(3));

  served.handler.pending[0].responder.reply(answer_to("/w"), false);
  served.server->close();
  CHECK(served.server->connections() == 0);
  served.handler.pending[1].responder.reply(answer_to("/v"), false);
  CHECK(waiting.receive_all() == answer_to("/w"));  // It was given before the end.
  CHECK(half.receive_all().empty());
  CHECK(idle.receive_all().empty());
}

TEST_CASE("a handler may close the server") {
  Served served;
  served.handler.on_request = [&](const HttpRequest&, Responder responder) {
    served.server->close();
    responder.reply(answer_to("/"), false);
  };
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/") + get("/")));
  CHECK(client.receive_all().empty());
  CHECK(served.handler.requests == 1);
}

TEST_CASE("a server that stops accepting still serves its connections") {
  Served served;
  Client client(served.loop, served.path);
  REQUIRE(served.turn_until_connections(1));
  served.server->stop_accepting();
  Client late(served.loop, served.path);  // It waits in the kernel's queue.
  REQUIRE(client.send(get("/a")));
  CHECK(client.receive(1) == answer_to("/a"));
  turn_for(served.loop, 20);
  CHECK(served.server->connections() == 1);
}

TEST_CASE("a turn is bounded, and a client that asks for little does not wait for busy ones") {
  constexpr std::size_t kClients = 20;
  Served served;
  std::vector<std::size_t> order;  // Busy clients, in the order of their handled requests.
  std::optional<std::size_t> handled_before;
  served.handler.on_request = [&](const HttpRequest& request, Responder responder) {
    responder.reply(answer_to(request.head.path), false);
    if (request.head.path == "/lone") {
      handled_before = order.size();
      return;
    }
    order.push_back(std::stoul(std::string(request.head.path.substr(1))));
    const Instant began = Loop::now();
    while (Loop::now().us - began.us < 5'000) {  // Longer than a turn.
    }
  };
  Client lone(served.loop, served.path);
  std::deque<Client> busy;
  for (std::size_t i = 0; i < kClients; ++i) busy.emplace_back(served.loop, served.path);
  REQUIRE(served.turn_until_connections(kClients + 1));
  for (std::size_t i = 0; i < kClients; ++i) {
    const std::string request = get("/" + std::to_string(i));
    REQUIRE(busy[i].send(request + request + request));
  }
  const auto turn_until_handled = [&](std::size_t count) {
    while (order.size() < count) {
      const std::size_t before = order.size();
      served.loop.settle();
      CHECK(order.size() <= before + 1);
    }
  };
  turn_until_handled(kClients + 5);
  REQUIRE(lone.send(get("/lone")));
  turn_until_handled(3 * kClients);
  REQUIRE(handled_before.has_value());
  CHECK(*handled_before <= kClients + 5 + 1);  // The server sees it at the end of a turn.

  // Every client's first request is handled before any client's second.
  std::ranges::sort(order.begin(), order.begin() + kClients);
  for (std::size_t i = 0; i < kClients; ++i) CHECK(order[i] == i);
}

TEST_CASE("a client that has used much time is served, though new ones come in every turn",
          "[slow]") {
  Served served;
  std::size_t old_handled = 0;
  std::size_t new_handled = 0;
  served.handler.on_request = [&](const HttpRequest& request, Responder responder) {
    const bool is_new = request.head.path == "/new";
    ++(is_new ? new_handled : old_handled);
    responder.reply(answer_to(request.head.path), is_new);
    const Instant began = Loop::now();
    while (Loop::now().us - began.us < 5'000) {  // Longer than a turn.
    }
  };
  Client old(served.loop, served.path);
  REQUIRE(old.send(get("/old") + get("/old") + get("/old")));
  std::deque<Client> clients;
  std::size_t came = 0;
  const Instant began = Loop::now();
  const auto waits = [&] { return old_handled < 3; };
  while (waits()) {
    REQUIRE(Loop::now().us - began.us < 5'000'000);
    for (; came < new_handled + 3; ++came) {  // One new request always waits.
      clients.emplace_back(served.loop, served.path);
      REQUIRE(clients.back().send(get("/new")));
    }
    while (clients.size() > 10) clients.pop_front();
    served.loop.settle();
  }
  CHECK(new_handled > 100);
}
