#include "net/pending/pending_requests.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "tests/net/pending/pending_support.h"
#include "tests/support/catch.h"

using namespace crier::net;
using namespace crier::net::test;
using crier::Instant;

namespace {

// The kernel's tcp_info goes on where that of the C library ends.
struct LongTcpInfo {
  tcp_info begin;
  std::uint64_t pacing_rate, pacing_rate_max, bytes_acknowledged, bytes_received;
  std::uint32_t segments_sent, segments_received;
};

std::uint32_t segments_received(const Fd& socket) {
  LongTcpInfo info{};
  socklen_t size = sizeof info;
  REQUIRE(::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  REQUIRE(size == sizeof info);
  return info.segments_received;
}

}  // namespace

TEST_CASE("a head that comes whole is taken over without ever being registered") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/take"));
  REQUIRE(port.handler.taken.size() == 1);
  CHECK_FALSE(port.handler.taken[0].registered);
  CHECK(to_string(port.handler.taken[0].peer).starts_with("127.0.0.1:"));
  CHECK(port.pending.size() == 0);

  send_text(port.handler.taken[0].socket.get(), "stream");
  CHECK(receive(client.get(), 6) == "stream");
  port.settle();
  CHECK(port.stream_tokens == std::vector<Token>{stream_token(0, 1)});
}

TEST_CASE("a connection that is turned away is closed unread, and takes no row") {
  PendingFixture port;
  const std::string sent = GENERATE(std::string(), get_request("/keep"));
  auto [server, client] = tcp_pair("127.0.0.20");
  auto [other_server, other] = tcp_pair("127.0.0.20");
  port.handler.turned_away = remote_address(server.get());
  if (!sent.empty()) {
    send_text(client.get(), sent);
    REQUIRE(wait_for(server.get(), POLLIN));
  }
  port.pending.accept({.fd = server.release(), .peer = *port.handler.turned_away}, port.now);
  CHECK(port.closed(client));
  CHECK(port.handler.paths.empty());
  CHECK(port.pending.size() == 0);
  CHECK(port.pending.counters().turned_away.read() == 1);

  const PeerAddress peer = *remote_address(other_server.get());
  port.pending.accept({.fd = other_server.release(), .peer = peer}, port.now);
  CHECK(port.pending.size() == 1);
  CHECK(port.pending.counters().turned_away.read() == 1);
  CHECK(port.pending.counters().accepted.read() == 2);
}

TEST_CASE("an answer and the end of its connection are one segment") {
  PendingFixture port;
  const Fd client = port.connect({});
  send_text(client.get(), get_request("/close"));
  const std::uint32_t before = segments_received(client);
  CHECK(port.receive_all(client).ends_with("close:/close\n"));
  CHECK(segments_received(client) == before + 1);
}

TEST_CASE("a head that comes byte by byte is taken over with its registration") {
  PendingFixture port;
  const std::string head = get_request("/take/slowly");
  const Fd client = port.connect(head.substr(0, 1));
  CHECK(port.pending.size() == 1);
  for (std::size_t i = 1; i < head.size(); ++i) {
    CHECK(port.handler.taken.empty());
    send_text(client.get(), head.substr(i, 1));
    REQUIRE(wait_for(port.ready.fd(), POLLIN));
    port.turn();
  }
  REQUIRE(port.handler.taken.size() == 1);
  CHECK(port.handler.taken[0].registered);
  CHECK(port.handler.taken[0].path == "/take/slowly");
  CHECK(port.pending.size() == 0);
  port.settle();
  REQUIRE_FALSE(port.stream_tokens.empty());
  CHECK(port.stream_tokens.back() == stream_token(0, 1));
}

TEST_CASE("a connection that waits for its client does not wake the worker") {
  PendingFixture port;
  const auto [name, first] = GENERATE(table<const char*, std::string>({
      {"silent", ""},
      {"in its head", "GET /keep HT"},
      {"kept alive", get_request("/keep")},
      {"deferred", get_request("/later")},
      {"lingering", get_request("/close")},
  }));
  INFO(name);
  const Fd client = port.connect(first);
  CHECK(port.pending.size() == 1);
  CHECK_FALSE(port.pending.has_work());
  CHECK(stays_silent(port.ready.fd()));
}

TEST_CASE("a connection of a canary stays one, whichever of its requests is taken") {
  PendingFixture port;
  const bool canary = GENERATE(true, false);
  auto [server, client] = tcp_pair("127.0.0.19");
  port.pending.accept({.fd = server.release(), .peer = {}, .canary = canary}, port.now);
  send_text(client.get(), get_request("/keep") + get_request("/take"));
  REQUIRE(port.turn_until([&] { return !port.handler.taken.empty(); }));
  CHECK(port.handler.taken[0].canary == canary);
}

TEST_CASE("bytes behind a head that is taken are dropped") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/keep") + get_request("/take") + "junk");
  CHECK(port.receive(client, 11) == "keep:/keep\n");
  CHECK(port.handler.paths == std::vector<std::string>{"/keep", "/take"});
  CHECK(port.pending.size() == 0);
}

TEST_CASE("pipelined requests are answered in order, eight in one go") {
  PendingFixture port;
  std::string requests;
  std::string answers;
  for (int i = 0; i < 20; ++i) {
    requests += get_request("/keep/" + std::to_string(i));
    answers += "keep:/keep/" + std::to_string(i) + "\n";
  }
  const Fd client = port.connect(requests);
  CHECK(port.handler.paths.size() == 8);
  CHECK(port.pending.has_work());
  port.pending.run(port.now);
  CHECK(port.handler.paths.size() == 16);
  CHECK(port.receive(client, answers.size()) == answers);
  CHECK_FALSE(port.pending.has_work());
  CHECK(port.pending.count(PendingPhase::idle) == 1);
}

TEST_CASE("input beyond a turn's reads is served though no edge follows") {
  PendingFixture port;
  const std::string head =
      "GET /keep HTTP/1.1\r\nHost: h\r\nX-Filler: " + std::string(12'000, 'f') + "\r\n\r\n";
  const Fd client = port.connect("G");
  set_blocking(client.get(), true);
  std::string all;
  for (int i = 0; i < 9; ++i) all += head;
  send_text(client.get(), all.substr(1));  // More bytes than four reads of 16 KiB.
  set_blocking(client.get(), false);
  const std::string answer = "keep:/keep\n";
  CHECK(port.receive(client, 9 * answer.size()).size() == 9 * answer.size());
  CHECK(port.handler.paths.size() == 9);
}

TEST_CASE("an answer that does not fit is written on as the peer reads, then the next is served") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/big") + get_request("/keep/after"));
  CHECK(port.pending.count(PendingPhase::flush) == 1);
  CHECK(port.handler.paths.size() == 1);
  const std::string tail = "keep:/keep/after\n";
  const std::string all = port.receive(client, PathHandler::kBigBytes + tail.size());
  REQUIRE(all.size() == PathHandler::kBigBytes + tail.size());
  CHECK(all.find_first_not_of('b') == PathHandler::kBigBytes);
  CHECK(all.ends_with(tail));
  CHECK(port.pending.count(PendingPhase::idle) == 1);
}

TEST_CASE("a request that arrives during a flush is not lost") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/big"));
  send_text(client.get(), get_request("/keep/after"));
  port.settle();  // The request's edge comes while the answer before it waits.
  CHECK(port.handler.paths.size() == 1);
  const std::string tail = "keep:/keep/after\n";
  CHECK(port.receive(client, PathHandler::kBigBytes + tail.size()).ends_with(tail));
}

TEST_CASE("a client that shuts its side after the request still gets the answer") {
  PendingFixture port;
  const auto [path, answer] = GENERATE(table<std::string, std::string>({
      {"/keep", "keep:/keep\n"},
      {"/close", "close:/close\n"},
  }));
  const std::string head = get_request(path);
  const Fd client = port.connect(head.substr(0, 5));
  send_text(client.get(), head.substr(5));
  ::shutdown(client.get(), SHUT_WR);
  bool reset = false;
  CHECK(port.receive_all(client, &reset) == answer);
  CHECK_FALSE(reset);
  CHECK(port.turn_until([&] { return port.pending.size() == 0; }));
}

TEST_CASE("an answer before close arrives whole though input was never read") {
  PendingFixture port;
  const std::string flood = get_request("/close") + std::string(40'000, 'x');
  const Fd client = port.connect(flood);
  CHECK(port.pending.count(PendingPhase::linger) == 1);
  send_text(client.get(), "and more");
  bool reset = false;
  CHECK(port.receive_all(client, &reset) == "close:/close\n");
  CHECK_FALSE(reset);

  SECTION("and the row is free once the peer closes too") {
    ::shutdown(client.get(), SHUT_WR);
    CHECK(port.turn_until([&] { return port.pending.size() == 0; }));
  }
  SECTION("or after a second") {
    port.settle();
    port.advance_ms(999);
    CHECK(port.pending.size() == 1);
    port.advance_ms(1);
    CHECK(port.pending.size() == 0);
  }
  SECTION("or when it sends more than 64 KiB") {
    set_blocking(client.get(), true);
    send_text(client.get(), std::string(kLingerBytesMax, 'y'));
    CHECK(port.turn_until([&] { return port.pending.size() == 0; }));
  }
}

TEST_CASE("a refused head is answered, counted by kind and closed") {
  const auto [head, answer, malformed, too_large, unsupported] =
      GENERATE(table<std::string, std::string, unsigned, unsigned, unsigned>({
          {"GET / HTTP/1.1\r\n\r\n", "refused:400:bad_request\n", 1, 0, 0},
          {"GET /" + std::string(9'000, 'a'), "refused:414:uri_too_long\n", 0, 1, 0},
          {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(17'000, 'a'),
           "refused:431:headers_too_large\n", 0, 1, 0},
          {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "refused:501:method_unknown\n", 0, 0, 1},
      }));
  PendingFixture port;
  const Fd client = port.connect(head);
  bool reset = false;
  CHECK(port.receive_all(client, &reset) == answer);
  CHECK_FALSE(reset);
  CHECK(port.handler.paths.empty());
  CHECK(port.pending.counters().refused_malformed.read() == malformed);
  CHECK(port.pending.counters().refused_too_large.read() == too_large);
  CHECK(port.pending.counters().refused_unsupported.read() == unsupported);
  CHECK(port.pending.counters().parser_disagreements.read() == 0);
}

TEST_CASE("a peer that leaves frees its row") {
  PendingFixture port;
  Fd client = port.connect("GET / HT");
  CHECK(port.pending.size() == 1);
  SECTION("by FIN") {}
  SECTION("by RST") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  client.reset();
  CHECK(port.turn_until([&] { return port.pending.size() == 0; }));
  CHECK(port.pending.counters().abandoned.read() == 1);
}

TEST_CASE("readiness gathered for a former owner of a row is ignored") {
  PendingFixture port;
  const Fd first = port.connect("GET");
  port.pending.on_ready({.token = pending_token(0, 0), .error = true}, port.now);
  CHECK(port.pending.size() == 0);
  const Fd second = port.connect("GET");
  CHECK(port.pending.size() == 1);
  port.pending.on_ready({.token = pending_token(0, 0), .error = true}, port.now);
  port.pending.on_ready({.token = pending_token(77, 0), .error = true}, port.now);
  CHECK(port.pending.size() == 1);
  port.pending.on_ready({.token = pending_token(0, 1), .error = true}, port.now);
  CHECK(port.pending.size() == 0);
}
