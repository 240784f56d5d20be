#include "net/socket/ready_set.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "tests/net/socket/socket_support.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;
using namespace crier::net::test;

namespace {

std::vector<Ready> take(ReadySet& set) {
  std::array<Ready, 8> batch;
  const std::size_t count = set.wait(batch);
  return {batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::vector<Ready> await(ReadySet& set) {
  REQUIRE(wait_for(set.fd(), POLLIN));
  return take(set);
}

}  // namespace

TEST_CASE("a token tells a pending request from a stream") {
  const Token stream = stream_token(7, 3);
  const Token pending = pending_token(7, 3);
  CHECK_FALSE(is_pending(stream));
  CHECK(is_pending(pending));
  CHECK(row_of(stream) == 7);
  CHECK(row_of(pending) == 7);
  CHECK(stream != pending);
}

TEST_CASE("a kernel without room for another watch says which sysctl to raise") {
  CHECK(probe_watches(100));
  crier::Result<void> refused;
  if (!crier::tests::while_failing({SYS_epoll_ctl, ENOSPC}, [&] { refused = probe_watches(1); })) {
    WARN("not tested: this system has no filters for system calls");
    return;
  }
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == crier::Errc::limit_reached);
  CHECK(refused.error().detail.find("fs.epoll.max_user_watches") != std::string::npos);
}

TEST_CASE("an edge comes once, with the token it was registered under") {
  auto set = ReadySet::create();
  REQUIRE(set);
  const auto [server, client] = tcp_pair("127.0.0.21");
  const Token token = stream_token(0x7fff'ffff, 0xffff'fffe);
  REQUIRE(set->add(server.get(), token));

  auto ready = await(*set);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].token == token);
  CHECK(ready[0].writable);
  CHECK_FALSE(ready[0].readable);
  CHECK(take(*set).empty());

  send_text(client.get(), "hello");
  ready = await(*set);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].readable);
  CHECK_FALSE(ready[0].peer_closed);
  CHECK(take(*set).empty());  // An edge comes once, although "hello" is unread.
}

TEST_CASE("bytes that came before the registration are reported") {
  auto set = ReadySet::create();
  const auto [server, client] = tcp_pair("127.0.0.21");
  send_text(client.get(), "early");
  REQUIRE(wait_for(server.get(), POLLIN));
  REQUIRE(set->add(server.get(), stream_token(1, 1)));
  const auto ready = take(*set);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].readable);
}

TEST_CASE("a re-tagged socket reports its new token and what is ready") {
  auto set = ReadySet::create();
  const auto [server, client] = tcp_pair("127.0.0.21");
  REQUIRE(set->add(server.get(), pending_token(4, 9)));
  await(*set);
  send_text(client.get(), "x");
  await(*set);
  set->retag(server.get(), stream_token(5, 1));
  const auto ready = take(*set);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].token == stream_token(5, 1));
  CHECK(ready[0].readable);
  CHECK(ready[0].writable);
}

TEST_CASE("a closing peer and a lost one are told apart") {
  auto set = ReadySet::create();
  auto [server, client] = tcp_pair("127.0.0.22");
  REQUIRE(set->add(server.get(), stream_token(1, 1)));
  await(*set);
  SECTION("FIN") {
    ::shutdown(client.get(), SHUT_WR);
    const auto ready = await(*set);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].peer_closed);
    CHECK_FALSE(ready[0].error);
  }
  SECTION("RST") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    client.reset();
    const auto ready = await(*set);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].error);
  }
}

TEST_CASE("a removed socket is silent, and so is a closed one") {
  auto set = ReadySet::create();
  auto [server, client] = tcp_pair("127.0.0.22");
  REQUIRE(set->add(server.get(), stream_token(1, 1)));
  SECTION("removed") {
    set->remove(server.get());
    REQUIRE(set->add(server.get(), stream_token(2, 1)));
    set->remove(server.get());
  }
  SECTION("closed") {
    server.reset();
  }
  CHECK(take(*set).empty());
}

TEST_CASE("a batch smaller than what is ready leaves the set readable") {
  auto set = ReadySet::create();
  std::vector<std::pair<Fd, Fd>> pairs;
  for (std::uint32_t i = 0; i < 5; ++i) {
    pairs.push_back(tcp_pair("127.0.0.23"));
    REQUIRE(set->add(pairs.back().first.get(), stream_token(i, 1)));
  }
  std::array<Ready, 2> batch;
  std::vector<std::uint32_t> rows;
  while (!stays_silent(set->fd(), 0)) {
    const std::size_t count = set->wait(batch);
    for (std::size_t i = 0; i < count; ++i) rows.push_back(row_of(batch[i].token));
  }
  std::ranges::sort(rows);
  CHECK(rows == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
}
