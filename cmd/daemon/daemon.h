// The running daemon: constructs its parts in order, serves, reloads, drains. The one place to see
// the whole.
//
// Belongs to the main thread, whose loop is the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/log.h"
#include "broadcast/log/memory_journal.h"
#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/control/admin_routes.h"
#include "cmd/daemon/control/control.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/control/feed.h"
#include "cmd/daemon/control/metrics_wiring.h"
#include "cmd/daemon/control/publish_routes.h"
#include "cmd/daemon/preflight.h"
#include "cmd/daemon/worker/worker.h"
#include "cmd/log/connection_log.h"
#include "cmd/log/log_sink.h"
#include "cmd/log/starvation_watch.h"
#include "cmd/system/activation.h"
#include "cmd/system/supervisor.h"
#include "cmd/tuning/kernel_tuner.h"
#include "config/config.h"
#include "core/keyed_hash.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/loop/signals.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"
#include "net/socket/unix_socket.h"

namespace crier::cmd {

class Daemon final : public Readiness {
 public:
  struct Start {
    Preflight checked;
    // To read again on SIGHUP.
    std::optional<std::string> file;
    std::vector<std::string> overrides;
    Activation activation;  // Shared out.
  };

  // Everything is listening and READY was logged when this returns. Errors say what to do.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(Start start);
  ~Daemon() override;

  // Until a signal ends it and everybody is gone or cut off.
  void run_until_stopped() { loop_.run(); }

  std::string_view why_not_ready() const override;

 private:
  // How far the end has come.
  enum class Phase : std::uint8_t { starting, serving, announced, draining, stopping };
  // Random numbers drawn once, from the kernel.
  struct Keys {
    Keys();
    HashKey topics;  // Of the log; workers need the same.
    HashKey addresses;
    HashKey idempotency;
    HashKey traces;
    std::uint64_t epoch;
    std::uint64_t worker_seed;
    std::uint64_t publish_seed;
    std::uint64_t admin_seed;
  };

  explicit Daemon(Start start);
  // As start(), but a std::system_error or std::bad_alloc may pass.
  static Result<std::unique_ptr<Daemon>> make(Start start);
  Result<void> try_sockets();
  Result<void> load_journal();
  void make_workers();
  HandedIn handed_in(std::size_t worker) const;
  Result<void> start_workers();
  Result<void> look_at_places();
  Result<void> open_publish_socket();
  Result<void> open_admin();
  Result<void> open_listeners();
  void make_catalogue();
  void say_ready();

  void finish_turn();
  void on_tick();
  void look_for_shortage(Instant now);
  bool is_full() const;
  void on_expire();
  void on_alive();
  void tell_status();
  void on_signal(int number);
  void reload();
  void apply_to_parts();
  void refuse_reload(const std::vector<std::string>& problems);
  void follow(net::SocketPlan plan);
  void announce_stop();
  void drain();
  void stop();
  void stop_workers();

  Start start_;
  config::Config config_;
  net::SocketPlan sockets_;  // As the workers were last told.
  Keys keys_;
  StderrLog stderr_log_;
  RepeatLimit log_;
  StarvationWatch starvation_;
  std::uint64_t options_refused_ = 0;
  Instant full_until_;  // For readyz, which should not change with each stream.
  ConnectionLog connections_;
  DebugSwitch debug_switch_;
  KernelTuner kernel_;

  // Shared with the workers, so destroyed after them.
  FrameAccount frames_;
  broadcast::Log event_log_;
  broadcast::EventEncoder encoder_;
  broadcast::MemoryJournal journal_;
  std::atomic<std::uint64_t> log_head_{0};
  broadcast::SharedCounts counts_;
  std::latch tables_left_;

  net::Loop loop_;
  net::Wakeup wakeup_;
  net::Signals signals_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Feed> feed_;
  std::optional<Control> control_;
  broadcast::IdempotencyKeys idempotency_;

  std::optional<net::UnixListener> publish_listener_;
  std::optional<net::UnixListener> admin_unix_listener_;
  std::optional<net::Listener> admin_tcp_listener_;
  std::optional<metrics::Catalogue> catalogue_;
  std::optional<PublishRoutes> publish_routes_;
  std::optional<AdminRoutes> admin_routes_;
  std::optional<net::HttpServer> publish_server_;
  std::optional<net::HttpServer> admin_server_;

  Supervisor supervisor_;
  net::Timer alive_;
  net::Timer status_;
  net::Timer tick_;
  net::Timer expire_;
  net::Timer stop_timer_;
  Phase phase_ = Phase::starting;
  Instant drain_ends_;
};

}  // namespace crier::cmd
