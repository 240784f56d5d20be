#include "cmd/daemon/link/worker_link.h"

#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::cmd {

WorkerLink::~WorkerLink() {
  delete orders_.load();
}

// --- control's side ---

bool WorkerLink::has_room_for_batch() const {
  const std::uint64_t waiting = pushed_bytes_ - consumed_bytes_.load(std::memory_order_acquire);
  return inbox_.room() > kInboxReserve + 1 && waiting < kInboxBytesMax;
}

void WorkerLink::push_item(InboxItem item) {
  const bool pushed = inbox_.push(std::move(item));
  CRIER_CHECK(pushed);
  pushed_ = true;
}

void WorkerLink::push(broadcast::SharedBatch batch, std::uint64_t bytes) {
  pushed_bytes_ += bytes;
  push_item(std::move(batch));
}

void WorkerLink::push(broadcast::LostEvents lost) {
  push_item(std::make_unique<broadcast::LostEvents>(std::move(lost)));
}

void WorkerLink::push(broadcast::ReplayAnswer answer) {
  static_assert(kReplaysInFlightMax + kQuestionsMax + kFollowedMax + 16 <= kInboxReserve);
  push_item(std::make_unique<broadcast::ReplayAnswer>(std::move(answer)));
}

void WorkerLink::post(WorkerTask task) {
  push_item(std::make_unique<WorkerTask>(std::move(task)));
}

ControlTask WorkerLink::counted(ControlTask answer) {
  return [this, answer = std::move(answer)]() mutable {
    --asked_;
    answer();
  };
}

bool WorkerLink::inquire(std::move_only_function<ControlTask(WorkerPages&)> question) {
  if (asked_ >= kQuestionsMax) return false;
  ++asked_;
  post([this, question = std::move(question)](WorkerPages& pages) mutable {
    reply(counted(question(pages)));
  });
  return true;
}

// No report is lost: control sets the flag after it has found no room, and the worker reads it
// after it has emptied the inbox.
void WorkerLink::report_when_empty() {
  report_when_empty_.store(true, std::memory_order_release);
  pushed_ = false;
  wakes_.worker();
}

bool WorkerLink::has_turned() {
  const std::uint64_t turns = turns_.read();
  const bool turned = std::exchange(turns_seen_, turns) != turns;
  wakes_.worker();
  return turned;
}

// Takes the orders back that the worker has not taken yet, and changes them.
template <typename Change>
void WorkerLink::order(const Change& change) {
  std::unique_ptr<WorkerOrders> orders(orders_.exchange(nullptr, std::memory_order_acquire));
  if (!orders) orders = std::make_unique<WorkerOrders>();
  change(*orders);
  orders_.store(orders.release(), std::memory_order_release);
  wakes_.worker();
}

void WorkerLink::order_reload(WorkerReload reload) {
  order([&](WorkerOrders& orders) { orders.reload = std::move(reload); });
}

void WorkerLink::order_debug(DebugRules rules) {
  order([&](WorkerOrders& orders) { orders.debug = std::move(rules); });
}

void WorkerLink::order_drain(std::uint32_t spread_ms, bool ids_end) {
  order([&](WorkerOrders& orders) {
    orders.drain_spread_ms = spread_ms;
    orders.ids_end = ids_end;
  });
}

void WorkerLink::order_stop() {
  order([](WorkerOrders& orders) { orders.stop = true; });
}

bool WorkerLink::when_carried_out(ControlTask done) {
  if (asked_ >= kQuestionsMax) return false;
  ++asked_;
  order([&](WorkerOrders& orders) { orders.carried_out.push_back(counted(std::move(done))); });
  return true;
}

// --- the worker's side ---

std::unique_ptr<WorkerOrders> WorkerLink::begin_turn() {
  turns_.add();
  if (orders_.load(std::memory_order_relaxed) == nullptr) return nullptr;
  return std::unique_ptr<WorkerOrders>(orders_.exchange(nullptr, std::memory_order_acquire));
}

std::optional<InboxItem> WorkerLink::next() {
  auto item = inbox_.pop();
  if (item) {
    if (const auto* batch = std::get_if<broadcast::SharedBatch>(&*item)) {
      std::uint64_t bytes = 0;
      for (const FrameRef& frame : **batch) bytes += frame->memory_bytes();
      consumed_bytes_.fetch_add(bytes, std::memory_order_release);
    }
  }
  return item;
}

void WorkerLink::take_inbox(broadcast::Broadcaster& broadcaster, WorkerPages& pages, Instant now) {
  while (broadcaster.wants_input()) {
    auto item = next();
    if (!item) break;
    std::visit(
        Match{
            [](std::monostate) {},
            [&](broadcast::SharedBatch& batch) { broadcaster.take_batch(batch); },
            [&](std::unique_ptr<broadcast::ReplayAnswer>& answer) {
              broadcaster.take_answer(std::move(*answer), now);
            },
            [&](std::unique_ptr<broadcast::LostEvents>& lost) { broadcaster.take_lost(*lost); },
            [&](std::unique_ptr<WorkerTask>& task) { (*task)(pages); },
        },
        *item);
  }
  if (!inbox_.empty() || !report_when_empty_.load(std::memory_order_acquire)) return;
  report_when_empty_.store(false, std::memory_order_release);
  wakes_.control();
}

void WorkerLink::send_item(OutboxItem item) {
  const bool pushed = outbox_.push(std::move(item));
  CRIER_CHECK(pushed);
  sent_ = true;
}

bool WorkerLink::ask(broadcast::ReplayRequest&& request) {
  if (outbox_.room() == 0) return false;
  send_item(std::make_unique<broadcast::ReplayRequest>(std::move(request)));
  return true;
}

void WorkerLink::reply(ControlTask answer) {
  static_assert(kReplaysInFlightMax + kQuestionsMax + kFollowedMax + 16 <= kOutboxReserve);
  send_item(std::make_unique<ControlTask>(std::move(answer)));
}

void WorkerLink::send(Note note) {
  static_assert(kOutboxItems - kOutboxReserve >= kDebugLinesPerSecond);
  if (outbox_.room() > 0) send_item(std::make_unique<Note>(std::move(note)));
}

}  // namespace crier::cmd
