// The configuration in the terms of each layer: no rule of its own, only names, units and types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broadcast/options.h"
#include "broadcast/topic_class.h"
#include "config/config.h"
#include "core/log.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "net/pending_requests.h"

namespace crier::cmd {

// What the subscriber port decides by; a copy in each worker.
struct SubscribePolicy {
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  bool patterns = false;
  bool refuse_with_status = false;
  std::size_t topics_per_stream_max = 64;
};

SubscribePolicy subscribe_policy(const config::Config& config);
std::shared_ptr<const broadcast::TopicClasses> topic_classes(const config::Config& config);
// Epoch, keys, seed and classes are the caller's to set.
broadcast::WorkerOptions worker_options(const config::Config& config, std::size_t streams_possible);
net::SocketOptions socket_options(const config::Config& config);
// `sockets`: what of socket_options() can be used.
net::ListenerOptions listener_options(const config::Config& config,
                                      const net::SocketOptions& sockets);
// `requests`: of all workers.
net::PendingLimits pending_limits(const config::Config& config, std::uint64_t requests,
                                  unsigned workers);
net::HttpServerOptions publish_server_options(const config::Config& config);
net::HttpServerOptions admin_server_options(const config::Config& config);
Level log_level(const config::Config& config);

}  // namespace crier::cmd
