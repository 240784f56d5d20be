// Follows one publish in N through every hand-over, for /debug/trace: accepted, committed, handed
// to each worker, taken by it, first and last write of its fan-out. Of a publish with several
// events, the last one is followed.
//
//   PublishRoutes: take(), add() ─► Feed: begin_batch(), hand_to() each worker, end_batch()
//                                         ╰─► worker: EventToFollow … FollowedEvent ─► answered()
//
// It keeps the last 64 traces. At most kFollowedMax are followed at a time; while a slow worker
// keeps so many open, no other publish is chosen. A publish whose batch a worker misses because it
// lags is not followed there.
//
// Without traces a publish and a batch cost a branch each, and workers do nothing. Belongs to the
// control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "cmd/daemon/link/followed_event.h"
#include "cmd/daemon/link/worker_link.h"

namespace crier::cmd {

// Times are in nanoseconds of the monotonic clock; 0: not yet, or never.
struct PublishTrace {
  // A worker that the event was handed to; the others lagged.
  struct Worker {
    std::size_t worker = 0;
    std::uint64_t handed_ns = 0;
    FollowedEvent way;  // taken_ns is 0 until it has answered.
  };
  std::string trace_id;
  std::string topic;
  std::uint64_t sequence = 0;
  double unix_seconds = 0;        // When it was accepted.
  std::uint64_t received_ns = 0;  // The last bytes of its request came, to a microsecond.
  std::uint64_t accepted_ns = 0;  // Read, checked, and given to the journal.
  std::uint64_t committed_ns = 0;
  std::vector<Worker> workers;
  std::size_t awaited = 1;  // Answers of workers, and the batch; 0: the trace is complete.
};

class PublishTraces {
 public:
  static constexpr std::size_t kKept = 64;

  explicit PublishTraces(std::function<std::uint64_t()> now_ns) : now_ns_(std::move(now_ns)) {}
  PublishTraces(const PublishTraces&) = delete;
  PublishTraces& operator=(const PublishTraces&) = delete;

  // Follows one publish in `every`; 0: none.
  void set_every(std::uint32_t every) { every_ = left_ = every; }
  std::uint32_t every() const { return every_; }

  // Counts a publish. Returns when it was accepted if it is to be followed, otherwise 0.
  std::uint64_t take() { return left_ == 0 || --left_ > 0 ? 0 : choose(); }
  // Adds a committed publish that take() chose. Requires: its event is in the feed's batch, or left
  // with one.
  void add(PublishTrace trace);

  // The feed's calls for each batch. begin_batch() returns false if the batch has no followed
  // event; only otherwise come the others.
  bool begin_batch(std::uint64_t last_sequence) { return waiting_ > 0 && begin(last_sequence); }
  void hand_to(std::size_t worker, WorkerLink& link);
  void end_batch();

  // Oldest first.
  const std::deque<PublishTrace>& traces() const { return traces_; }

 private:
  std::uint64_t choose();
  bool begin(std::uint64_t last_sequence);
  void answered(std::size_t worker, const FollowedEvent& way);
  void settle(PublishTrace& trace);

  std::function<std::uint64_t()> now_ns_;
  std::uint32_t every_ = 0;
  std::uint32_t left_ = 0;              // Publishes until the next that is followed; 0: none is.
  std::uint64_t first_ = 1;             // The number of the oldest trace; numbers grow by one.
  std::deque<PublishTrace> traces_;     // Oldest first.
  std::size_t open_ = 0;                // Traces that are not complete.
  std::size_t waiting_ = 0;             // Of these, the newest: their batch has not left.
  std::vector<std::uint64_t> leaving_;  // Between begin_batch() and end_batch(): their numbers.
};

}  // namespace crier::cmd
