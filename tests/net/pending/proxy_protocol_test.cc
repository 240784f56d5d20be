// The PROXY protocol before the first head of a connection.
#include <string>

#include "net/pending/pending_requests.h"
#include "tests/net/pending/pending_support.h"
#include "tests/support/catch.h"

using namespace crier::net;
using crier::ProxyProtocol;
using namespace crier::net::test;
using namespace std::string_literals;

namespace {

const std::string kLine = "PROXY TCP4 203.0.113.7 10.0.0.1 50312 8080\r\n";
const std::string kBinary =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xcb\0\x71\x07\x0a\0\0\x01\xc4\x88\x1f\x90\x04\0\0"s;
const std::string kLocal = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

}  // namespace

TEST_CASE("a PROXY header names the peer of the connection's requests") {
  const std::string header = GENERATE(kLine, kBinary);
  PendingFixture port;
  port.handler.proxies = GENERATE(ProxyProtocol::optional, ProxyProtocol::required);
  SECTION("in one piece with the first of two requests") {
    const Fd client = port.connect(header + get_request("/keep") + get_request("/take"));
    CHECK(port.receive(client, 11) == "keep:/keep\n");
  }
  SECTION("alone, then the request") {
    const Fd client = port.connect(header);
    CHECK(port.pending.size() == 1);
    send_text(client.get(), get_request("/take"));
    REQUIRE(port.turn_until([&] { return !port.handler.taken.empty(); }));
  }
  SECTION("byte by byte") {
    const std::string all = header + get_request("/take");
    const Fd client = port.connect(all.substr(0, 1));
    for (std::size_t i = 1; i < all.size(); ++i) {
      REQUIRE(port.handler.taken.empty());
      send_text(client.get(), all.substr(i, 1));
      REQUIRE(wait_for(port.ready.fd(), POLLIN));
      port.turn();
    }
  }
  REQUIRE(port.handler.taken.size() == 1);
  CHECK(to_string(port.handler.taken[0].peer) == "203.0.113.7:50312");
  CHECK(port.handler.taken[0].behind_proxy);
  CHECK(port.pending.size() == 0);
}

TEST_CASE("a connection whose PROXY header names no client keeps its own address") {
  PendingFixture port;
  const auto [proxies, header] = GENERATE(table<ProxyProtocol, std::string>({
      {ProxyProtocol::required, "PROXY UNKNOWN\r\n"},
      {ProxyProtocol::required, kLocal},
      {ProxyProtocol::optional, ""},
      {ProxyProtocol::off, ""},
  }));
  port.handler.proxies = proxies;
  const Fd client = port.connect(header + get_request("/take"));
  REQUIRE(port.handler.taken.size() == 1);
  CHECK(to_string(port.handler.taken[0].peer).starts_with("127.0.0.1:"));
  CHECK_FALSE(port.handler.taken[0].behind_proxy);
}

TEST_CASE("a head that begins like a PROXY header, in pieces, is a head") {
  PendingFixture port;
  port.handler.proxies = ProxyProtocol::optional;
  const std::string head = GENERATE("\r\n"s, ""s) + get_request("/take");
  const std::size_t cut = GENERATE(range<std::size_t>(1, 5));
  const Fd client = port.connect(head.substr(0, cut));
  send_text(client.get(), head.substr(cut));
  REQUIRE(port.turn_until([&] { return !port.handler.taken.empty(); }));
  CHECK(port.handler.paths == std::vector<std::string>{"/take"});
}

TEST_CASE("a PROXY header that is malformed, missing or not allowed is refused with 400") {
  PendingFixture port;
  const auto [name, proxies, bytes] = GENERATE(table<const char*, ProxyProtocol, std::string>({
      {"malformed", ProxyProtocol::optional, "PROXY TCP4 1 2 3 4\r\n" + get_request("/keep")},
      {"endless", ProxyProtocol::optional, "PROXY UNKNOWN " + std::string(100, 'x')},
      {"missing", ProxyProtocol::required, get_request("/keep")},
      {"missing, in a head of two pieces", ProxyProtocol::required, "GE"},
      {"twice", ProxyProtocol::required, kLine + kLine + get_request("/keep")},
      {"twice, version 2", ProxyProtocol::required, kBinary + kBinary + get_request("/keep")},
      {"before a later request", ProxyProtocol::optional, kLine + kLine},
      {"off", ProxyProtocol::off, kLine + get_request("/keep")},
      {"off, version 2", ProxyProtocol::off, kBinary + get_request("/keep")},
  }));
  INFO(name);
  port.handler.proxies = proxies;
  const Fd client = port.connect(bytes);
  CHECK(port.receive_all(client) == "refused:400:bad_request\n");
  CHECK(port.handler.paths.empty());
  CHECK(port.pending.counters().refused_malformed.read() == 1);
}

TEST_CASE("a PROXY header has the deadline of the head") {
  PendingFixture port;
  port.handler.proxies = ProxyProtocol::required;
  SECTION("begun: 408") {
    const Fd client = port.connect("PROX");
    port.advance_ms(9'999);
    CHECK_FALSE(port.closed(client));
    port.advance_ms(1);
    CHECK(port.receive_all(client) == "refused:408:request_timeout\n");
    CHECK(port.pending.counters().timeouts.read() == 1);
  }
  SECTION("come, and no request: closed silently") {
    const Fd client = port.connect(kLine);
    port.advance_ms(10'000);
    CHECK(port.receive_all(client).empty());
    CHECK(port.pending.counters().silent_timeouts.read() == 1);
  }
}

TEST_CASE("a proxy that checks health by a PROXY header and no request abandons nothing") {
  PendingFixture port;
  port.handler.proxies = ProxyProtocol::required;
  const std::size_t bytes = GENERATE(kLocal.size(), std::size_t{7});
  {
    const Fd client = port.connect(kLocal.substr(0, bytes));
  }
  REQUIRE(port.turn_until([&] { return port.pending.size() == 0; }));
  CHECK(port.pending.counters().abandoned.read() == (bytes == kLocal.size() ? 0U : 1U));
}
