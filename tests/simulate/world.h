// One worker, its control loop, its sockets and its clients, under a manual clock.
//
// Everything follows from the seed: the configuration, whether sequences have holes, where clock
// and counts start (often shortly before one of their wraps), and all events. run() carries them
// out, waits until all is at rest and checks that no client misses an event; then it ends all
// streams and checks that nothing is left.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broadcast/streams/broadcaster.h"
#include "core/random.h"
#include "tests/broadcast/streams/scripted_io.h"
#include "tests/simulate/client.h"
#include "tests/simulate/control.h"
#include "tests/simulate/record.h"

namespace crier::broadcast::simulate {

// The settings that a seed decides before the run.
struct Setting {
  LogOptions log;
  WorkerOptions worker;
  Control::Sizes control;
  std::uint32_t streams_max = 0;
  std::uint32_t streams_per_address_max = 0;
  std::uint32_t streams_per_topic_max = 0;
  std::size_t clients = 0;
  std::size_t topics = 0;        // Topics with events.
  std::uint32_t data_bytes = 0;  // The largest event's.
  std::size_t steps = 0;
  Instant start;
  std::uint64_t events_before = 0;  // Sequences before the first event's.
};
Setting setting_of(Random& random);
std::vector<Selector> subscriptions_of(Random& random, std::size_t topics);
std::string topic_name(std::size_t number);

// Counts of the cases that a simulation must reach.
struct Happened {
  std::uint64_t events = 0, delivered = 0, opened = 0, refused = 0, patterns_refused = 0,
                topics_full = 0, rows_full = 0, overflows = 0, gave_way = 0, dropped = 0,
                superseded = 0, over = 0;
  std::uint64_t gaps[kNamesOf<GapReason>.size()] = {};
  std::uint64_t ended[kNamesOf<EndReason>.size()] = {};
  std::uint64_t lags = 0, losses = 0, topic_losses = 0, paced = 0, replayed = 0, heartbeats = 0;
  void add(const Happened& other);
};

class World : private StreamObserver {
 public:
  explicit World(std::uint64_t seed);
  Happened run();

 private:
  void on_stream_opened(StreamToken token, const Stream& stream, bool resumed) override;
  void on_stream_ended(StreamToken token, const Stream& stream, EndReason reason,
                       Instant now) override;

  void step();
  void publish_first();
  void publish_some();
  void close_one();
  void open_some();
  void connect(Client& client);
  void count_refused(Refused why);
  ResumePlan choose_plan(Client& client);
  void disturb_socket();
  void hang_up();
  void change_memory_stage();
  void pass(std::uint64_t us);
  void control_turn();
  void worker_turn(std::uint32_t most);
  void settle_turn();
  void read_sockets();
  void deliver_edges(std::uint32_t percent);
  void check_bounds();
  void check_stalled();
  void come_to_rest();
  void end_all();
  void check_nothing_left();
  bool at_rest() const;
  bool one_in(std::uint32_t n) { return random_.between(1, n) == 1; }
  Happened count() const;

  Random random_;
  const bool holes_;  // Sequences have holes.
  const Setting setting_;
  Instant now_ = setting_.start;
  std::uint64_t step_ = 1;
  FrameAccount account_;
  ScriptedIo io_;
  Record record_{setting_.events_before};
  Control control_;
  WorkerStats stats_;
  SharedCounts counts_;
  MemoryShortage memory_;
  std::unique_ptr<Broadcaster> worker_;
  WorkerOptions live_options_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::uint32_t, Client*> by_generation_;
  struct Progress {
    std::size_t bytes = 0;
    Instant at;           // When bytes last went out.
    Instant starved_at;   // When the kernel last had no memory.
    Instant writable_at;  // When the socket last reported room.
  };
  std::map<ConnectionHandle, Progress> progress_;
  bool hung_up_ = false;  // The client of the stream that ends now has closed.
  bool cut_ = false;
  std::uint64_t last_tick_ms_ = now_.us / 1'000;
  std::uint64_t last_revisit_ms_ = last_tick_ms_;
  std::uint64_t refused_ = 0;
  std::uint64_t patterns_refused_ = 0;
  std::uint64_t topics_full_ = 0;
  std::uint64_t rows_full_ = 0;
  std::uint64_t over_ = 0;  // Requests for topics that are closed, after their last events.
};

}  // namespace crier::broadcast::simulate
