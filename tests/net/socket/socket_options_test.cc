#include "net/socket/socket_options.h"

#include <fcntl.h>
#include <linux/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "tests/net/socket/socket_support.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;
using namespace crier::net::test;
using crier::Errc;

namespace {

// Values that differ from the kernel's and from crier's defaults. Every kernel has "reno".
const SocketOptions kOther{.no_delay = false,
                           .send_buffer_bytes = 24 * 1024,
                           .unsent_bytes_low_water = 7'000,
                           .user_timeout_ms = 33'000,
                           .busy_poll_us = 0,
                           .congestion_control = "reno"};
const SocketOptions kOwn{.no_delay = false,
                         .send_buffer_bytes = 0,
                         .unsent_bytes_low_water = 0,
                         .user_timeout_ms = 0,
                         .busy_poll_us = 0,
                         .congestion_control = ""};

std::string congestion_control_of(int fd) {
  std::array<char, 17> name{};
  socklen_t size = 16;
  REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) == 0);
  return name.data();
}

bool buffer_is_own(int fd) {
  return (option_of(fd, SOL_SOCKET, SO_BUF_LOCK) & SOCK_SNDBUF_LOCK) == 0;
}

void check_has(int fd, const SocketOptions& options) {
  CHECK(option_of(fd, IPPROTO_TCP, TCP_NODELAY) == (options.no_delay ? 1 : 0));
  CHECK(option_of(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == options.unsent_bytes_low_water);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == options.user_timeout_ms);
  CHECK(buffer_is_own(fd) == (options.send_buffer_bytes == 0));
  if (options.send_buffer_bytes != 0) {
    CHECK(option_of(fd, SOL_SOCKET, SO_SNDBUF) == 2 * options.send_buffer_bytes);
  }
  CHECK(congestion_control_of(fd) == (options.congestion_control.empty()
                                          ? kernel_options()->congestion_control
                                          : options.congestion_control));
}

// A listener and its clients.
struct Port {
  static constexpr const char* kAddress = "127.0.0.18";
  explicit Port(const SocketOptions& options)
      : listener(listen_on(kAddress, {.defer_accept_seconds = 0, .sockets = options})) {}

  // The accepted end of one connection.
  const Accepted& take() {
    clients.push_back(connect_to(kAddress, listener.port()));
    REQUIRE(wait_for(listener.fd(), POLLIN));
    listener.accept_some(1, [&](const Accepted& one) {
      last = one;
      servers.emplace_back(one.fd);
    });
    return last;
  }

  Listener listener;
  Accepted last;
  std::vector<Fd> clients;
  std::vector<Fd> servers;
};

SocketPlan plan_of(const SocketOptions& current, const std::optional<SocketOptions>& canary = {},
                   unsigned percent = 0) {
  return {.current = current,
          .canary = canary,
          .canary_percent = percent,
          .own = kernel_options().value()};
}

}  // namespace

TEST_CASE("every one of these options is handed down to accepted sockets") {
  Port port(kOther);
  check_has(port.take().fd, kOther);
}

TEST_CASE("options without a value are left to the kernel") {
  Port port(kOwn);
  check_has(port.take().fd, kOwn);
}

TEST_CASE("new options are those of new connections, and the old keep theirs") {
  const auto [before, after] = GENERATE(
      table<SocketOptions, SocketOptions>({{SocketOptions(), kOther}, {kOther, kOwn}, {kOwn, {}}}));
  Port port(before);
  const int old = port.take().fd;
  port.listener.follow(plan_of(after));
  const Accepted late = port.take();
  check_has(late.fd, after);
  CHECK_FALSE(late.canary);
  check_has(old, before);
  CHECK(port.listener.counters().options_refused.read() == 0);
}

TEST_CASE("a listener that was handed in has nothing left of an earlier daemon's options") {
  Port port(kOther);
  auto next =
      Listener::adopt(Fd(::fcntl(port.listener.fd(), F_DUPFD_CLOEXEC, 0)),
                      {.defer_accept_seconds = 0, .sockets = kOwn}, Listener::Sharing::one_worker);
  REQUIRE(next);
  check_has(port.take().fd, kOwn);
}

TEST_CASE("busy polling is handed down and taken back") {
  SocketOptions polling;
  polling.busy_poll_us = 40;
  const auto tried = try_options(polling);
  REQUIRE(tried);
  if (tried->usable.busy_poll_us == 0) {
    WARN("not tested: this user or this kernel may not poll");
    return;
  }
  Port port(polling);
  CHECK(option_of(port.take().fd, SOL_SOCKET, SO_BUSY_POLL) == 40);
  port.listener.follow(plan_of({}));
  CHECK(option_of(port.take().fd, SOL_SOCKET, SO_BUSY_POLL) == kernel_options()->busy_poll_us);
}

TEST_CASE("a canary gets its share of new connections, in turn") {
  const auto [percent, turns] = GENERATE(table<unsigned, std::string>({
      {25, "...c...c"},
      {50, ".c.c.c.c"},
      {75, ".ccc.ccc"},
      {1, "........"},
  }));
  INFO(percent << " %");
  Port port({});
  port.listener.follow(plan_of({}, kOther, percent));
  std::string seen;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Accepted& one = port.take();
    seen += one.canary ? 'c' : '.';
    check_has(one.fd, one.canary ? kOther : SocketOptions());
  }
  CHECK(seen == turns);
  CHECK(port.listener.counters().canaries.read() ==
        static_cast<std::uint64_t>(std::ranges::count(turns, 'c')));

  SECTION("it ends with its options for all") {
    port.listener.follow(plan_of(kOther));
    check_has(port.take().fd, kOther);
  }
  SECTION("it ends with the options from before for all") {
    port.listener.follow(plan_of({}));
    for (int i = 0; i < 4; ++i) check_has(port.take().fd, {});
  }
  CHECK_FALSE(port.last.canary);
}

TEST_CASE("a reload's percentage decides which connections get the new options") {
  const SocketOptions a;
  SocketOptions b;
  b.user_timeout_ms = 1;
  SocketOptions c;
  c.user_timeout_ms = 2;
  SocketPlan plan;
  plan.current = a;
  const auto reload = [&](const SocketOptions& wanted, unsigned percent) {
    plan = next_plan(plan, wanted, percent, {});
  };
  reload(a, 25);  // Changes nothing.
  CHECK(plan.current == a);
  CHECK_FALSE(plan.canary);
  reload(b, 25);
  CHECK(plan.current == a);
  CHECK(plan.canary == b);
  CHECK(plan.canary_percent == 25);
  reload(b, 50);  // A larger share.
  CHECK(plan.current == a);
  CHECK(plan.canary == b);
  CHECK(plan.canary_percent == 50);
  reload(c, 10);  // Another canary beside the same options.
  CHECK(plan.current == a);
  CHECK(plan.canary == c);
  reload(a, 10);  // The canary is withdrawn.
  CHECK(plan.current == a);
  CHECK_FALSE(plan.canary);
  reload(b, 99);
  reload(b, 100);  // The canary's options become those of all.
  CHECK(plan.current == b);
  CHECK_FALSE(plan.canary);
  reload(c, 100);  // Without a canary.
  CHECK(plan.current == c);
  CHECK_FALSE(plan.canary);
}

TEST_CASE("a congestion control that the kernel forbids is refused with the allowed ones") {
  CHECK_FALSE(congestion_control_problem("", "reno cubic\n"));
  CHECK_FALSE(congestion_control_problem("cubic", "reno cubic\n"));
  CHECK_FALSE(congestion_control_problem("reno", "reno cubic\n"));
  CHECK_FALSE(congestion_control_problem("bbr", ""));  // Only the kernel can tell.
  const auto problem = congestion_control_problem("cub", "reno cubic\n");
  REQUIRE(problem);
  CHECK(problem->find("socket.congestion_control is \"cub\"") != std::string::npos);
  CHECK(problem->find("reno cubic;") != std::string::npos);

  const auto tried = try_options({.congestion_control = "nonsense"});
  REQUIRE_FALSE(tried);
  CHECK(tried.error().code == Errc::invalid_config);
  CHECK(tried.error().detail.find("reno") != std::string::npos);
  CHECK(try_options({.congestion_control = "reno"}));
}

TEST_CASE("a list of congestion controls that cannot be read refuses none") {
  const int error = GENERATE(EIO, ENOMEM);
  std::optional<Result<TriedOptions>> tried;
  if (!crier::tests::while_failing({SYS_read, error},
                                   [&] { tried = try_options({.congestion_control = "cubic"}); })) {
    return;
  }
  CHECK(tried->has_value());
}

TEST_CASE("without permission for busy polling a listener works, with a warning") {
  // Some kernels require a capability for it.
  const crier::tests::FailingCall forbidden{SYS_setsockopt, EPERM, SOL_SOCKET};
  SocketOptions wanted = kOwn;
  wanted.busy_poll_us = 9'999;
  crier::Result<TriedOptions> tried;
  if (!crier::tests::while_failing(forbidden, [&] { tried = try_options(wanted); })) return;
  REQUIRE(tried);
  CHECK(tried->usable == kOwn);
  CHECK(tried->warning.find("socket.busy_poll_microseconds is 9999") != std::string::npos);
  CHECK(tried->warning.find("CAP_NET_ADMIN") != std::string::npos);
  CHECK(try_options(kOwn)->warning.empty());
}

TEST_CASE("reloads that change nothing do not delay the canary's turn") {
  Port port({});
  std::string seen;
  for (int i = 0; i < 8; ++i) {
    port.listener.follow(plan_of({}, kOther, 25));
    seen += port.take().canary ? 'c' : '.';
  }
  CHECK(seen == "...c...c");
}

TEST_CASE("options that a listener refused are tried again with the next reload") {
  Port port({});
  SocketOptions bad = kOther;
  bad.congestion_control = "nonsense";
  port.listener.follow(plan_of(bad));
  port.listener.follow(plan_of(bad));
  CHECK(port.listener.counters().options_refused.read() == 2);
  port.listener.follow(plan_of(kOther));
  CHECK(port.listener.counters().options_refused.read() == 2);
  check_has(port.take().fd, kOther);
}

TEST_CASE("a refused option is counted, and the connection served") {
  Port port({});
  SocketOptions bad;
  bad.congestion_control = "nonsense";
  port.listener.follow(plan_of({}, bad, 50));
  CHECK_FALSE(port.take().canary);
  CHECK(port.take().canary);
  check_has(port.last.fd, {});
  CHECK(port.listener.counters().options_refused.read() == 1);
}
