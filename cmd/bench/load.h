// The load on one server: groups of streams in client processes, and events published to them.
//
// A group is a set of streams and the topics they subscribe to, shared or their own; a TopicPlan
// says where each event of the group is published and which streams are owed it. All of it belongs
// to the command process; client processes are forked by add_group() and end with it.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cmd/bench/client.h"
#include "cmd/bench/publisher.h"
#include "cmd/bench/shared_state.h"
#include "cmd/bench/topic_plan.h"
#include "core/result.h"

namespace crier::bench {

struct Target {
  sockaddr_in server{};
  std::string publish_socket;
  std::string stream_path = "/events?topic={}";
  std::string publish_path = "/topics/{}";
  std::uint8_t source_octet =
      0;  // Streams come from 127.octet.0.0/16, a /18 per group; 0: kernel's choice.
};

struct GroupOptions {
  std::string name;
  TopicPlan topics;
  std::uint32_t streams = 0;  // As many as the plan is made for.
  std::uint32_t processes = 1;
  std::uint32_t connecting_max = 64;  // Per process.
  bool reads = true;
  bool trace = false;  // Requests have a traceparent header.
};

// What a command did to one group. Times in nanoseconds; those of a mix are of events for all, and
// own_* of the events for one stream.
struct Delivery {
  std::uint64_t events = 0, expected = 0, received = 0, bytes = 0;
  std::uint64_t lost = 0, duplicates = 0, strays = 0, ended = 0, posts_failed = 0;
  std::uint64_t elapsed = 0;   // First event handed over to last arrival.
  std::uint64_t answered = 0;  // First event handed over to the last answer of the publish socket.
  std::uint64_t last_p50 = 0, last_p99 = 0, last_max = 0;  // Per event: to its last subscriber.
  std::uint64_t own_p50 = 0, own_p99 = 0, own_max = 0;
  std::uint64_t each_p50 = 0, each_p99 = 0, each_max = 0;  // Per delivery, of all events.
  std::string first_failure;
};

struct Opening {
  std::uint64_t opened = 0, refused = 0, ended = 0, elapsed = 0;
  int last_errno = 0;
};

class Load {
 public:
  static Result<std::unique_ptr<Load>> create(Target target);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Forks the group's client processes; opens nothing yet.
  [[nodiscard]] Result<std::uint32_t> add_group(const GroupOptions& options);

  // Opens streams until `streams` of the group are open or refused, or `seconds` are over.
  Opening open(std::uint32_t group, std::uint32_t streams, double seconds);

  struct Rate {
    std::uint32_t group = 0;
    double hz = 0;
  };
  // Publishes to the groups side by side, each at its rate, for `seconds`, each on a connection of
  // its own and without waiting for answers; then waits up to `within` seconds for the last
  // arrival. Requires that all streams of a group with a mix are open; as burst() does.
  [[nodiscard]] Result<std::vector<Delivery>> rate(const std::vector<Rate>& rates, double seconds,
                                                   std::size_t size, double within);

  struct Burst {
    std::uint32_t group = 0;
    std::uint32_t events = 0;
    std::size_t size = 0;
    std::uint32_t lines = 0;  // 0: a request per event; else NDJSON requests of so many events.
  };
  [[nodiscard]] Result<Delivery> burst(const Burst& burst, double within);

  // The group's index by name; fails if there is none.
  [[nodiscard]] Result<std::uint32_t> find(const std::string& name) const;

 private:
  struct Client {
    int commands = -1;
    pid_t pid = -1;
    std::uint32_t first_stream = 0;
    ClientState* state = nullptr;
  };
  struct Group {
    GroupOptions options;
    std::vector<Client> clients;
    std::unique_ptr<Publisher> publisher;
    std::uint32_t next_event = 1;
    std::uint32_t events = 0;          // Published by the command that runs.
    std::uint32_t events_for_all = 0;  // Those of them that every stream is owed.
    std::uint64_t first_sent = 0;
    std::uint64_t failed_before = 0;
    Delivery before;  // Totals when it began.
  };

  Load() = default;
  [[nodiscard]] Result<Client> start_client(std::uint32_t group, std::uint32_t first_stream);
  [[nodiscard]] Result<bool> begin(std::uint32_t group, std::uint64_t events);
  void note_event(std::uint32_t group, std::uint64_t sent_ns);
  void post_event(std::uint32_t group, std::size_t size);
  void post_lines(std::uint32_t group, const Burst& burst);
  bool pump(std::uint64_t until, const std::vector<std::uint32_t>& groups);
  void settle(const std::vector<std::uint32_t>& groups, double within);
  bool all_arrived(std::uint32_t group) const;
  std::uint64_t opened(std::uint32_t group) const;
  Delivery totals(std::uint32_t group) const;
  void add_latencies(std::uint32_t group, Delivery& result) const;
  Delivery finish(std::uint32_t group) const;

  Target target_;
  SharedState* shared_ = nullptr;
  std::vector<Group> groups_;
  std::uint32_t clients_ = 0;
};

}  // namespace crier::bench
