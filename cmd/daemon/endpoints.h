// The daemon's own two endpoints: the publish socket and the admin endpoint, each a listener, its
// routes and an HTTP server. Subscribers' listeners belong to the workers.
//
// open() opens the publish socket, then the admin endpoint, whose /metrics is empty until show().
// close() ends both servers, the admin endpoint first. Call it before the workers end: the pages
// read their counters.
//
// Belongs to the control loop. Destroyed before feed, control and the event log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "broadcast/log/idempotency.h"
#include "broadcast/log/log.h"
#include "cmd/daemon/admin/admin_routes.h"
#include "cmd/daemon/admin/stats_viewers.h"
#include "cmd/daemon/admin/topic_tails.h"
#include "cmd/daemon/control/control.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/control/feed.h"
#include "cmd/daemon/control/metrics_wiring.h"
#include "cmd/daemon/control/publish_routes.h"
#include "cmd/daemon/limit_watch.h"
#include "config/config.h"
#include "core/log.h"
#include "core/memory_pressure.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/socket/listener.h"
#include "net/socket/peer_credentials.h"
#include "net/socket/unix_socket.h"

namespace crier::cmd {

class Endpoints {
 public:
  // All outlive the endpoints.
  struct Parts {
    net::Loop& loop;
    const config::Config& config;  // The one in force: a reload assigns to it.
    LogSink& log;
    broadcast::Journal& journal;
    JournalPages* journal_pages;  // Null: the journal is in memory.
    broadcast::Log& event_log;
    broadcast::EventEncoder& encoder;
    broadcast::IdempotencyKeys& keys;
    Feed& feed;
    Control& control;
    DebugSwitch& debug_switch;
    PublishTraces& traces;
    const MemoryShortage& memory;
    std::function<bool()> draining;  // True: publishers are turned away.
    std::function<std::string_view(ReadyChecks)> why_not_ready;  // See AdminRoutes.
  };
  explicit Endpoints(Parts parts);

  // Opens both. `publish`: the socket that a service manager has opened, or none. Errors name the
  // key of the configuration.
  [[nodiscard]] Result<void> open(net::Fd publish);

  // Makes the metrics, of which the endpoints add their own. Requires: open() has succeeded.
  void show(MetricSources sources);

  // Sets who may publish, from the next request on. Requires: open() has succeeded.
  void set_peers(net::PeerList peers) { publish_routes_->set_peers(std::move(peers)); }

  // How fast each user may publish, likewise.
  void set_publish_rate(const CostRate& rate) { publish_routes_->set_rate(rate); }

  // The most bytes of a body that the admin endpoint takes, likewise; 0: it takes none.
  void set_admin_body(std::size_t bytes) { admin_server_->set_body_bytes_max(bytes); }

  // Whether a publisher waits for the next turn.
  bool publisher_waits() const { return publish_server_ && publish_server_->has_waiting(); }

  // How often an accept found no descriptor or memory. Requires: open() has succeeded.
  std::uint64_t starved_accepts() const;

  // Adds how often publish.connections_max and publish.rate were reached. Requires: open() has
  // succeeded.
  void add_times(LimitTimes& times) const;

  void close();

 private:
  Result<void> open_publish(net::Fd handed_in);
  Result<void> open_admin();

  Parts parts_;
  std::optional<net::UnixListener> publish_listener_;
  std::optional<net::UnixListener> admin_unix_listener_;
  std::optional<net::Listener> admin_tcp_listener_;
  std::optional<metrics::Catalogue> catalogue_;  // Refilled in place: the routes refer to it.
  std::optional<PublishRoutes> publish_routes_;
  std::optional<StatsViewers> viewers_;
  std::optional<TopicTails> tails_;
  std::optional<AdminRoutes> admin_routes_;
  std::optional<net::HttpServer> publish_server_;
  std::optional<net::HttpServer> admin_server_;
};

}  // namespace crier::cmd
