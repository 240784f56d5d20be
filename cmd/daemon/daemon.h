// The running daemon: makes its parts in order, serves, and runs the turns of the control loop.
//
//   Logs             what an operator reads
//   WorkerSet        the workers' threads, which own the subscribers
//   Feed, Control    the other ends of the workers' queues
//   Endpoints        the publish socket and the admin endpoint
//   Reloader         SIGHUP
//   Shutdown         SIGTERM: announced, draining, stopped
//   Health           /readyz
//   LimitWatch       limits that are reached, in the log
//
// A start goes: check addresses → raise kernel parameters → make workers and start their threads →
// open the endpoints → have the workers listen → READY. Members are declared in the order in which
// they are made; what workers share stands before them and is destroyed after them.
//
// Belongs to the main thread, whose loop is the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/log.h"
#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/endpoints.h"
#include "cmd/daemon/health.h"
#include "cmd/daemon/kept_journal.h"
#include "cmd/daemon/limit_watch.h"
#include "cmd/daemon/logs.h"
#include "cmd/daemon/memory_watch.h"
#include "cmd/daemon/preflight.h"
#include "cmd/daemon/reloader.h"
#include "cmd/daemon/shutdown.h"
#include "cmd/daemon/worker_set.h"
#include "cmd/system/activation.h"
#include "cmd/system/supervisor.h"
#include "cmd/tuning/kernel_tuner.h"
#include "net/loop/loop.h"
#include "net/loop/signals.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"

namespace crier::cmd {

class Daemon {
 public:
  struct Start {
    Preflight checked;
    // To read again on SIGHUP.
    std::optional<std::string> file;
    std::vector<std::string> overrides;
    Activation activation;  // share_out() has been called.
  };

  // Everything is listening and READY was logged when this returns. Errors say what to do.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(Start start);
  ~Daemon();

  // Returns when a signal has ended the daemon and its streams are closed.
  // Returns false if it ended because it lost its journal.
  bool run_until_stopped() {
    loop_.run();
    return !journal_.lost();
  }

 private:
  explicit Daemon(Start start);
  // Does the work of start(). May throw std::system_error or std::bad_alloc.
  static Result<std::unique_ptr<Daemon>> make(Start start);
  Result<void> try_sockets();
  Result<void> load_journal();
  void end_for_journal();
  std::function<Coming(std::uint64_t sequence, Instant asked)> coming_events();
  void make_workers();
  Result<void> open();
  void show_metrics();
  void say_ready();
  void warn_of_filters();

  void finish_turn();
  void on_tick();
  void on_expire();
  void look_at_memory(Instant now);
  void read_memory(MemoryReading& reading) const;
  void meet_shortage(Instant now);
  void on_signal(int number);
  void tell_status();
  std::string_view why_not_ready(ReadyChecks except) const;
  void stop();

  Start start_;
  config::Config config_;    // In force.
  net::SocketPlan sockets_;  // In force for new subscribers.
  Logs logs_;
  net::Loop loop_;
  KeptJournal journal_;
  DebugSwitch debug_switch_;
  PublishTraces traces_{net::Loop::now_ns};
  KernelTuner kernel_;

  FrameAccount frames_;
  broadcast::Log event_log_;
  broadcast::EventEncoder encoder_;
  broadcast::IdempotencyKeys idempotency_;
  std::atomic<std::uint64_t> log_head_{0};
  broadcast::SharedCounts counts_;

  net::Wakeup wakeup_;
  net::Signals signals_;
  Supervisor supervisor_;
  Shutdown shutdown_;
  Health health_;
  LimitWatch limit_watch_;
  MemoryShortage memory_shortage_;
  MemoryGroup memory_group_;
  MemoryWatch memory_;
  Period shrink_seconds_{1};
  Period trim_seconds_{10};

  std::optional<WorkerSet> workers_;
  std::optional<Feed> feed_;
  std::optional<Control> control_;
  std::optional<Endpoints> endpoints_;
  std::optional<Reloader> reloader_;

  net::Timer alive_;
  net::Timer status_;
  net::Timer tick_;
  net::Timer expire_;
};

}  // namespace crier::cmd
