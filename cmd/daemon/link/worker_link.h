// The link between control and one worker: bounded queues both ways, and orders beside them.
//
//   control ── batches, losses, answers, questions ─► worker      in order, and the worker may take
//           ◄─ replay requests, answers, notes ──────             its time
//           ── orders: reload, debug rules, drain, stop ─►        at the worker's next turn
//
// Nothing here waits. A full inbox shows in has_room_for_batch(), which keeps a reserve for what
// must never find it full; a full outbox refuses notes first. Both sides wake one another through
// what they were made with, so that a test can drive any number of links in one thread.
//
// One thread is control's, one the worker's; each method belongs to the side it is listed under.
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

  // Called by the other side's thread: each has its side take a turn soon.
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

  // Is there room for one batch and one notice of losses? False also while too many bytes wait.
  bool has_room_for_batch() const;
  // Requires: has_room_for_batch() said so, since the last one.
  // `bytes`: what its frames have in memory.
  void push(broadcast::SharedBatch batch, std::uint64_t bytes);
  void push(broadcast::LostEvents lost);
  // To a request that was taken from the outbox, so that there is always room.
  void push(broadcast::ReplayAnswer answer);
  // Runs `task` on the worker's thread, in line with batches. Requires: it is one of a few.
  void post(WorkerTask task);
  // The same for a question: what it returns runs on the control loop. False, and nothing happens,
  // while kQuestionsMax are waiting.
  [[nodiscard]] bool inquire(std::move_only_function<ControlTask(WorkerPages&)> question);
  // Wakes the worker if something was pushed since the last time.
  void wake_if_pushed() {
    if (std::exchange(pushed_, false)) wakes_.worker();
  }
  // Wakes the worker; it wakes control as soon as its inbox is empty.
  void report_when_empty();
  // The oldest item of the outbox.
  std::optional<OutboxItem> take() { return outbox_.pop(); }
  // Has the worker's loop turned since the last call? Wakes it for the next.
  bool has_turned();

  // Orders do not stand in line behind batches: the worker carries them out at its next turn. A
  // later one of the same kind replaces one that was not carried out yet.
  void order_reload(WorkerReload reload);
  void order_debug(DebugRules rules);
  void order_drain(std::uint32_t window_ms);
  void order_stop();
  // `done` runs on the control loop once the worker has carried out everything it was ordered
  // before. False as with inquire().
  [[nodiscard]] bool when_carried_out(ControlTask done);

  // --- the worker's side ---

  // Counts a turn, and hands out the orders, if there are any.
  std::unique_ptr<WorkerOrders> begin_turn();
  // The oldest item of the inbox.
  std::optional<InboxItem> next();
  bool inbox_empty() const { return inbox_.empty(); }
  // Hands the broadcaster what it wants of the inbox, in order, and runs tasks where they stand.
  // Wakes control if that wants to know that the inbox is empty.
  void take_inbox(broadcast::Broadcaster& broadcaster, WorkerPages& pages, Instant now);
  // False: there is no room.
  [[nodiscard]] bool ask(broadcast::ReplayRequest&& request) override;
  // Runs `answer` on the control loop.
  void reply(ControlTask answer);
  // May notes be sent? What is left then is for requests and answers.
  bool has_room_for_notes() const { return outbox_.room() > kOutboxReserve; }
  // Lost if the outbox is full; ask has_room_for_notes().
  void send(Note note);
  // Wakes control if something was sent since the last time.
  void wake_if_sent() {
    if (std::exchange(sent_, false)) wakes_.control();
  }

 private:
  static constexpr std::size_t kInboxItems = 1'024;
  // Items of these that batches and notices leave to answers and tasks.
  static constexpr std::size_t kInboxReserve = 512;
  // Beside the reserve, room for the lines of a debug rule about one event to all, in one turn.
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
  alignas(64) std::uint64_t pushed_bytes_ = 0;  // Of frames, ever.
  std::uint64_t turns_seen_ = 0;
  std::size_t asked_ = 0;
  bool pushed_ = false;

  // Written by the worker.
  alignas(64) std::atomic<std::uint64_t> consumed_bytes_{0};  // Of frames taken out, ever.
  Counter turns_;
  bool sent_ = false;
};

}  // namespace crier::cmd
