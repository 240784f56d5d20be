// The control loop's end of the links to the workers: answers replay requests from the log, writes
// their notes to the log, and asks them what pages want to know.
//
// Belongs to the control loop. Feed::flush() wakes the workers for its messages at the end of each
// turn.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/link/worker_link.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/log/connection_log.h"
#include "cmd/log/log_sink.h"
#include "core/check.h"

namespace crier::cmd {

// Whether an event that another node has published reaches this one.
enum class Coming : std::uint8_t { here, soon, unknown };

class Control final : public WorkerQueries {
 public:
  struct Parts {
    broadcast::Log& log;
    ConnectionLog& connections;
    RepeatLimit& limited;  // For refused requests.
    LogSink& debug_log;    // For lines that an operator asked for, at any log.level.
    std::vector<WorkerLink*> links;
    std::function<WorkerRow(std::size_t)> row_of;  // The row of a worker, which must listen.
    // Whether an event beyond the log's head will come; `asked`: since when that is of interest.
    // Null: no other node publishes, and there are no such requests.
    std::function<Coming(std::uint64_t sequence, Instant asked)> coming = {};
  };
  explicit Control(Parts parts) : parts_(std::move(parts)) {}

  // Takes a bounded number of the workers' messages. Returns true if more are left.
  bool take_outboxes(Instant now);

  // Gives up questions whose workers did not answer in time. Call it every kTickMs.
  static constexpr std::uint64_t kTickMs = 250;
  void tick();
  // Whether every worker's loop has turned since the last call. Wakes each worker.
  bool all_workers_turn();

  void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) override;
  void list_streams(std::uint64_t cursor, std::size_t limit,
                    std::function<void(std::optional<StreamPage>)> done) override;
  void list_lagging(std::size_t limit,
                    std::function<void(std::optional<std::vector<LaggingStream>>)> done) override;
  // Requires: all workers listen.
  std::vector<WorkerRow> list_workers() const override;
  void await_orders(std::function<void(bool)> done) override;

 private:
  // A question that several workers answer.
  struct Question {
    std::size_t awaited = 0;
    std::uint64_t ticks_left = 0;
    std::function<void(bool complete)> done;  // Null once it has run.

    void finish(bool complete) {
      if (done) std::exchange(done, nullptr)(complete);
    }
    void answered() {
      CRIER_CHECK(awaited > 0);
      if (--awaited == 0) finish(true);
    }
  };

  // A replay after an event that this node does not have yet.
  struct Waiting {
    std::size_t worker = 0;
    std::unique_ptr<broadcast::ReplayRequest> request;
    Instant asked;
  };

  std::size_t take(std::size_t worker, OutboxItem item, Instant now);
  // Answers a request, and returns the work; nothing: it has to wait.
  std::optional<std::size_t> answer(Waiting& waiting, Instant now);
  std::size_t answer_waiting(Instant now);
  void write(const Note& note, Instant now);
  std::shared_ptr<Question> new_question(std::size_t awaited, std::function<void(bool)> done);

  Parts parts_;
  std::list<std::shared_ptr<Question>> questions_;
  std::vector<Waiting> waiting_;
  std::size_t first_ = 0;  // The outbox to take from first; workers take turns.
};

}  // namespace crier::cmd
