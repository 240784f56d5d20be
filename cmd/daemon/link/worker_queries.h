// The questions that control's pages ask the workers, and their answers.
//
// WorkerQueries is the side that asks, on the control loop; answers come back later, on the same
// loop. WorkerPages is the side that answers, on a worker's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/replay.h"
#include "cmd/daemon/link/followed_event.h"
#include "config/affinity.h"
#include "core/io_outcome.h"
#include "core/topic.h"

namespace crier::cmd {

struct StreamRow {
  std::string session_id;  // worker:slot:generation; the same as in log lines.
  std::string trace_id;
  std::string address;  // The client's; empty if the peer has reset the connection.
  std::string state;
  std::vector<Selector> topics;
  std::uint64_t bytes_sent = 0;
  std::uint32_t events_sent = 0;
  std::uint32_t owed_events = 0;
  std::uint32_t owed_bytes = 0;
  double open_seconds = 0.0;
  std::uint64_t position = 0;  // Of the newest event that is in its ring or was sent.
  broadcast::Behind waiting;   // In its ring.
  bool from_history = false;   // It is fed from the history, not from the worker's batches.
  std::optional<PathReading> path;
};

// A stream that is behind.
struct LaggingStream {
  std::uint32_t worker = 0;
  std::uint64_t sequence = 0;  // Of the oldest event that it is not sent yet.
  StreamRow row;
};

struct StreamPage {
  std::vector<StreamRow> rows;
  std::uint64_t next = 0;  // The cursor of the next page; 0 on the last page.
};

struct WorkerRow {
  std::optional<config::Processor> place;  // The processor to which its thread is pinned.
  std::uint64_t streams = 0;
  std::uint64_t streams_opened = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t bytes_sent = 0;
};

// A worker's answers. Belongs to its thread.
class WorkerPages {
 public:
  virtual ~WorkerPages() = default;
  // The number of the worker's streams that are subscribed to the topic by its exact name.
  virtual std::uint32_t subscribers(std::string_view topic) const = 0;
  // At most `limit` rows from slot `from` on, out of a bounded number of slots. `next` is the slot
  // at which the next page begins, 0 at the end of the table.
  virtual StreamPage list_streams(std::uint32_t from, std::size_t limit) const = 0;
  // The streams that are the furthest behind, the furthest first, of those that the sweep has met
  // since the last call; see broadcast::LagSurvey.
  virtual std::vector<LaggingStream> take_lagging() = 0;
  // Follows an event of the next batch; calls `done` on the worker's thread, once.
  virtual void follow(const EventToFollow& event,
                      std::function<void(const FollowedEvent&)> done) = 0;
};

// Asks the workers. Belongs to the control loop.
//
// Each call of `done` comes once, at once or later, or not at all if the daemon stops first. It has
// no value if a worker has too many questions waiting or does not answer within a second, because
// the sum of the other workers would be wrong.
class WorkerQueries {
 public:
  virtual ~WorkerQueries() = default;
  // For each topic, the number of streams in all workers that are subscribed to its exact name.
  virtual void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) = 0;
  // At most `limit` streams from a cursor on, in the order of worker and slot. 0 is the start.
  virtual void list_streams(std::uint64_t cursor, std::size_t limit,
                            std::function<void(std::optional<StreamPage>)> done) = 0;
  // At most `limit` of the streams that the workers found the furthest behind since the last call,
  // the furthest first. After a pause the first answer is empty: a survey has to begin.
  virtual void list_lagging(
      std::size_t limit, std::function<void(std::optional<std::vector<LaggingStream>>)> done) = 0;
  // One row for each worker, in order. Reads the workers' counters without asking them.
  virtual std::vector<WorkerRow> list_workers() const = 0;
  // Calls done(true) when every worker has carried out all earlier orders, and done(false) if one
  // of them has not within a second. That worker still carries them out when it can.
  virtual void await_orders(std::function<void(bool)> done) = 0;
};

}  // namespace crier::cmd
