#include "cmd/bench/load.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <utility>

#include "cmd/bench/marker.h"

namespace crier::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLookEvery = 1'000'000;   // Between two looks at the clients' counters.
constexpr std::uint64_t kTurnEvery = 10'000'000;  // Between two calls of on_turn() at most.
constexpr std::uint64_t kTellNs = 30 * kSecond;   // For the clients to look at all streams.
constexpr std::uint32_t kPostsPerTurn = 256;
constexpr std::size_t kUnsentBytesMax = 64 * 1024 * 1024;  // More events wait.

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

}  // namespace

double due_seconds(const Load::Rate& rate, double seconds, std::uint64_t index) {
  const auto events = static_cast<double>(index);
  const double slope = (rate.hz_end - rate.hz) / seconds;
  if (slope == 0) return events / rate.hz;
  // The rate's integral reaches `events`.
  return (std::sqrt(std::max(0.0, rate.hz * rate.hz + 2 * slope * events)) - rate.hz) / slope;
}

Result<std::unique_ptr<Load>> Load::create(Target target) {
  std::unique_ptr<Load> load(new Load());
  load->target_ = std::move(target);
  return load;
}

Load::~Load() {
  for (const Group& group : groups_) {
    for (const Client& client : group.clients) ::close(client.commands);
  }
  for (const Group& group : groups_) {
    for (const Client& client : group.clients) waitpid(client.pid, nullptr, 0);
  }
}

Result<std::uint32_t> Load::find(const std::string& name) const {
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].options.name == name) return i;
  }
  return fail(Errc::not_found, "no group is called " + name);
}

Result<std::uint32_t> Load::add_group(const GroupOptions& options) {
  const auto index = static_cast<std::uint32_t>(groups_.size());
  if (index == kGroupsMax || options.processes == 0 || options.processes > kProcessesPerGroup) {
    return fail(Errc::limit_reached, "too many groups or client processes");
  }
  auto window = make_shared_zero<Window>();
  if (!window) return std::unexpected(window.error());
  (*window)->first = (*window)->next = 1;
  groups_.push_back({.options = options, .window = *std::move(window)});
  const std::uint32_t each = (options.streams + options.processes - 1) / options.processes;
  for (std::uint32_t i = 0; i < options.processes; ++i) {
    auto client = start_client(index, i * each);
    if (!client) return std::unexpected(client.error());
    groups_[index].clients.push_back(*std::move(client));
  }
  return index;
}

Result<Load::Client> Load::start_client(std::uint32_t group, std::uint32_t first_stream) {
  const GroupOptions& of = groups_[group].options;
  auto state = make_shared_zero<ClientState>();
  if (!state) return std::unexpected(state.error());
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return fail(Errc::os, std::string("socketpair: ") + std::strerror(errno));
  }
  ClientOptions options{.server = target_.server,
                        .host = target_.host,
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
  const pid_t pid = fork();
  if (pid < 0) return fail(Errc::os, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const Group& other : groups_) {
      for (const Client& client : other.clients) ::close(client.commands);
    }
    ::close(pair[0]);
    _exit(run_client(options, pair[1], *groups_[group].window, **state));
  }
  ::close(pair[1]);
  return Client{
      .commands = pair[0], .pid = pid, .first_stream = first_stream, .state = *std::move(state)};
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
    ::send(group.clients[i].commands, &kOpen, 1, MSG_NOSIGNAL);
  }
  Opening opening;
  std::uint64_t progressed = began;
  for (;;) {
    const std::uint64_t done_before = opening.opened + opening.refused;
    opening = {};
    std::uint64_t last = began;
    for (const Client& client : group.clients) {
      opening.opened += client.state->opened.read();
      opening.refused += client.state->refused.read();
      opening.ended += client.state->ended.load();
      last = std::max(last, client.state->last_opened_ns.load(std::memory_order_relaxed));
      const auto why = client.state->refusal_bytes.load(std::memory_order_acquire);
      if (opening.first_refusal.empty()) {
        opening.first_refusal.assign(client.state->refusal.data(), why);
      }
    }
    opening.elapsed = last - began;
    const std::uint64_t done = opening.opened + opening.refused;
    if (done >= capped) return opening;
    const std::uint64_t now = monotonic_ns();
    if (done != done_before) progressed = now;
    if (now > progressed + nanoseconds(seconds) || !turn()) {
      opening.not_opened = capped - done;
      break;
    }
    sleep_ns(kLookEvery);
  }
  for (const Client& client : group.clients) client.state->wanted.store(0);
  return opening;
}

bool Load::clients_run(const Group& group) {
  return std::none_of(group.clients.begin(), group.clients.end(), [](const Client& client) {
    char byte = 0;  // None is ever sent: there is nothing to read, or the end.
    return ::recv(client.commands, &byte, 1, MSG_DONTWAIT) == 0;
  });
}

bool Load::turn() {
  if (const std::uint64_t now = monotonic_ns(); now - looked_ns_ >= kTurnEvery) {
    looked_ns_ = now;
    if (!std::all_of(groups_.begin(), groups_.end(), clients_run)) {
      return false;
    }
  }
  return !turn_ || turn_();
}

// Has each client process of the group carry out a command.
Result<void> Load::tell(std::uint32_t index, char command) {
  Group& group = groups_[index];
  ++group.commands;
  for (const Client& client : group.clients) {
    ::send(client.commands, &command, 1, MSG_NOSIGNAL);
  }
  const std::uint64_t deadline = monotonic_ns() + kTellNs;
  const auto done = [&](const Client& client) {
    return client.state->commands_done.load(std::memory_order_acquire) == group.commands;
  };
  while (!std::all_of(group.clients.begin(), group.clients.end(), done)) {
    if (!clients_run(group)) return fail(Errc::os, "a client process ended");
    if (monotonic_ns() > deadline) return fail(Errc::os, "a client process does not answer");
    ::usleep(200);
  }
  return {};
}

Result<void> Load::begin(std::uint32_t index, std::uint64_t events, double slice_seconds) {
  Group& group = groups_[index];
  if (events > kEventsPerCommand) return fail(Errc::limit_reached, "too many events at once");
  if (group.options.topics.mixed() && opened(index) < group.options.streams) {
    return fail(Errc::bad_request, "not all streams of the mix are open");
  }
  if (!group.publisher) group.publisher = std::make_unique<Publisher>();
  if (!group.publisher->connected()) {
    auto connected =
        group.publisher->connect(target_.publish_socket, target_.requests_per_connection);
    if (!connected) return connected;
  }
  group.lateness->clear();
  group.window->began_ns.store(monotonic_ns());
  group.window->slice_ns.store(nanoseconds(slice_seconds));
  group.window->first.store(group.next_event, std::memory_order_release);
  group.posted.clear();
  group.events = 0;
  group.events_for_all = 0;
  group.first_due = 0;
  group.before = totals(index);
  return tell(index, kBegin);
}

// Counts the group's next event, which was due at `due_ns`, as handed over now, in so many posts.
void Load::note_event(std::uint32_t index, std::uint64_t due_ns, std::size_t posts) {
  Group& group = groups_[index];
  if (group.events == 0) group.first_due = due_ns;
  const std::uint64_t now = monotonic_ns();
  group.lateness->record(now > due_ns ? now - due_ns : 0);
  group.window->due_ns[group.events].store(due_ns, std::memory_order_release);
  group.posted.push_back(group.publisher->posted() + posts);
  if (group.options.topics.for_all(group.next_event)) ++group.events_for_all;
  ++group.events;
  group.window->next.store(++group.next_event, std::memory_order_release);
}

// Queues the group's next event, once for each topic it goes to.
void Load::post_event(std::uint32_t index, std::size_t size, std::uint64_t due_ns) {
  Group& group = groups_[index];
  const std::uint32_t event = group.next_event;
  const auto places = group.options.topics.places(event);
  note_event(index, due_ns, places.size());
  for (const auto& [topic, mark] : places) {
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

// Moves the groups' bytes until the given time.
Load::Pumped Load::pump(std::uint64_t until, const std::vector<std::uint32_t>& groups) {
  for (;;) {
    std::vector<pollfd> polled;
    for (const std::uint32_t index : groups) {
      Publisher& publisher = *groups_[index].publisher;
      if (!publisher.pump()) return Pumped::broken;
      const auto events = static_cast<short>(POLLIN | (publisher.has_unsent() ? POLLOUT : 0));
      polled.push_back({.fd = publisher.fd(), .events = events, .revents = 0});
    }
    if (!turn()) return Pumped::stopped;
    const std::uint64_t now = monotonic_ns();
    if (now >= until) return Pumped::on;
    const std::uint64_t left = std::min(until - now, kTurnEvery);
    const timespec wait{.tv_sec = 0, .tv_nsec = static_cast<long>(left)};
    ppoll(polled.data(), polled.size(), &wait, nullptr);
  }
}

Result<std::vector<Delivery>> Load::rate(const std::vector<Rate>& rates, double seconds,
                                         std::size_t size, double within, double slice_seconds) {
  std::vector<std::uint32_t> groups;
  std::vector<std::uint64_t> wanted;
  for (const Rate& rate : rates) {
    wanted.push_back(static_cast<std::uint64_t>((rate.hz + rate.hz_end) / 2 * seconds));
    if (auto begun = begin(rate.group, wanted.back(), slice_seconds); !begun) {
      return std::unexpected(begun.error());
    }
    groups.push_back(rate.group);
  }
  const std::uint64_t start = monotonic_ns();
  for (const std::uint32_t group : groups) groups_[group].window->began_ns.store(start);
  for (;;) {
    std::uint64_t next = UINT64_MAX;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const Group& group = groups_[rates[i].group];
      const auto due = [&] {
        return start + nanoseconds(due_seconds(rates[i], seconds, group.events));
      };
      // A bound, so that bytes move even where events are due faster than they are made.
      const std::uint64_t until = std::min<std::uint64_t>(wanted[i], group.events + kPostsPerTurn);
      const auto full = [&] { return group.publisher->unsent_bytes() > kUnsentBytesMax; };
      while (group.events < until && !full() && due() <= monotonic_ns()) {
        post_event(rates[i].group, size, due());
      }
      if (group.events == wanted[i]) continue;
      next = std::min(next, full() ? monotonic_ns() + kLookEvery : due());
    }
    if (next == UINT64_MAX) break;
    if (pump(next, groups) != Pumped::on) break;
  }
  settle(groups, within);
  std::vector<Delivery> deliveries;
  for (const std::uint32_t group : groups) {
    auto delivery = finish(group);
    if (!delivery) return std::unexpected(delivery.error());
    deliveries.push_back(*std::move(delivery));
  }
  return deliveries;
}

Result<Delivery> Load::burst(const Burst& burst, double within) {
  if (auto begun = begin(burst.group, burst.events, 0); !begun) {
    return std::unexpected(begun.error());
  }
  if (burst.lines > 0) {
    post_lines(burst.group, burst);
  } else {
    while (groups_[burst.group].events < burst.events) {
      post_event(burst.group, burst.size, monotonic_ns());
    }
  }
  // Building the requests is not part of what is measured.
  const std::uint64_t now = monotonic_ns();
  groups_[burst.group].first_due = now;
  for (std::uint32_t i = 0; i < burst.events; ++i) {
    groups_[burst.group].window->due_ns[i].store(now, std::memory_order_release);
  }
  settle({burst.group}, within);
  return finish(burst.group);
}

// Waits until all answers and all deliveries are there, or time is up; for less if turn() says so.
void Load::settle(const std::vector<std::uint32_t>& groups, double within) {
  std::uint64_t deadline = monotonic_ns() + nanoseconds(within);
  const auto done = [&](std::uint32_t group) {
    return groups_[group].publisher->unanswered() == 0 && all_arrived(group);
  };
  while (!std::all_of(groups.begin(), groups.end(), done)) {
    const std::uint64_t now = monotonic_ns();
    if (now > deadline) return;
    const Pumped pumped = pump(now + kLookEvery, groups);
    if (pumped == Pumped::broken) return;
    if (pumped == Pumped::on) continue;
    deadline = std::min(deadline, now + kSecond);
    sleep_ns(kLookEvery);
  }
}

}  // namespace crier::bench
