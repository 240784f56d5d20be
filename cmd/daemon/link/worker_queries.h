// What the control loop's pages ask the workers, and get back later, on the control loop: the side
// that asks, and what a worker answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/affinity.h"

namespace crier::cmd {

struct StreamRow {
  std::string session_id;  // worker:slot:generation; log lines have it, too.
  std::string trace_id;
  std::string state;
  std::vector<std::string> topics;
  std::uint64_t bytes_sent = 0;
  std::uint32_t events_sent = 0;
  std::uint32_t owed_events = 0;
  std::uint32_t owed_bytes = 0;
  double open_seconds = 0.0;
};

struct StreamPage {
  std::vector<StreamRow> rows;
  std::uint64_t next = 0;  // Cursor of the next page; 0: this was the last.
};

struct WorkerRow {
  std::optional<config::Processor> place;  // Where its thread is pinned.
  std::uint64_t streams = 0;
  std::uint64_t streams_opened = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t bytes_sent = 0;
};

// What a question may ask of a worker. Belongs to its thread.
class WorkerPages {
 public:
  virtual ~WorkerPages() = default;
  // How many of its streams are subscribed to the topic by its exact name.
  virtual std::uint32_t subscribers(std::string_view topic) const = 0;
  // At most `limit` rows from slot `from` on; looks at a bounded number of slots. `next` is the
  // slot to go on from, 0 at the end of the table.
  virtual StreamPage list_streams(std::uint32_t from, std::size_t limit) const = 0;
};

// Belongs to the control loop. Each answer arrives once, at once or later, or not at all if the
// daemon stops first. It is nothing where a worker has too many questions waiting or does not
// answer within a second: half of the truth would be a wrong number.
class WorkerQueries {
 public:
  virtual ~WorkerQueries() = default;
  // How many streams are subscribed to each topic by its exact name, all workers together.
  virtual void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) = 0;
  // At most `limit` streams from a cursor on (0: from the start), in the order of worker and slot.
  virtual void list_streams(std::uint64_t cursor, std::size_t limit,
                            std::function<void(std::optional<StreamPage>)> done) = 0;
  // Every worker, in order: what they count is read as it stands, so nobody is asked.
  virtual std::vector<WorkerRow> list_workers() const = 0;
  // Calls back once every worker has carried out what it was ordered before: true. False, as with
  // the others, where one has not within a second; it carries them out when it can.
  virtual void await_orders(std::function<void(bool)> done) = 0;
};

}  // namespace crier::cmd
