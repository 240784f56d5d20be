// Requests with chunked bodies: their limits, deadlines and order of answers are those of others.
#include <string>
#include <string_view>

#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

namespace {

std::string chunked_head(std::string_view path, std::string_view more = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" +
         std::string(more) + "\r\n";
}

}  // namespace

TEST_CASE("a chunked body reaches the handler whole, wherever it is cut") {
  const std::string bytes = chunked_head("/a") + "3\r\nfir\r\n2;x\r\nst\r\n0\r\nX: y\r\n\r\n" +
                            chunked_head("/b") + "0\r\n\r\n" + post("/c", "third");
  const std::string expected =
      answer_to("/a", "first") + answer_to("/b") + answer_to("/c", "third");
  require_answers_wherever_cut(bytes, expected);
}

TEST_CASE("chunks are bounded and judged like any body") {
  struct Case {
    const char* name;
    std::string body;
    int status;
  };
  const auto [name, body, status] = GENERATE(values<Case>({
      {"one chunk too large", "3e9\r\n", 413},
      {"too large in all", "3e8\r\n" + std::string(1'000, 'x') + "\r\n1\r\n", 413},
      {"malformed", "5\nhello\r\n0\r\n\r\n", 400},
      {"endless extension", "1;" + std::string(5'000, 'x'), 431},
  }));
  INFO(name);
  Served served({.body_bytes_max = 1'000});
  Client client(served.loop, served.path);
  REQUIRE(client.send(get("/before") + chunked_head("/t") + body + get("/after")));
  CHECK(client.receive_all() == answer_to("/before") + refusal_with(status));
  CHECK(served.handler.requests == 1);
  CHECK(served.server->counters().refused.read() == 1);
}

TEST_CASE("chunks that come too slowly are answered 408") {
  Served served({.request_seconds_max = 1});
  Client client(served.loop, served.path);
  REQUIRE(client.send(chunked_head("/t")));
  for (int i = 0; i < 12; ++i) {
    turn_for(served.loop, 100);
    client.send("1\r\na\r\n");
  }
  CHECK(client.receive_all() == refusal_with(408));
  CHECK(served.server->counters().timeouts.read() == 1);
}

TEST_CASE("a client that waits before its chunks is sent 100 Continue") {
  Served served;
  Client client(served.loop, served.path);
  REQUIRE(client.send(chunked_head("/t", "Expect: 100-continue\r\n")));
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(client.receive(go_on.size()) == go_on);
  REQUIRE(client.send("2\r\nok\r\n0\r\n\r\n"));
  const std::string expected = go_on + answer_to("/t", "ok");
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("a client that leaves between chunks leaves nothing behind") {
  Served served;
  Client client(served.loop, served.path);
  REQUIRE(client.send(chunked_head("/t") + "5\r\nhel"));
  REQUIRE(served.turn_until_connections(1));
  client.leave();
  CHECK(served.turn_until_connections(0));
  CHECK(served.handler.requests == 0);
}

TEST_CASE("a server may take no bodies, and take them from the next head on") {
  Served served({.body_bytes_max = 0});
  const std::string empty = "POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  for (const char* framing : {"Content-Length: 1\r\n\r\nx", "Content-Length: 9999999\r\n\r\n",
                              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    CAPTURE(framing);
    Client refused(served.loop, served.path);
    REQUIRE(refused.send(empty + "POST /t HTTP/1.1\r\nHost: x\r\n" + framing));
    CHECK(refused.receive_all() == answer_to("/t") + refusal_with(405));
  }
  Client client(served.loop, served.path);
  REQUIRE(client.send(empty));
  CHECK(client.receive(answer_to("/t").size()) == answer_to("/t"));
  client.forget();
  served.server->set_body_bytes_max(1);
  REQUIRE(
      client.send("POST /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Content-Length: 1\r\n\r\nx"));
  CHECK(client.receive(answer_to("/t", "x").size()) == answer_to("/t", "x"));
  CHECK(served.handler.requests == 5);
}
