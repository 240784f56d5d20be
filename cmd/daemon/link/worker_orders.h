// The orders of control to a worker: reload, debug rules, drain, stop. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/streams/options.h"
#include "cmd/daemon/link/debug_rules.h"
#include "cmd/daemon/link/messages.h"
#include "core/proxies.h"
#include "core/request_limiter.h"
#include "net/http/client_address.h"
#include "net/socket/socket_options.h"

namespace crier::cmd {

// The settings of the subscriber port; each worker has a copy.
struct SubscribePolicy {
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  net::TrustedProxies proxies;
  ProxyProtocol proxy_protocol = ProxyProtocol::off;  // Of connections from `proxies`.
  bool patterns = false;
  bool refuse_with_status = false;
  std::size_t topics_per_stream_max = 64;
  RequestLimit requests;           // Of one client address.
  std::string_view streams_bound;  // What allows no more streams, a constant; not of a reload.
};

// The settings that a reload changes in a worker.
struct WorkerReload {
  broadcast::WorkerOptions options;
  SubscribePolicy policy;
  std::optional<std::uint32_t> notes_per_second;  // As in WorkerSetup.
  net::SocketPlan sockets;
};

// Orders that the worker has not carried out yet, at most one of each kind.
struct WorkerOrders {
  std::optional<WorkerReload> reload;
  DebugRules debug;  // Null: the rules stay as they are.
  std::optional<std::uint32_t> drain_spread_ms;
  bool ids_end = false;  // With the drain: see Broadcaster::begin_drain().
  bool stop = false;
  // Tasks that the worker sends back to control after the orders above.
  std::vector<ControlTask> carried_out;
};

}  // namespace crier::cmd
