// The link between control and one worker: bounded queues both ways, and orders beside them.
//
//   control ── batches, losses, answers, questions ─► worker      in order, over several turns
//           ◄─ replay requests, answers, notes ──────             in order
//           ── orders: reload, debug rules, drain, stop ─►        at the worker's next turn
//
// No method blocks. has_room_for_batch() is false if the inbox is full but for a reserve, so that
// answers and tasks always find room. A full outbox refuses notes first. Each side wakes the other
// through a function of Wakes, so that a test can drive any number of links in one thread.
//
// Control's thread and the worker's thread share it. Each method belongs to the side under which it
// is listed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/link/worker_orders.h"
#include "core/counter.h"
#include "core/spsc_queue.h"

namespace crier::cmd {

class WorkerLink final : public broadcast::ReplayPort {
 public:
  // Questions that are not answered yet, those about orders included.
  static constexpr std::size_t kQuestionsMax = 128;

  // Each wakes the loop of the named side. The thread of the other side calls it.
  struct Wakes {
    std::function<void()> worker;
    std::function<void()> control;
  };
  // Requires: both sides have ended when it is destroyed.
  explicit WorkerLink(Wakes wakes) : wakes_(std::move(wakes)) {}
  ~WorkerLink() override;
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // --- control's side ---

  // Whether there is room for one batch and one notice of losses. Also false while the frames in
  // the inbox have kInboxBytesMax bytes or more.
  bool has_room_for_batch() const;
  // `bytes`: the memory of the batch's frames. Requires, for each of the two: has_room_for_batch()
  // was true after the last push of its kind.
  void push(broadcast::SharedBatch batch, std::uint64_t bytes);
  void push(broadcast::LostEvents lost);
  // Answers a request that take() returned. The reserve has room for the answer to each.
  void push(broadcast::ReplayAnswer answer);
  // Runs `task` on the worker's thread, in order with batches. For a few tasks at a time: the
  // reserve must have room for them.
  void post(WorkerTask task);
  // Runs `question` on the worker's thread and the task that it returns on the control loop.
  // Returns false and does nothing if kQuestionsMax questions are waiting.
  [[nodiscard]] bool inquire(std::move_only_function<ControlTask(WorkerPages&)> question);
  // Wakes the worker if control has pushed something since the last wake-up.
  void wake_if_pushed() {
    if (std::exchange(pushed_, false)) wakes_.worker();
  }
  // Wakes the worker, and asks it to wake control as soon as its inbox is empty.
  void report_when_empty();
  // The oldest item of the outbox.
  std::optional<OutboxItem> take() { return outbox_.pop(); }
  // Whether the worker's loop has turned since the last call. Wakes the worker, so that a loop that
  // works has turned by the next call.
  bool has_turned();

  // Orders do not wait behind batches: the worker carries them out at its next turn. A later order
  // replaces an earlier one of the same kind that was not carried out yet.
  void order_reload(WorkerReload reload);
  void order_debug(DebugRules rules);
  void order_drain(std::uint32_t spread_ms, bool ids_end = false);
  void order_stop();
  // Runs `done` on the control loop when the worker has carried out all earlier orders. Returns
  // false as inquire() does.
  [[nodiscard]] bool when_carried_out(ControlTask done);

  // --- the worker's side ---

  // Counts a turn and returns the orders; null if there are none.
  std::unique_ptr<WorkerOrders> begin_turn();
  // The oldest item of the inbox.
  std::optional<InboxItem> next();
  bool inbox_empty() const { return inbox_.empty(); }
  // Takes items from the inbox in order, as long as the broadcaster wants input: hands them to the
  // broadcaster and runs tasks. Wakes control if the inbox is empty then and control has asked for
  // it.
  void take_inbox(broadcast::Broadcaster& broadcaster, WorkerPages& pages, Instant now);
  // Sends a replay request to control. Returns false if there is no room.
  [[nodiscard]] bool ask(broadcast::ReplayRequest&& request) override;
  // Runs `answer` on the control loop.
  void reply(ControlTask answer);
  // Whether notes may be sent. The reserve is for requests and answers.
  bool has_room_for_notes() const { return outbox_.room() > kOutboxReserve; }
  // Drops the note if the outbox is full; callers check has_room_for_notes().
  void send(Note note);
  // Wakes control if the worker has sent something since the last wake-up.
  void wake_if_sent() {
    if (std::exchange(sent_, false)) wakes_.control();
  }

 private:
  static constexpr std::size_t kInboxItems = 1'024;
  // The part of kInboxItems that only answers and tasks may use.
  static constexpr std::size_t kInboxReserve = 512;
  // The reserve, and the lines of a debug rule in one second, which may all come in one turn.
  static constexpr std::size_t kOutboxItems = 2'048;
  static constexpr std::size_t kOutboxReserve = 512;

  void push_item(InboxItem item);
  void send_item(OutboxItem item);
  template <typename Change>
  void order(const Change& change);
  ControlTask counted(ControlTask answer);

  Wakes wakes_;
  SpscQueue<InboxItem> inbox_{kInboxItems};
  SpscQueue<OutboxItem> outbox_{kOutboxItems};
  std::atomic<WorkerOrders*> orders_{nullptr};  // The side that takes it out owns it.
  std::atomic<bool> report_when_empty_{false};

  // Written by control.
  alignas(64) std::uint64_t pushed_bytes_ = 0;  // Memory of all frames pushed so far.
  std::uint64_t turns_seen_ = 0;
  std::size_t asked_ = 0;  // Questions without an answer.
  bool pushed_ = false;

  // Written by the worker.
  alignas(64) std::atomic<std::uint64_t> consumed_bytes_{0};  // Memory of all frames taken so far.
  Counter turns_;
  bool sent_ = false;
};

}  // namespace crier::cmd
