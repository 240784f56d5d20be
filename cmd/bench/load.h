// The load on one server: groups of streams in client processes, and events published to them.
//
// A group is a set of streams and the topics they subscribe to, shared or their own; a TopicPlan
// says where each event of the group is published and which streams are owed it. All of it belongs
// to the command process; client processes are forked by add_group() and end with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmd/bench/client.h"
#include "cmd/bench/publisher.h"
#include "cmd/bench/shared_memory.h"
#include "cmd/bench/shared_state.h"
#include "cmd/bench/topic_plan.h"
#include "core/result.h"
#include "net/socket/endpoint.h"

namespace crier::bench {

struct Target {
  net::SocketAddress server;
  std::string host = "bench";  // As requests name the server.
  std::string publish_socket;
  std::string stream_path = "/events?topic={}";
  std::string publish_path = "/topics/{}";
  // With IPv4, streams come from 127.octet.0.0/16, a /18 per group, and the networks after it from
  // the fifth group on; 0: the kernel's choice.
  std::uint8_t source_octet = 0;
  std::uint32_t requests_per_connection = 0;  // To the publish socket; 0: all of them.
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
// own_* of the events for one stream. Latencies begin when an event was due.
struct Delivery {
  std::uint64_t events = 0, expected = 0, received = 0, bytes = 0;
  std::uint64_t lost_first = 0, lost_between = 0, lost_last = 0;
  std::uint64_t duplicates = 0, too_old = 0, late = 0, strays = 0, ended = 0;
  std::uint64_t posts_failed = 0, unanswered = 0;
  std::uint64_t not_taken = 0;                  // Deliveries that the failed posts would have been.
  std::uint64_t ended_received = 0;             // Since the start.
  std::uint64_t requests = 0, connections = 0;  // To the publish socket.
  std::uint64_t elapsed = 0;                    // First event due to last arrival.
  std::uint64_t answered = 0;  // First event due to the last answer of the publish socket.
  std::uint64_t last_p50 = 0, last_p99 = 0, last_max = 0;  // Per event: to its last subscriber.
  std::uint64_t own_p50 = 0, own_p99 = 0, own_max = 0;
  std::uint64_t each_p50 = 0, each_p99 = 0, each_max = 0;  // Per delivery, of all events.
  std::string first_failure;
  std::string broken;  // Why the publish connection broke, which ended the command early.

  // Of what the server took and a stream lacks. What came out of order had been counted as lost.
  std::uint64_t lost() const { return lost_first + lost_between + lost_last - late; }
  // Deliveries that never came, for whatever reason, to streams that did not end.
  std::uint64_t missing() const { return expected > received ? expected - received : 0; }
};

struct Opening {
  std::uint64_t opened = 0, refused = 0, ended = 0, elapsed = 0;
  std::uint64_t not_opened = 0;  // Neither opened nor refused; the next command gives them up.
  std::string first_refusal;     // Why; empty if none was.
};

class Load {
 public:
  static Result<std::unique_ptr<Load>> create(Target target);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Called every few milliseconds while open(), rate() and burst() run. False ends them early: what
  // was published until then counts.
  void on_turn(std::function<bool()> turn) { turn_ = std::move(turn); }

  // Forks the group's client processes; opens nothing yet.
  [[nodiscard]] Result<std::uint32_t> add_group(const GroupOptions& options);

  // Opens streams until `streams` of the group are open or refused, or none was for `seconds`.
  Opening open(std::uint32_t group, std::uint32_t streams, double seconds);

  struct Rate {
    std::uint32_t group = 0;
    double hz = 0;
    double hz_end = 0;  // The rate changes steadily from hz to this.
  };
  // Publishes to the groups side by side, each at its rate, for `seconds`, each on a connection of
  // its own and without waiting for answers; then waits up to `within` seconds for the last
  // arrival. Requires that all streams of a group with a mix are open; as burst() does.
  // `slice_seconds`: latencies are kept by time slices of this length, too; 0: they are not.
  [[nodiscard]] Result<std::vector<Delivery>> rate(const std::vector<Rate>& rates, double seconds,
                                                   std::size_t size, double within,
                                                   double slice_seconds = 0);

  struct Burst {
    std::uint32_t group = 0;
    std::uint32_t events = 0;
    std::size_t size = 0;
    std::uint32_t lines = 0;  // 0: a request per event; else NDJSON requests of so many events.
  };
  [[nodiscard]] Result<Delivery> burst(const Burst& burst, double within);

  // Returns the index of the group with this name; fails if no group has it.
  [[nodiscard]] Result<std::uint32_t> find(const std::string& name) const;

  // So far, by the command that runs; the last two by any command.
  std::uint32_t published(std::uint32_t group) const { return groups_[group].events; }
  std::uint64_t received(std::uint32_t group) const;
  std::uint64_t opened(std::uint32_t group) const;
  std::uint64_t refused(std::uint32_t group) const;

  // Latencies of the command that ran last: of all deliveries, of a time slice, and how late the
  // events were handed over by this process.
  Histogram latency(std::uint32_t group) const;
  Histogram slice(std::uint32_t group, std::uint32_t index) const;
  const Histogram& lateness(std::uint32_t group) const { return *groups_[group].lateness; }

 private:
  struct Client {
    int commands = -1;
    pid_t pid = -1;
    std::uint32_t first_stream = 0;
    Shared<ClientState> state;
  };
  struct Group {
    GroupOptions options;
    Shared<Window> window;
    std::vector<Client> clients;
    std::unique_ptr<Publisher> publisher;
    std::unique_ptr<Histogram> lateness = std::make_unique<Histogram>();
    std::uint32_t next_event = 1;
    std::vector<std::uint64_t> posted;  // How many posts the publisher had after each event.
    std::uint32_t events = 0;           // Published by the command that runs.
    std::uint32_t events_for_all = 0;   // Those of them that every stream is owed.
    std::uint64_t first_due = 0;
    std::uint32_t commands = 0;
    Delivery before;  // Totals when it began.
  };

  Load() = default;
  [[nodiscard]] Result<Client> start_client(std::uint32_t group, std::uint32_t first_stream);
  [[nodiscard]] Result<void> begin(std::uint32_t group, std::uint64_t events, double slice_seconds);
  void note_event(std::uint32_t group, std::uint64_t due_ns, std::size_t posts = 1);
  void post_event(std::uint32_t group, std::size_t size, std::uint64_t due_ns);
  void post_lines(std::uint32_t group, const Burst& burst);
  bool turn();
  static bool clients_run(const Group& group);
  [[nodiscard]] Result<void> tell(std::uint32_t group, char command);
  enum class Pumped : std::uint8_t { on, stopped, broken };
  Pumped pump(std::uint64_t until, const std::vector<std::uint32_t>& groups);
  void settle(const std::vector<std::uint32_t>& groups, double within);
  bool all_arrived(std::uint32_t group) const;
  Delivery totals(std::uint32_t group) const;
  void add_latencies(std::uint32_t group, Delivery& result) const;
  [[nodiscard]] Result<Delivery> finish(std::uint32_t group);

  Target target_;
  std::vector<Group> groups_;
  std::function<bool()> turn_;
  std::uint64_t looked_ns_ = 0;  // When it was last seen that all client processes run.
};

// When the event of this index is due, in seconds after the first. Requires: a rate above 0 at one
// end at least.
double due_seconds(const Load::Rate& rate, double seconds, std::uint64_t index);

}  // namespace crier::bench
