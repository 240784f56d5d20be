#include "cmd/bench/load.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <new>

#include "cmd/bench/marker.h"
#include "core/check.h"

namespace crier::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLookEvery = 1'000'000;  // Between two looks at the clients' counters.

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

std::string replaced(std::string text, const std::string& topic) {
  if (const auto at = text.find("{}"); at != std::string::npos) text.replace(at, 2, topic);
  return text;
}

void sleep_ns(std::uint64_t ns) {
  const timespec pause{.tv_sec = static_cast<time_t>(ns / kSecond),
                       .tv_nsec = static_cast<long>(ns % kSecond)};
  nanosleep(&pause, nullptr);
}

std::uint64_t share_of(const std::vector<std::uint64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace

Result<std::unique_ptr<Load>> Load::create(Target target) {
  void* memory = mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail(Errc::os, std::string("mmap: ") + std::strerror(errno));
  std::unique_ptr<Load> load(new Load());
  load->target_ = std::move(target);
  load->shared_ = new (memory) SharedState;
  return load;
}

Load::~Load() {
  for (const Group& group : groups_) {
    for (const Client& client : group.clients) ::close(client.commands);
  }
  for (const Group& group : groups_) {
    for (const Client& client : group.clients) waitpid(client.pid, nullptr, 0);
  }
  if (shared_ != nullptr) munmap(shared_, sizeof(SharedState));
}

Result<std::uint32_t> Load::find(const std::string& name) const {
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].options.name == name) return i;
  }
  return fail(Errc::not_found, "no group is called " + name);
}

Result<std::uint32_t> Load::add_group(const GroupOptions& options) {
  const auto index = static_cast<std::uint32_t>(groups_.size());
  if (index == kGroupsMax || clients_ + options.processes > kClientsMax || options.processes == 0 ||
      options.processes > kProcessesPerGroup) {
    return fail(Errc::limit_reached, "too many groups or client processes");
  }
  groups_.push_back({.options = options});
  const std::uint32_t each = (options.streams + options.processes - 1) / options.processes;
  for (std::uint32_t i = 0; i < options.processes; ++i) {
    auto client = start_client(index, i * each);
    if (!client) return std::unexpected(client.error());
    groups_[index].clients.push_back(*client);
  }
  return index;
}

Result<Load::Client> Load::start_client(std::uint32_t group, std::uint32_t first_stream) {
  const GroupOptions& of = groups_[group].options;
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return fail(Errc::os, std::string("socketpair: ") + std::strerror(errno));
  }
  ClientOptions options{.server = target_.server,
                        .path = target_.stream_path,
                        .topics = of.topics,
                        .group = group,
                        .first_stream = first_stream,
                        .connecting_max = of.connecting_max,
                        .reads = of.reads,
                        .trace = of.trace};
  if (target_.source_octet != 0) {
    const auto process = static_cast<std::uint32_t>(groups_[group].clients.size());
    options.source = 127U << 24 | std::uint32_t{target_.source_octet} << 16 |
                     (group * kProcessesPerGroup + process) << 8;
  }
  ClientState* state = &shared_->clients[clients_++];
  const pid_t pid = fork();
  if (pid < 0) return fail(Errc::os, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const Group& other : groups_) {
      for (const Client& client : other.clients) ::close(client.commands);
    }
    ::close(pair[0]);
    _exit(run_client(options, pair[1], *shared_, *state));
  }
  ::close(pair[1]);
  return Client{.commands = pair[0], .pid = pid, .first_stream = first_stream, .state = state};
}

Opening Load::open(std::uint32_t index, std::uint32_t streams, double seconds) {
  Group& group = groups_[index];
  const std::uint64_t began = monotonic_ns();
  const auto processes = static_cast<std::uint32_t>(group.clients.size());
  const std::uint32_t capped = std::min(streams, group.options.streams);
  for (std::uint32_t i = 0; i < processes; ++i) {
    // Stream numbers of a process are fixed when it starts, so that each has its own topic.
    const std::uint32_t first = group.clients[i].first_stream;
    const std::uint32_t next =
        i + 1 < processes ? group.clients[i + 1].first_stream : group.options.streams;
    const std::uint32_t room = next > first ? next - first : 0;
    const std::uint32_t share = group.options.topics.has_own()
                                    ? std::clamp(capped, first, first + room) - first
                                    : (capped + processes - 1 - i) / processes;
    group.clients[i].state->wanted.store(share, std::memory_order_release);
    [[maybe_unused]] const ssize_t n = ::write(group.clients[i].commands, "o", 1);
  }
  Opening opening;
  const std::uint64_t deadline = began + nanoseconds(seconds);
  for (;;) {
    opening = {};
    std::uint64_t last = began;
    for (const Client& client : group.clients) {
      opening.opened += client.state->opened.read();
      opening.refused += client.state->refused.read();
      opening.ended += client.state->ended.read();
      last = std::max(last, client.state->last_opened_ns.load(std::memory_order_relaxed));
      if (const int error = client.state->last_errno.load(std::memory_order_relaxed); error != 0) {
        opening.last_errno = error;
      }
    }
    opening.elapsed = last - began;
    if (opening.opened + opening.refused >= capped || monotonic_ns() > deadline) return opening;
    sleep_ns(kLookEvery);
  }
}

Result<bool> Load::begin(std::uint32_t index, std::uint64_t events) {
  Group& group = groups_[index];
  if (events > kEventsPerCommand) return fail(Errc::limit_reached, "too many events at once");
  if (group.options.topics.mixed() && opened(index) < group.options.streams) {
    return fail(Errc::bad_request, "not all streams of the mix are open");
  }
  if (!group.publisher) group.publisher = std::make_unique<Publisher>();
  if (!group.publisher->connected() && !group.publisher->connect(target_.publish_socket)) {
    return fail(Errc::os, target_.publish_socket + ": " + std::strerror(errno));
  }
  for (const Client& client : group.clients) {
    for (Arrival& arrival : client.state->arrivals) {
      arrival.count.store(0, std::memory_order_relaxed);
      arrival.last_ns.store(0, std::memory_order_relaxed);
    }
    client.state->latency.clear();
  }
  shared_->windows[index].first.store(group.next_event, std::memory_order_release);
  group.events = 0;
  group.events_for_all = 0;
  group.first_sent = 0;
  group.failed_before = group.publisher->failed();
  group.before = totals(index);
  return true;
}

// Counts the group's next event as published at `sent_ns`.
void Load::note_event(std::uint32_t index, std::uint64_t sent_ns) {
  Group& group = groups_[index];
  if (group.events == 0) group.first_sent = sent_ns;
  shared_->windows[index].sent_ns[group.events].store(sent_ns, std::memory_order_release);
  if (group.options.topics.for_all(group.next_event)) ++group.events_for_all;
  ++group.events;
  ++group.next_event;
}

// Queues the group's next event, once for each topic it goes to.
void Load::post_event(std::uint32_t index, std::size_t size) {
  Group& group = groups_[index];
  const std::uint32_t event = group.next_event;
  note_event(index, monotonic_ns());
  for (const auto& [topic, mark] : group.options.topics.places(event)) {
    group.publisher->post(replaced(target_.publish_path, topic), "text/plain",
                          marked_data({.group = index, .event = event, .topic = mark}, size));
  }
}

void Load::post_lines(std::uint32_t index, const Burst& burst) {
  Group& group = groups_[index];
  std::string lines;
  while (group.events < burst.events) {
    const std::uint32_t event = group.next_event;
    note_event(index, monotonic_ns());
    for (const auto& [topic, mark] : group.options.topics.places(event)) {
      lines += R"({"topic":")" + topic + R"(","data":")" +
               marked_data({.group = index, .event = event, .topic = mark}, burst.size) + "\"}\n";
    }
    if (group.events % burst.lines == 0 || group.events == burst.events) {
      group.publisher->post("/publish", "application/x-ndjson", lines);
      lines.clear();
    }
  }
}

// Moves the groups' bytes until the given time. False: a connection broke.
bool Load::pump(std::uint64_t until, const std::vector<std::uint32_t>& groups) {
  for (;;) {
    std::vector<pollfd> polled;
    for (const std::uint32_t index : groups) {
      Publisher& publisher = *groups_[index].publisher;
      if (!publisher.pump()) return false;
      const auto events = static_cast<short>(POLLIN | (publisher.has_unsent() ? POLLOUT : 0));
      polled.push_back({.fd = publisher.fd(), .events = events, .revents = 0});
    }
    const std::uint64_t now = monotonic_ns();
    if (now >= until) return true;
    const std::uint64_t left = until - now;
    const timespec wait{.tv_sec = static_cast<time_t>(left / kSecond),
                        .tv_nsec = static_cast<long>(left % kSecond)};
    ppoll(polled.data(), polled.size(), &wait, nullptr);
  }
}

Result<std::vector<Delivery>> Load::rate(const std::vector<Rate>& rates, double seconds,
                                         std::size_t size, double within) {
  std::vector<std::uint32_t> groups;
  std::vector<std::uint64_t> wanted;
  for (const Rate& rate : rates) {
    wanted.push_back(static_cast<std::uint64_t>(rate.hz * seconds));
    if (auto begun = begin(rate.group, wanted.back()); !begun) {
      return std::unexpected(begun.error());
    }
    groups.push_back(rate.group);
  }
  const std::uint64_t start = monotonic_ns();
  for (;;) {
    std::uint64_t next = UINT64_MAX;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const Group& group = groups_[rates[i].group];
      const auto due = [&] { return start + nanoseconds(group.events / rates[i].hz); };
      while (group.events < wanted[i] && due() <= monotonic_ns()) post_event(rates[i].group, size);
      if (group.events < wanted[i]) next = std::min(next, due());
    }
    if (next == UINT64_MAX) break;
    if (!pump(next, groups)) return fail(Errc::os, "the publish connection broke");
  }
  settle(groups, within);
  std::vector<Delivery> deliveries;
  for (const std::uint32_t group : groups) deliveries.push_back(finish(group));
  return deliveries;
}

Result<Delivery> Load::burst(const Burst& burst, double within) {
  if (auto begun = begin(burst.group, burst.events); !begun) return std::unexpected(begun.error());
  if (burst.lines > 0) {
    post_lines(burst.group, burst);
  } else {
    while (groups_[burst.group].events < burst.events) post_event(burst.group, burst.size);
  }
  // Building the requests is not part of what is measured.
  const std::uint64_t now = monotonic_ns();
  groups_[burst.group].first_sent = now;
  for (std::uint32_t i = 0; i < burst.events; ++i) {
    shared_->windows[burst.group].sent_ns[i].store(now, std::memory_order_release);
  }
  settle({burst.group}, within);
  return finish(burst.group);
}

// Waits until all answers and all deliveries are there, or time is up.
void Load::settle(const std::vector<std::uint32_t>& groups, double within) {
  const std::uint64_t deadline = monotonic_ns() + nanoseconds(within);
  const auto done = [&](std::uint32_t group) {
    return !groups_[group].publisher->waits() && all_arrived(group);
  };
  while (!std::all_of(groups.begin(), groups.end(), done)) {
    const std::uint64_t now = monotonic_ns();
    if (now > deadline || !pump(now + kLookEvery, groups)) return;
  }
}

bool Load::all_arrived(std::uint32_t group) const {
  const Delivery now = totals(group);
  return now.received - groups_[group].before.received >= now.expected;
}

std::uint64_t Load::opened(std::uint32_t index) const {
  std::uint64_t sum = 0;
  for (const Client& client : groups_[index].clients) sum += client.state->opened.read();
  return sum;
}

// Sums since the start, except `expected`: what the command that runs owes its reading streams.
Delivery Load::totals(std::uint32_t index) const {
  const Group& group = groups_[index];
  Delivery sum;
  for (const Client& client : group.clients) {
    sum.received += client.state->received.read();
    sum.bytes += client.state->bytes.read();
    sum.lost += client.state->lost.read();
    sum.duplicates += client.state->duplicates.read();
    sum.strays += client.state->strays.read();
    sum.ended += client.state->ended.read();
  }
  if (group.options.reads) {
    const std::uint32_t for_one = group.events - group.events_for_all;
    sum.expected = for_one + std::uint64_t{group.events_for_all} * (opened(index) - sum.ended);
  }
  return sum;
}

Delivery Load::finish(std::uint32_t index) const {
  const Group& group = groups_[index];
  Delivery result = totals(index);
  result.events = group.events;
  result.received -= group.before.received;
  result.bytes -= group.before.bytes;
  result.lost -= group.before.lost;
  result.duplicates -= group.before.duplicates;
  result.strays -= group.before.strays;
  result.ended -= group.before.ended;
  result.posts_failed = group.publisher->failed() - group.failed_before;
  result.first_failure = group.publisher->first_failure();
  const std::uint64_t answered = group.publisher->last_answer_ns();
  result.answered = answered > group.first_sent ? answered - group.first_sent : 0;
  add_latencies(index, result);
  return result;
}

void Load::add_latencies(std::uint32_t index, Delivery& result) const {
  const Group& group = groups_[index];
  const auto each = std::make_unique<Histogram>();
  for (const Client& client : group.clients) each->merge(client.state->latency);
  result.each_p50 = each->percentile(0.5);
  result.each_p99 = each->percentile(0.99);
  result.each_max = each->percentile(1);

  std::vector<std::uint64_t> last;
  std::vector<std::uint64_t> own;
  std::uint64_t end = group.first_sent;
  for (std::uint32_t i = 0; i < group.events; ++i) {
    std::uint64_t arrived = 0;
    for (const Client& client : group.clients) {
      arrived = std::max(arrived, client.state->arrivals[i].last_ns.load());
    }
    const std::uint64_t sent = shared_->windows[index].sent_ns[i].load();
    const bool for_all = group.options.topics.for_all(group.next_event - group.events + i);
    if (arrived > sent) (for_all ? last : own).push_back(arrived - sent);
    end = std::max(end, arrived);
  }
  std::sort(last.begin(), last.end());
  std::sort(own.begin(), own.end());
  result.last_p50 = share_of(last, 0.5);
  result.last_p99 = share_of(last, 0.99);
  result.last_max = share_of(last, 1);
  result.own_p50 = share_of(own, 0.5);
  result.own_p99 = share_of(own, 0.99);
  result.own_max = share_of(own, 1);
  result.elapsed = end - group.first_sent;
}

}  // namespace crier::bench
