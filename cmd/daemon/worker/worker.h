// A worker: one thread with its own loop, listener, streams and counters.
//
// Made and destroyed on the main thread, which also owns its loop while the thread does not run. In
// between everything here belongs to the worker's thread but control's end of it: the other ends of
// the queues, orders and counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/daemon/worker/stream_debug.h"
#include "cmd/daemon/worker/stream_names.h"
#include "cmd/daemon/worker/subscribe_routes.h"
#include "cmd/daemon/worker/worker_io.h"
#include "config/affinity.h"
#include "core/lines_per_second.h"
#include "core/spsc_queue.h"
#include "net/loop/loop.h"
#include "net/loop/poll_handle.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"
#include "net/pending/pending_requests.h"
#include "net/socket/endpoint.h"
#include "net/socket/listener.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {

// What a service manager has opened, in the descriptor table all threads share at first.
struct HandedIn {
  int listener = -1;  // This worker's, which closes it.
  bool shared = false;
  std::vector<int> others;  // Closed if this worker has a table of its own.
};

struct WorkerSetup {
  SubscribeRoutes::Identity identity;
  broadcast::WorkerOptions options;
  SubscribePolicy policy;
  net::Endpoint endpoint;
  net::ListenerOptions listener;
  net::PendingLimits pending;
  std::uint32_t notes_per_second = 100;  // Lines of the connection log.
  bool own_descriptor_table = false;
  std::optional<config::Processor> place;  // Where to pin the thread.
  bool steering = false;                   // The listener prefers connections that arrive there.
  HandedIn handed_in;                      // With a listener, `endpoint` is not used.
};

class Worker final : public broadcast::StreamObserver,
                     public broadcast::ReplayPort,
                     public OpenedObserver {
 public:
  // What all workers and control share; outlives every worker.
  struct Shared {
    broadcast::SharedCounts& counts;
    const std::atomic<std::uint64_t>& log_head;
    std::function<void()> wake_control;  // Any thread.
    std::latch& tables_left;  // Counted down once this worker has its own table, or will have none.
  };
  Worker(WorkerSetup setup, const Shared& shared);
  // Requires: joined, or never started.
  ~Worker() override;

  void start_thread();
  // Waits until the thread serves orders and tasks, or has ended because the kernel refused what it
  // needs. Throws std::bad_alloc where that was memory. Requires: start_thread(), once.
  [[nodiscard]] Result<void> wait_until_started() { return started_.get_future().get(); }
  // Where the thread is pinned. Valid once it has started, as is what follows.
  std::optional<config::Processor> place() const {
    return pinned_ ? setup_.place : std::optional<config::Processor>();
  }
  // Why it is not, if it was to be.
  const Result<void>& pinned() const { return pinned_; }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // --- control's end ---
  SpscQueue<InboxItem>& inbox() { return inbox_; }
  SpscQueue<OutboxItem>& outbox() { return outbox_; }
  void wake() { wakeup_.send(); }
  // Changes with every turn of its loop, of which wake() is good for one.
  std::uint64_t turns() const { return turns_.read(); }
  // Bytes of frames taken out of the inbox so far.
  std::uint64_t consumed_bytes() const { return consumed_bytes_.load(std::memory_order_acquire); }
  // Asks to be woken once the inbox is empty.
  void report_when_empty() { report_when_empty_.store(true, std::memory_order_release); }

  const broadcast::WorkerStats& stats() const { return stats_; }
  const RefusalCounts& refusals() const { return refusals_; }
  // Valid once the thread serves.
  const net::PendingCounters& pending_counters() const { return pending_->counters(); }
  const net::ListenerCounters& listener_counters() const { return listener_->counters(); }

  // Orders do not stand in line behind batches: they are carried out at the worker's next turn. A
  // later one of the same kind replaces one that was not carried out yet.
  struct Reload {
    broadcast::WorkerOptions options;
    SubscribePolicy policy;
    std::uint32_t notes_per_second = 0;
    net::SocketPlan sockets;
  };
  void order_reload(Reload reload);
  void order_debug(DebugRules rules);
  void order_drain(std::uint32_t window_ms);
  void order_stop();

  // --- for tasks, on the worker's thread ---
  [[nodiscard]] Result<void> listen();
  broadcast::Broadcaster& broadcaster() { return *broadcaster_; }
  // At most `limit` rows from slot `from` on; looks at a bounded number of slots. `next` is the
  // slot to go on from, 0 at the end of the table.
  StreamPage list_streams(std::uint32_t from, std::size_t limit) const;
  void carry_out_orders();
  // Hands `answer` to the control loop.
  void reply(ControlTask answer);

  // StreamObserver, OpenedObserver, ReplayPort
  void on_stream_ended(broadcast::StreamToken token, const broadcast::Stream& stream,
                       broadcast::EndReason reason, Instant now) override;
  void on_stream_opened(const Opened& opened) override;
  [[nodiscard]] bool ask(broadcast::ReplayRequest&& request) override;

 private:
  struct Orders {
    std::optional<Reload> reload;
    DebugRules debug;  // Null: as before.
    std::optional<std::uint32_t> drain_window_ms;
    bool stop = false;
  };
  void order(const std::function<void(Orders&)>& change);
  void begin_drain(std::uint32_t window_ms);
  void reload(Reload wanted);

  void run_thread();
  [[nodiscard]] Result<void> set_up();
  void clean_up();
  void on_accept_ready();
  void on_sockets_ready();
  void on_stream_ready(const net::Ready& ready, Instant now);
  void discard_input_of(broadcast::StreamToken token);
  void on_sweep();
  void finish_turn();
  void take_inbox(Instant now);
  void take(InboxItem&& item, Instant now);
  bool may_note(Instant now);
  void end_notes_second(Instant now);
  void note_unlogged();
  void note(Note note);
  bool send(DebugNote&& line);

  WorkerSetup setup_;
  Result<void> pinned_;  // Written before started_.
  Shared shared_;
  broadcast::WorkerStats stats_;
  RefusalCounts refusals_;
  SpscQueue<InboxItem> inbox_{kInboxItems};
  SpscQueue<OutboxItem> outbox_{kOutboxItems};
  std::atomic<std::uint64_t> consumed_bytes_{0};
  Counter turns_;
  std::atomic<bool> report_when_empty_{false};
  std::mutex orders_mutex_;  // Taken when an operator wants something, never for an event.
  Orders orders_;
  std::atomic<bool> any_orders_{false};

  net::Loop loop_;
  net::Wakeup wakeup_;
  WorkerIo io_;
  // Made on the worker's thread, after it has left the common descriptor table.
  net::Fd handed_in_;
  std::unique_ptr<net::ReadySet> ready_;
  std::unique_ptr<broadcast::Broadcaster> broadcaster_;
  std::unique_ptr<SubscribeRoutes> routes_;
  std::unique_ptr<StreamNames> names_;
  std::unique_ptr<StreamDebug> debug_;
  std::unique_ptr<net::PendingRequests> pending_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::PollHandle> sockets_poll_;
  std::unique_ptr<net::PollHandle> listener_poll_;
  std::unique_ptr<net::Timer> sweep_timer_;
  std::unique_ptr<net::Timer> revisit_timer_;
  std::unique_ptr<net::Timer> starved_timer_;

  Period notes_second_;
  LinesPerSecond notes_;
  UnloggedNote unlogged_;
  bool any_unlogged_ = false;
  bool outbox_dirty_ = false;
  std::promise<Result<void>> started_;
  std::thread thread_;
};

}  // namespace crier::cmd
