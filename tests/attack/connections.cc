// Opens connections at a rate, sends each of them the bytes of standard input, and prints what
// became of them. An attack, or the new clients beside one.
//
//   attack_connections --connect IP:PORT --from IP [--addresses 1] [--rate 1000] [--at-once 64]
//                      [--seconds 5] [--count N] [--then answer] [--events 1] < request
//
// Connections come from `addresses` consecutive addresses in turn, for so many seconds or until it
// were `count`. What happens after the request:
//
//   answer  until a stream has said crier.open or crier.busy, or another answer has its head; then
//           the client resets the connection
//   hold    until the server closes it; the client then opens another
//   drip    as hold, and the client sends one more byte each second
//   reset   the client resets the connection at once
//   leave   as answer, but the client says that it has no more to send (FIN), and waits until the
//           server has closed the connection, too
//   replay  the client stays; the connection is complete once it got `events` events of bench_load,
//           numbered without a gap
//
// Prints `all` once `--at-once` connections are held, or complete, and at the end one line of JSON.
// Ends early at SIGTERM, and with its parent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/bench/histogram.h"
#include "cmd/bench/marker.h"
#include "cmd/bench/shared_state.h"

namespace crier::attack {
namespace {

using bench::monotonic_ns;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kGrace = 10 * kSecond;  // For the answers still expected at the end.
constexpr std::size_t kStartsPerTurn = 64;
constexpr std::size_t kAnswerBytes = 2'048;  // Of an answer, as many as tell what it is.

volatile sig_atomic_t told_to_end = 0;

enum class Then : std::uint8_t { answer, hold, drip, reset, leave, replay };

struct Options {
  sockaddr_in server{};
  std::uint32_t from = 0;  // Host order.
  std::uint32_t addresses = 1;
  double rate = 1'000;
  std::size_t at_once = 64;
  double seconds = 5;
  std::uint64_t count = ~std::uint64_t{0};
  Then then = Then::answer;
  std::uint32_t events = 1;
  std::string request;

  // Connections stay until the server closes them.
  bool holds() const { return then == Then::hold || then == Then::drip || then == Then::replay; }
};

struct Connection {
  int fd = -1;
  bool sent = false;
  bool left = false;
  std::uint64_t began = 0;
  std::uint64_t dripped = 0;
  std::string answer;
  std::uint32_t events = 0, newest = 0;
  bool in_order = true;
  bench::MarkScanner scanner;
};

class Attack {
 public:
  explicit Attack(Options options)
      : options_(std::move(options)),
        connections_(options_.at_once),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        times_(std::make_unique<bench::Histogram>()) {
    for (std::size_t i = connections_.size(); i > 0; --i) free_.push_back(i - 1);
  }

  void run();
  void print() const;

 private:
  void start_due(std::uint64_t now);
  void start(std::size_t index, std::uint64_t now);
  void send_request(std::size_t index);
  void fail(std::size_t index);
  void on_ready(std::size_t index);
  bool read_some(Connection& connection);
  void on_event(Connection& connection, std::uint32_t number);
  void drip(std::uint64_t now);
  void note_all();
  void judge(const Connection& connection);
  void drop(std::size_t index);
  std::size_t in_flight() const { return connections_.size() - free_.size(); }

  const Options options_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> free_;
  int epoll_;
  std::unique_ptr<bench::Histogram> times_;  // To the good answer; of held ones to their end.
  std::uint64_t began_ = 0, elapsed_ = 0, started_ = 0, sent_ = 0, unanswered_ = 0;
  std::uint64_t held_least_ = 0, complete_ = 0, completed_ = 0;
  bool all_ = false;
  std::map<std::string, std::uint64_t> outcomes_;
};

void Attack::run() {
  began_ = monotonic_ns();
  const std::uint64_t ends = began_ + static_cast<std::uint64_t>(options_.seconds * 1e9);
  std::array<epoll_event, 512> ready{};
  for (std::uint64_t now = began_;; now = monotonic_ns()) {
    const bool over = now >= ends || started_ >= options_.count || told_to_end != 0;
    if (over && elapsed_ == 0) elapsed_ = now - began_;
    if (over && (options_.holds() || in_flight() == 0 || now >= ends + kGrace)) break;
    if (!over) start_due(now);
    if (options_.holds()) note_all();
    if (options_.then == Then::drip) drip(now);
    const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 1);
    for (int i = 0; i < count; ++i) on_ready(ready[static_cast<std::size_t>(i)].data.u64);
  }
  if (!options_.holds()) unanswered_ = in_flight();
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].fd >= 0) drop(i);
  }
}

void Attack::start_due(std::uint64_t now) {
  auto due =
      static_cast<std::uint64_t>(static_cast<double>(now - began_) / 1e9 * options_.rate) + 1;
  if (options_.then == Then::replay) due = std::min<std::uint64_t>(due, options_.at_once);
  due = std::min(due, options_.count);
  for (std::size_t i = 0; i < kStartsPerTurn && started_ < due && !free_.empty(); ++i) {
    const std::size_t index = free_.back();
    free_.pop_back();
    start(index, now);
  }
}

void Attack::start(std::size_t index, std::uint64_t now) {
  Connection& connection = connections_[index];
  connection = {};
  connection.began = connection.dripped = now;
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(connection.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto turn = static_cast<std::uint32_t>(started_++ % options_.addresses);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(options_.from + turn);
  const auto* server = reinterpret_cast<const sockaddr*>(&options_.server);
  const bool connecting =
      ::bind(connection.fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0 &&
      (::connect(connection.fd, server, sizeof options_.server) == 0 || errno == EINPROGRESS);
  if (!connecting) return fail(index);
  send_request(index);  // Over loopback the connection is mostly there by now.
  if (connection.fd < 0) return;
  const std::uint32_t output = connection.sent ? 0U : EPOLLOUT;
  epoll_event watch{.events = EPOLLIN | EPOLLRDHUP | EPOLLET | output, .data = {.u64 = index}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &watch) != 0) fail(index);
}

void Attack::fail(std::size_t index) {
  ++outcomes_[std::strerror(errno)];
  drop(index);
}

void Attack::send_request(std::size_t index) {
  Connection& connection = connections_[index];
  const std::string& request = options_.request;
  if (::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EAGAIN && errno != ENOTCONN) fail(index);
    return;
  }
  connection.sent = true;
  ++sent_;
  if (options_.then == Then::reset) drop(index);
}

void Attack::on_ready(std::size_t index) {
  Connection& connection = connections_[index];
  if (connection.fd < 0) return;
  if (!connection.sent) send_request(index);
  if (!connection.sent || connection.fd < 0 || read_some(connection)) return;
  if (options_.then == Then::leave && !connection.left &&
      connection.answer.contains("event: crier.open")) {
    connection.left = true;
    connection.began = monotonic_ns();
    ::shutdown(connection.fd, SHUT_WR);
    return;
  }
  judge(connection);
  drop(index);
}

// False: the connection is over.
bool Attack::read_some(Connection& connection) {
  std::array<char, 16'384> bytes{};
  for (;;) {
    const ssize_t n = ::recv(connection.fd, bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    const std::size_t room = kAnswerBytes - std::min(kAnswerBytes, connection.answer.size());
    connection.answer.append(bytes.data(), std::min(static_cast<std::size_t>(n), room));
    if (options_.then == Then::replay) {
      connection.scanner.feed({bytes.data(), static_cast<std::size_t>(n)},
                              [&](bench::Mark mark) { on_event(connection, mark.event); });
    }
    if (options_.holds() || connection.left) continue;
    const std::string_view answer = connection.answer;
    if (!answer.contains("\r\n\r\n")) continue;
    if (!answer.contains("text/event-stream") || answer.contains("event: crier.")) return false;
  }
}

void Attack::on_event(Connection& connection, std::uint32_t number) {
  if (connection.newest != 0 && number != connection.newest + 1) connection.in_order = false;
  connection.newest = number;
  if (++connection.events != options_.events || !connection.in_order) return;
  ++complete_;
  completed_ = monotonic_ns();
  times_->record(completed_ - connection.began);
}

void Attack::judge(const Connection& connection) {
  constexpr std::string_view kStatusLine = "HTTP/1.1 ";
  const std::string_view answer = connection.answer;
  std::string outcome = "closed";
  if (answer.contains("event: crier.open")) {
    outcome = "opened";
  } else if (answer.contains("event: crier.busy")) {
    outcome = "busy";
  } else if (answer.starts_with(kStatusLine)) {
    outcome = answer.substr(kStatusLine.size(), 3);
  }
  ++outcomes_[outcome];
  const bool good = outcome == "opened" || outcome == "200";
  if (options_.then != Then::replay && (good || options_.holds())) {
    times_->record(monotonic_ns() - connection.began);
  }
}

void Attack::drip(std::uint64_t now) {
  for (Connection& connection : connections_) {
    if (!connection.sent || connection.fd < 0 || now < connection.dripped + kSecond) continue;
    connection.dripped = now;
    [[maybe_unused]] const ssize_t n = ::send(connection.fd, "x", 1, MSG_NOSIGNAL);
  }
}

void Attack::note_all() {
  const std::size_t there = options_.then == Then::replay ? complete_ : in_flight();
  if (there == options_.at_once && !all_) {
    all_ = true;
    held_least_ = in_flight();
    std::puts("all");
    std::fflush(stdout);
  }
  held_least_ = std::min<std::uint64_t>(held_least_, in_flight());
}

void Attack::drop(std::size_t index) {
  Connection& connection = connections_[index];
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(connection.fd);
  connection.fd = -1;
  free_.push_back(index);
}

void Attack::print() const {
  std::string outcomes;
  for (const auto& [name, count] : outcomes_) {
    outcomes += (outcomes.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(count);
  }
  std::printf(
      R"({"started":%lu,"sent":%lu,"unanswered":%lu,"held_least":%lu,"elapsed_ns":%lu,)"
      R"("complete":%lu,"complete_ns":%lu,"p50_ns":%lu,"p99_ns":%lu,"max_ns":%lu,"outcomes":{%s}})"
      "\n",
      started_, sent_, unanswered_, held_least_, elapsed_, complete_,
      completed_ == 0 ? 0 : completed_ - began_, times_->percentile(0.5), times_->percentile(0.99),
      times_->percentile(1), outcomes.c_str());
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string value = argv[i + 1];
    if (option == "--connect") {
      const std::size_t colon = value.rfind(':');
      options.server.sin_family = AF_INET;
      options.server.sin_port =
          htons(static_cast<std::uint16_t>(std::atoi(value.c_str() + colon + 1)));
      inet_pton(AF_INET, value.substr(0, colon).c_str(), &options.server.sin_addr);
    } else if (option == "--from") {
      in_addr from{};
      inet_pton(AF_INET, value.c_str(), &from);
      options.from = ntohl(from.s_addr);
    } else if (option == "--addresses") {
      options.addresses = static_cast<std::uint32_t>(std::atoi(value.c_str()));
    } else if (option == "--rate") {
      options.rate = std::atof(value.c_str());
    } else if (option == "--at-once") {
      options.at_once = static_cast<std::size_t>(std::atoi(value.c_str()));
    } else if (option == "--seconds") {
      options.seconds = std::atof(value.c_str());
    } else if (option == "--count") {
      options.count = static_cast<std::uint64_t>(std::atoll(value.c_str()));
    } else if (option == "--events") {
      options.events = static_cast<std::uint32_t>(std::atoi(value.c_str()));
    } else if (option == "--then") {
      constexpr std::array kNames{"answer", "hold", "drip", "reset", "leave", "replay"};
      const auto* const at = std::find(kNames.begin(), kNames.end(), value);
      if (at == kNames.end()) return false;
      options.then = static_cast<Then>(at - kNames.begin());
    } else {
      return false;
    }
  }
  return argc % 2 == 1 && options.server.sin_port != 0 && options.from != 0 &&
         options.addresses > 0 && options.rate > 0 && options.at_once > 0;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: see the head of tests/attack/connections.cc\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGTERM, [](int) { told_to_end = 1; });
  options.request.assign(std::istreambuf_iterator<char>(std::cin), {});
  Attack attack(std::move(options));
  attack.run();
  attack.print();
  return 0;
}

}  // namespace
}  // namespace crier::attack

int main(int argc, char** argv) {
  return crier::attack::run(argc, argv);
}
