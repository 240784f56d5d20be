#include "net/socket/listener.h"

#include <fcntl.h>
#include <linux/socket.h>

#include <algorithm>
#include <vector>

#include "net/socket/peer_address.h"
#include "tests/net/socket/socket_support.h"
#include "tests/support/catch.h"

using namespace crier::net;
using namespace crier::net::test;
using crier::Errc;

namespace {

std::vector<Fd> accept_all(Listener& listener, std::size_t max, AcceptEnd* end = nullptr) {
  std::vector<Fd> accepted;
  const AcceptEnd result =
      listener.accept_some(max, [&](const Accepted& one) { accepted.emplace_back(one.fd); });
  if (end != nullptr) *end = result;
  return accepted;
}

// The lowest free descriptor. With a limit of this number plus one, exactly one more can be opened.
rlim_t next_descriptor() {
  const Fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return static_cast<rlim_t>(probe.get());
}

}  // namespace

TEST_CASE("accepted sockets inherit the listener's options") {
  const ListenerOptions options{.defer_accept_seconds = 3,
                                .sockets = {.no_delay = true,
                                            .send_buffer_bytes = 48 * 1024,
                                            .unsent_bytes_low_water = 12 * 1024,
                                            .user_timeout_ms = 41'000},
                                .keepalive_idle_seconds = 57,
                                .keepalive_interval_seconds = 13,
                                .keepalive_probes = 6};
  const auto [server, client] = tcp_pair("127.0.0.11", options);
  const int fd = server.get();
  CHECK(option_of(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 41'000);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 12 * 1024);
  CHECK(option_of(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 57);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 13);
  CHECK(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT) == 6);
  CHECK(option_of(fd, SOL_SOCKET, SO_SNDBUF) == 2 * 48 * 1024);
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a send buffer of 0 is the kernel's own, which grows") {
  const auto [server, client] =
      tcp_pair("127.0.0.11", {.defer_accept_seconds = 0, .sockets = {.send_buffer_bytes = 0}});
  CHECK((option_of(server.get(), SOL_SOCKET, SO_BUF_LOCK) & SOCK_SNDBUF_LOCK) == 0);
}

TEST_CASE("a connection without bytes waits while accepting is deferred") {
  Listener listener = listen_on("127.0.0.11", {.defer_accept_seconds = 3});
  const Fd client = connect_to("127.0.0.11", listener.port());
  CHECK(stays_silent(listener.fd()));
  send_text(client.get(), "G");
  REQUIRE(wait_for(listener.fd(), POLLIN));
  CHECK(accept_all(listener, 8).size() == 1);
}

TEST_CASE("accepting takes no more than its share and says what is left") {
  Listener listener = listen_on("127.0.0.12");
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(connect_to("127.0.0.12", listener.port()));

  AcceptEnd end{};
  CHECK(accept_all(listener, 3, &end).size() == 3);
  CHECK(end == AcceptEnd::more);
  CHECK(accept_all(listener, 3, &end).size() == 2);
  CHECK(end == AcceptEnd::drained);
  CHECK(listener.counters().accepted.read() == 5);
}

TEST_CASE("the peer's address is told, IPv4 as IPv4 on a dual-stack socket too") {
  const auto [where, from, printed] = GENERATE(table<const char*, const char*, std::string>({
      {"127.0.0.13:0", "127.0.0.13", "127.0.0.1:"},
      {"*:0", "127.0.0.13", "127.0.0.1:"},
      {"*:0", "[::1]", "[::1]:"},
      {"[::1]:0", "[::1]", "[::1]:"},
  }));
  INFO(where << " from " << from);
  auto listener = Listener::open(*Endpoint::parse(where), {.defer_accept_seconds = 0});
  REQUIRE(listener);
  const Fd client = connect_to(from, listener->port());
  std::string peer;
  listener->accept_some(1, [&](const Accepted& accepted) {
    ::close(accepted.fd);
    peer = to_string(accepted.peer);
  });
  CHECK(peer.starts_with(printed));
  CHECK(std::stoi(peer.substr(printed.size())) > 0);
}

TEST_CASE("limits count IPv4 whole and IPv6 by its /64") {
  PeerAddress v4{.bytes = {10, 1, 2, 3}, .port = 1, .v6 = false};
  PeerAddress v4_next{.bytes = {10, 1, 2, 4}, .port = 1, .v6 = false};
  PeerAddress v6{.bytes = {10, 1, 2, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9}, .port = 1, .v6 = true};
  PeerAddress neighbour = v6;
  neighbour.bytes[8] = 7;
  neighbour.port = 2;
  PeerAddress other = v6;
  other.bytes[7] = 2;
  CHECK(limit_key(v6) == limit_key(neighbour));
  CHECK(limit_key(v6) != limit_key(other));
  CHECK(limit_key(v4) != limit_key(v4_next));
  CHECK(limit_key(v4) != limit_key(v6));
}

TEST_CASE("workers share a port, and the kernel finds each connection a worker") {
  Listener first = listen_on("127.0.0.14");
  auto second = Listener::open(*Endpoint::parse("127.0.0.14:" + std::to_string(first.port())),
                               {.defer_accept_seconds = 0});
  REQUIRE(second);
  std::vector<Fd> clients;
  for (int i = 0; i < 32; ++i) clients.push_back(connect_to("127.0.0.14", first.port()));
  const std::size_t here = accept_all(first, 64).size();
  const std::size_t there = accept_all(*second, 64).size();
  CHECK(here + there == 32);
}

TEST_CASE("every connection gets a worker, whatever processors listeners prefer") {
  Listener first = listen_on("127.0.0.14");
  auto second = Listener::open(*Endpoint::parse("127.0.0.14:" + std::to_string(first.port())),
                               {.defer_accept_seconds = 0});
  REQUIRE(second);
  constexpr unsigned kAbsent = 8'191;
  REQUIRE(first.prefer_processor(kAbsent));
  REQUIRE(second->prefer_processor(0));
  CHECK(option_of(first.fd(), SOL_SOCKET, SO_INCOMING_CPU) == int{kAbsent});
  std::vector<Fd> clients;
  for (int i = 0; i < 16; ++i) clients.push_back(connect_to("127.0.0.14", first.port()));
  CHECK(accept_all(first, 64).size() + accept_all(*second, 64).size() == 16);
  second->stop();  // The listener that is left does not prefer this processor.
  for (int i = 0; i < 16; ++i) clients.push_back(connect_to("127.0.0.14", first.port()));
  CHECK(accept_all(first, 64).size() == 16);
}

TEST_CASE("a listener that was handed in goes on listening when we stop") {
  Listener first = listen_on("127.0.0.16");
  auto adopted =
      Listener::adopt(Fd(::fcntl(first.fd(), F_DUPFD_CLOEXEC, 0)),
                      {.defer_accept_seconds = 0, .sockets = {.send_buffer_bytes = 48 * 1024}},
                      Listener::Sharing::one_worker);
  REQUIRE(adopted);
  CHECK(adopted->was_handed_in());
  CHECK(adopted->port() == first.port());
  const Fd early = connect_to("127.0.0.16", first.port());
  const std::vector<Fd> accepted = accept_all(*adopted, 4);
  REQUIRE(accepted.size() == 1);
  CHECK(option_of(accepted[0].get(), SOL_SOCKET, SO_SNDBUF) == 2 * 48 * 1024);
  adopted->stop();
  const Fd late = connect_to("127.0.0.16", first.port());
  CHECK(accept_all(first, 4).size() == 1);
}

TEST_CASE("a listener counts the connections that wait to be accepted") {
  Listener listener = listen_on("127.0.0.18");
  const Fd clients[] = {connect_to("127.0.0.18", listener.port()),
                        connect_to("127.0.0.18", listener.port()),
                        connect_to("127.0.0.18", listener.port())};
  listener.look_at_queue();
  CHECK(listener.counters().waiting.read() == 3);
  CHECK(listener.counters().waiting_max.read() >= 128);
  CHECK(accept_all(listener, 2).size() == 2);
  CHECK(listener.counters().waiting.read() == 3);
  listener.look_at_queue();
  CHECK(listener.counters().waiting.read() == 1);
  listener.stop();
  listener.look_at_queue();
}

TEST_CASE("a listener of several workers leaves its connections to those that have descriptors") {
  Listener first = listen_on("127.0.0.17");
  auto shared = Listener::adopt(Fd(::fcntl(first.fd(), F_DUPFD_CLOEXEC, 0)),
                                {.defer_accept_seconds = 0}, Listener::Sharing::several_workers);
  REQUIRE(shared);
  const Fd client = connect_to("127.0.0.17", first.port());
  AcceptEnd end = AcceptEnd::drained;
  {
    const DescriptorLimit limit(next_descriptor());
    CHECK(accept_all(*shared, 4, &end).empty());
  }
  CHECK(end == AcceptEnd::starved);
  CHECK(shared->counters().shed.read() == 0);
  CHECK(accept_all(first, 4).size() == 1);
}

TEST_CASE("a second daemon is refused by the probe, with the address and the knob") {
  Listener first = listen_on("127.0.0.15");
  const std::string where = "127.0.0.15:" + std::to_string(first.port());
  const Endpoint endpoint = *Endpoint::parse(where);
  const auto refused = probe_address(endpoint);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::address_in_use);
  CHECK(refused.error().detail.find(where) != std::string::npos);
  CHECK(refused.error().detail.find("http.listen") != std::string::npos);

  SECTION("but not once the first is gone, though its connections linger") {
    const Fd client = connect_to("127.0.0.15", first.port());
    const std::vector<Fd> open = accept_all(first, 1);
    REQUIRE(open.size() == 1);
    first.stop();
    CHECK(probe_address(endpoint));
    CHECK(Listener::open(endpoint, {}));
  }
}

TEST_CASE("an address that cannot be listened on is refused with the reason") {
  const auto [text, words, code] = GENERATE(table<const char*, const char*, Errc>({
      {"203.0.113.1:0", "not an address of this machine", Errc::os},  // It may come later.
      {"unix:/tmp/x", "must be an address and a port", Errc::invalid_config},
  }));
  const auto listener = Listener::open(*Endpoint::parse(text), {}, "http.listen");
  REQUIRE_FALSE(listener);
  CHECK(listener.error().code == code);
  CHECK(listener.error().detail.find(words) != std::string::npos);
  CHECK(listener.error().detail.find("http.listen") != std::string::npos);
}

TEST_CASE("a stopped listener resets waiting connections and refuses new ones") {
  Listener listener = listen_on("127.0.0.16");
  const std::uint16_t port = listener.port();
  const Fd waiting = connect_to("127.0.0.16", port);
  const Fd copy(::dup(listener.fd()));  // Like the copy in another thread's table.
  listener.stop();
  listener.stop();
  CHECK(listener.fd() == -1);
  bool reset = false;
  receive_all(waiting.get(), &reset);
  CHECK(reset);

  const SocketAddress to = socket_address(*Endpoint::parse("127.0.0.16:" + std::to_string(port)));
  const Fd late(::socket(AF_INET, SOCK_STREAM, 0));
  CHECK(::connect(late.get(), to.get(), to.size) == -1);
  CHECK(errno == ECONNREFUSED);

  AcceptEnd end{};
  CHECK(accept_all(listener, 4, &end).empty());
  CHECK(end == AcceptEnd::drained);
}

TEST_CASE("without descriptors one peer is refused, and the others are served later") {
  Listener listener = listen_on("127.0.0.17");
  std::vector<Fd> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(connect_to("127.0.0.17", listener.port()));
  AcceptEnd first_end{};
  AcceptEnd second_end{};
  std::vector<Fd> first;
  std::vector<Fd> second;
  {
    const DescriptorLimit limit(next_descriptor() + 1);
    first = accept_all(listener, 8, &first_end);
    second = accept_all(listener, 8, &second_end);
  }
  CHECK(first.size() == 1);
  CHECK(first_end == AcceptEnd::starved);
  CHECK(second.empty());  // The listener does not spin: one try, one peer, starved again.
  CHECK(second_end == AcceptEnd::starved);
  CHECK(listener.counters().starved.read() == 2);
  CHECK(listener.counters().shed.read() == 2);
  CHECK(receive_all(clients[1].get()).empty());  // Closed at once.
  CHECK(receive_all(clients[2].get()).empty());
  CHECK(stays_silent(clients[3].get()));  // Still in the queue.

  AcceptEnd end{};
  CHECK(accept_all(listener, 8, &end).size() == 1);
  CHECK(end == AcceptEnd::drained);
}

TEST_CASE("a lost spare descriptor is found again") {
  Listener listener = listen_on("127.0.0.17");
  std::vector<Fd> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect_to("127.0.0.17", listener.port()));
  AcceptEnd end{};
  const rlim_t next = next_descriptor();
  {
    const DescriptorLimit nothing(3);  // Below the spare's number: it cannot be opened again.
    accept_all(listener, 8);
    accept_all(listener, 8);
  }
  CHECK(listener.counters().starved.read() == 2);
  CHECK(listener.counters().shed.read() == 0);
  CHECK(listener.counters().accepted.read() == 0);

  std::vector<Fd> accepted;
  {
    // Room for the spare and one peer, because the spare left a gap.
    const DescriptorLimit limit(next + 1);
    accepted = accept_all(listener, 8, &end);
  }
  CHECK(accepted.size() == 1);
  CHECK(end == AcceptEnd::starved);
  CHECK(listener.counters().shed.read() == 1);
}
