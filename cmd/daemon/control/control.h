// What the control loop does for the workers: answers their replay requests from the log, writes
// their notes to the connection log, and asks them what pages want to know.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/feed.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/daemon/worker/worker.h"
#include "cmd/log/connection_log.h"
#include "core/check.h"

namespace crier::cmd {

class Control final : public WorkerQueries {
 public:
  struct Parts {
    broadcast::Log& log;
    Feed& feed;
    ConnectionLog& connections;
    LogSink& debug_log;  // For what an operator asked for, whatever the level.
    const std::vector<std::unique_ptr<Worker>>& workers;
  };
  explicit Control(const Parts& parts)
      : parts_(parts), turns_(parts.workers.size()), asked_(parts.workers.size()) {}

  // Takes what workers have sent, a bounded share. True: more is left.
  bool take_outboxes(Instant now);

  // Gives up questions whose workers did not answer in time. Every 250 ms.
  void tick(Instant now);
  // Has every worker's loop turned since the last call? Wakes each for the next.
  bool all_workers_turn();

  // Runs `task` on the worker's thread, in line with batches. Requires: at most kQuestionsMax are
  // waiting; what an operator orders goes another way, see Worker::order_reload().
  void post(std::size_t worker, WorkerTask task);

  void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) override;
  void list_streams(std::uint64_t cursor, std::size_t limit,
                    std::function<void(std::optional<StreamPage>)> done) override;
  // Requires: all listen.
  std::vector<WorkerRow> list_workers() const override;
  void await_orders(std::function<void()> done) override;

 private:
  // A question that several workers answer.
  struct Question {
    std::size_t awaited = 0;
    Instant deadline;
    std::function<void(bool complete)> done;  // Null once it has run.

    void finish(bool complete) {
      if (done) std::exchange(done, nullptr)(complete);
    }
    void answered() {
      CRIER_CHECK(awaited > 0);
      if (--awaited == 0) finish(true);
    }
  };

  std::size_t take(std::size_t worker, OutboxItem item, Instant now);
  void write(const Note& note, Instant now);
  // Asks one worker; `answer`, made there, runs here. False, and nothing happens, while the worker
  // has too many questions already.
  bool ask(std::size_t worker, std::move_only_function<ControlTask(Worker&)> question);
  std::shared_ptr<Question> new_question(std::size_t awaited, std::function<void(bool)> done);

  Parts parts_;
  std::list<std::shared_ptr<Question>> questions_;
  std::size_t first_ = 0;             // Whose outbox is looked at first: each worker in its turn.
  std::vector<std::uint64_t> turns_;  // Of each worker, when last asked.
  std::vector<std::size_t> asked_;    // Of each worker, and not answered yet.
};

}  // namespace crier::cmd
