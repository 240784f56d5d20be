#include "net/socket/socket_ops.h"

#include <array>
#include <string>
#include <vector>

#include "net/socket/ready_set.h"
#include "tests/net/socket/socket_support.h"
#include "tests/support/catch.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::test;

namespace {

iovec piece(std::string& text) {
  return {.iov_base = text.data(), .iov_len = text.size()};
}

}  // namespace

TEST_CASE("one piece and several arrive in order") {
  const auto [server, client] = tcp_pair("127.0.0.31");
  std::string a = "alpha ";
  std::string b = "beta ";
  std::string c = "gamma";
  const std::array<iovec, 1> one{piece(a)};
  CHECK(write_pieces(server.get(), one).status == WriteStatus::all);
  const std::array<iovec, 2> two{piece(b), piece(c)};
  const WriteOutcome outcome = write_pieces(server.get(), two);
  CHECK(outcome.status == WriteStatus::all);
  CHECK(outcome.bytes == b.size() + c.size());
  CHECK(receive(client.get(), 16) == "alpha beta gamma");
}

TEST_CASE("the way to a peer is read while its connection lives") {
  auto [server, client] = tcp_pair("127.0.0.31");
  CHECK(read_path(server.get())->unsent_bytes == 0);
  CHECK(read_path(server.get())->round_trip_us > 0);
  std::string block(std::size_t{8} << 20, 'x');
  const std::array<iovec, 1> pieces{piece(block)};
  for (int i = 0; i < 500 && read_path(server.get())->unsent_bytes == 0; ++i) {
    write_pieces(server.get(), pieces);  // Until the peer's buffer is full.
    stays_silent(server.get(), 10);
  }
  CHECK(read_path(server.get())->unsent_bytes > 0);
  client.reset();  // It has unread input, so its kernel sends RST.
  REQUIRE(wait_for(server.get(), POLLHUP));
  CHECK_FALSE(read_path(server.get()));

  std::array<int, 2> no_tcp{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, no_tcp.data()) == 0);
  const Fd one(no_tcp[0]);
  const Fd other(no_tcp[1]);
  CHECK_FALSE(read_path(one.get()));
}

TEST_CASE("a full socket takes a part, then nothing, and its writable edge follows") {
  const auto [server, client] = tcp_pair("127.0.0.31");
  auto set = ReadySet::create();
  REQUIRE(set->add(server.get(), stream_token(0, 0)));
  std::array<Ready, 1> ready;
  REQUIRE(set->wait(ready) == 1);

  std::string block(256 * 1024, 'x');
  std::string end(1000, 'y');
  const std::array<iovec, 2> pieces{piece(block), piece(end)};
  std::size_t taken = 0;
  WriteOutcome outcome;
  do {  // Until the peer's buffer is full as well: then no acknowledgement makes room.
    do {
      outcome = write_pieces(server.get(), pieces);
      taken += outcome.bytes;
      REQUIRE(taken < std::size_t{64} << 20);
    } while (outcome.status == WriteStatus::all);
  } while (!stays_silent(set->fd(), 20) && set->wait(ready) == 1);
  CHECK(outcome.status == WriteStatus::partial);
  CHECK_FALSE(outcome.starved);

  CHECK(receive(client.get(), taken).size() == taken);
  REQUIRE(wait_for(set->fd(), POLLIN));
  REQUIRE(set->wait(ready) == 1);
  CHECK(ready[0].writable);
}

TEST_CASE("a would-be write to a full socket reports no byte") {
  const auto [server, client] = tcp_pair("127.0.0.31");
  std::string block(64 * 1024, 'x');
  const std::array<iovec, 1> pieces{piece(block)};
  while (write_pieces(server.get(), pieces).bytes > 0) {
  }
  const WriteOutcome outcome = write_pieces(server.get(), pieces);
  CHECK(outcome.status == WriteStatus::partial);
  CHECK(outcome.bytes == 0);
}

TEST_CASE("writing to a peer that has reset is gone, without a signal") {
  auto [server, client] = tcp_pair("127.0.0.32");
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.reset();
  REQUIRE(wait_for(server.get(), POLLIN));
  std::string text = "late";
  const std::array<iovec, 1> pieces{piece(text)};
  CHECK(write_pieces(server.get(), pieces).status == WriteStatus::gone);  // ECONNRESET
  CHECK(write_pieces(server.get(), pieces).status == WriteStatus::gone);  // EPIPE
}

TEST_CASE("input is discarded up to the limit and the end is reported") {
  auto [server, client] = tcp_pair("127.0.0.33");
  CHECK(discard_input(server.get(), 10).end == InputEnd::drained);

  send_text(client.get(), std::string(40'000, 'z'));
  std::size_t seen = 0;
  DiscardOutcome outcome;
  while (seen < 30'000) {
    outcome = discard_input(server.get(), 30'000 - seen);
    seen += outcome.bytes;
    if (outcome.end == InputEnd::drained) REQUIRE(wait_for(server.get(), POLLIN));
  }
  CHECK(seen == 30'000);
  CHECK(outcome.end == InputEnd::more);

  client.reset();
  while (outcome.end == InputEnd::more || outcome.end == InputEnd::drained) {
    REQUIRE(wait_for(server.get(), POLLIN));
    outcome = discard_input(server.get(), 1 << 20);
    seen += outcome.bytes;
  }
  CHECK(outcome.end == InputEnd::closed);
  CHECK(seen == 40'000);
}

TEST_CASE("a reset connection is an error, not an end of input") {
  auto [server, client] = tcp_pair("127.0.0.33");
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.reset();
  REQUIRE(wait_for(server.get(), POLLIN));
  CHECK(discard_input(server.get(), 10).end == InputEnd::error);
}
