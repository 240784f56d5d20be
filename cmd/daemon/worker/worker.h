// A worker: one thread with its own loop, listener, streams and counters.
//
// Made and destroyed on the main thread, which also owns the loop while the worker's thread does
// not run. While it runs, everything belongs to the worker's thread, except control's side of the
// link and the counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/link/worker_link.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/daemon/worker/event_follower.h"
#include "cmd/daemon/worker/stream_debug.h"
#include "cmd/daemon/worker/stream_names.h"
#include "cmd/daemon/worker/subscribe_routes.h"
#include "cmd/daemon/worker/worker_io.h"
#include "config/affinity.h"
#include "core/lines_per_second.h"
#include "net/loop/loop.h"
#include "net/loop/poll_handle.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"
#include "net/pending/pending_requests.h"
#include "net/socket/endpoint.h"
#include "net/socket/listener.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {

// Descriptors that a service manager has opened, in the table that all threads share at first.
struct HandedIn {
  int listener = -1;  // This worker's listening socket, which it closes; -1: none.
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
  // Bound on lines about single streams; nothing: they are not even counted.
  std::optional<std::uint32_t> notes_per_second = 100;
  bool own_descriptor_table = false;
  std::optional<config::Processor> place;  // Where to pin the thread.
  bool steering = false;                   // The listener prefers connections of that processor.
  HandedIn handed_in;                      // With a listener, `endpoint` is not used.
};

class Worker final : public WorkerPages, public broadcast::StreamObserver {
 public:
  // What all workers and control share; outlives every worker.
  struct Shared {
    broadcast::SharedCounts& counts;
    const std::atomic<std::uint64_t>& log_head;
    std::function<void()> wake_control;  // Any thread.
    std::latch& tables_left;  // Counted down once this worker has its own table, or will have none.
    // If all workers share one listener, each connection would wake all of them. Instead they take
    // turns: only worker number `accepting` watches it, until it has accepted some and wakes the
    // next.
    std::atomic<std::uint32_t>& accepting;
    std::function<void(std::uint32_t)> wake_worker;  // Any thread.
    RequestLimiter& requests;
  };
  Worker(WorkerSetup setup, const Shared& shared);
  // Requires: joined, or never started.
  ~Worker() override;

  void start_thread();
  // Waits until the thread serves orders and tasks, or has ended because the kernel refused what it
  // needs. Throws std::bad_alloc if that was memory. Requires: start_thread(), once.
  [[nodiscard]] Result<void> wait_until_started() { return started_.get_future().get(); }
  // The processor to which the thread is pinned, if it is. Valid once the thread has started.
  std::optional<config::Processor> place() const {
    return pinned_ ? setup_.place : std::optional<config::Processor>();
  }
  // The error if pinning failed. Valid once the thread has started.
  const Result<void>& pinned() const { return pinned_; }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // Any thread, until it is destroyed.
  void wake() { wakeup_.send(); }

  // --- control's thread ---
  WorkerLink& link() { return link_; }
  const broadcast::WorkerStats& stats() const { return stats_; }
  const net::LoopStats& loop_stats() const { return loop_.stats(); }
  const RefusalCounts& refusals() const { return refusals_; }
  // Valid once the thread serves.
  const net::PendingCounters& pending_counters() const { return pending_->counters(); }
  const net::ListenerCounters& listener_counters() const { return listener_->counters(); }

  // This worker's row of /debug/workers. Requires: it listens.
  WorkerRow row() const;

  // --- for tasks, on the worker's thread ---
  [[nodiscard]] Result<void> listen();
  std::uint32_t subscribers(std::string_view topic) const override {
    return broadcaster_->subscribers(topic);
  }
  StreamPage list_streams(std::uint32_t from, std::size_t limit) const override;
  std::vector<LaggingStream> take_lagging() override;
  void follow(const EventToFollow& event, std::function<void(const FollowedEvent&)> done) override {
    follower_->follow(event, std::move(done));
  }

  // StreamObserver
  void on_stream_ended(broadcast::StreamToken token, const broadcast::Stream& stream,
                       broadcast::EndReason reason, Instant now) override;
  void on_stream_opened(broadcast::StreamToken token, const broadcast::Stream& stream,
                        bool resumed) override;
  // The routes call it when they refuse a request.
  void on_refused(const RefusedStream& refused, Instant now);
  // The routes call it when the breaker of an address opens.
  void on_shut_out(ShutOutNote note, Instant now);

 private:
  StreamRow row_of(broadcast::StreamIndex index, Instant now) const;
  void carry_out(WorkerOrders& orders);
  void begin_drain(std::uint32_t spread_ms, bool ids_end);
  void reload(WorkerReload wanted);

  void run_thread();
  [[nodiscard]] Result<void> set_up();
  void clean_up();
  bool accepts() const;
  void on_accept_ready();
  void accept(const net::Accepted& accepted, Instant now);
  void await_turn();
  void pass_turn_on();
  void on_sockets_ready();
  void on_stream_ready(const net::Ready& ready, Instant now);
  void on_sweep();
  void finish_turn();
  bool may_note(LinesPerSecond& lines, std::uint32_t lines_max, Instant now);
  void end_notes_second(Instant now);
  void note_unlogged();
  bool send(DebugNote&& line);

  WorkerSetup setup_;
  Result<void> pinned_;  // Written before started_.
  Shared shared_;
  broadcast::WorkerStats stats_;
  RefusalCounts refusals_;
  WorkerLink link_;

  net::Loop loop_;
  net::Wakeup wakeup_;
  // Made on the worker's thread, after it has left the common descriptor table.
  net::Fd handed_in_;
  std::unique_ptr<net::ReadySet> ready_;
  std::unique_ptr<WorkerIo> io_;
  std::unique_ptr<broadcast::Broadcaster> broadcaster_;
  std::unique_ptr<StreamNames> names_;
  std::unique_ptr<SubscribeRoutes> routes_;
  std::unique_ptr<StreamDebug> debug_;
  std::unique_ptr<EventFollower> follower_;
  std::unique_ptr<net::PendingRequests> pending_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::PollHandle> sockets_poll_;
  std::unique_ptr<net::PollHandle> listener_poll_;
  bool awaits_turn_ = false;  // listener_poll_ is paused until this worker's turn.
  std::size_t accepted_ = 0;  // In this worker's turn.
  std::unique_ptr<net::Timer> sweep_timer_;
  std::unique_ptr<net::Timer> revisit_timer_;
  std::unique_ptr<net::Timer> pause_timer_;

  Period notes_second_;
  LinesPerSecond notes_;  // About streams.
  LinesPerSecond refusal_notes_;
  LinesPerSecond shut_out_notes_;
  UnloggedNote unlogged_;
  bool any_unlogged_ = false;
  std::promise<Result<void>> started_;
  std::thread thread_;
};

}  // namespace crier::cmd
