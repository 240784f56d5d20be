// Converts the configuration into the types of each layer. Only names, units and types change here.
// Pure functions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "broadcast/log/topic_class.h"
#include "broadcast/streams/options.h"
#include "cmd/daemon/limit_watch.h"
#include "cmd/daemon/link/worker_orders.h"
#include "config/config.h"
#include "core/cost_bucket.h"
#include "net/http/http_server.h"
#include "net/pending/pending_requests.h"
#include "net/socket/listener.h"

namespace crier::cmd {

// `streams_bound`: Fit::bound.
SubscribePolicy subscribe_policy(const config::Config& config, std::string_view streams_bound);

// How many lines about single streams a worker may send in a second; nothing: log.level leaves out
// all of them.
std::optional<std::uint32_t> notes_per_second(const config::Config& config);

std::shared_ptr<const broadcast::TopicClasses> topic_classes(const config::Config& config);
// Epoch, keys, seed and classes are the caller's to set.
broadcast::WorkerOptions worker_options(const config::Config& config, std::size_t streams_possible);
// How many different topics the workers can list together.
std::size_t topics_listed_most(const config::Config& config, std::uint64_t streams,
                               unsigned workers);
net::SocketOptions socket_options(const config::Config& config);
// `sockets`: those of socket_options() that can be used.
net::ListenerOptions listener_options(const config::Config& config,
                                      const net::SocketOptions& sockets);
// `requests`: of all workers.
net::PendingLimits pending_limits(const config::Config& config, std::uint64_t requests,
                                  unsigned workers);
CostRate publish_rate(const config::Config& config);
std::uint32_t trace_every(const config::Config& config);
// The value of a limit in force; nothing for the rows of `topics`, of which each has its own.
// `streams` and `requests`: of all workers, as the system allows them.
std::optional<std::uint64_t> limit_value(Limit limit, const config::Config& config,
                                         std::uint64_t streams, std::uint64_t requests);
net::HttpServerOptions publish_server_options(const config::Config& config);
net::HttpServerOptions admin_server_options(const config::Config& config);

}  // namespace crier::cmd
