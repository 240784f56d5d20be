#include "cmd/daemon/settings.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "broadcast/streams/ring_pool.h"
#include "config/budget.h"
#include "core/free_indices.h"
#include "net/http/http_server.h"

namespace crier::cmd {
namespace {

// The bound of one topic's history where its row has none.
std::uint64_t topic_bytes_max(const config::History& history) {
  return history.topic_bytes_max == 0 ? std::numeric_limits<std::uint64_t>::max()
                                      : history.topic_bytes_max;
}

broadcast::TopicClass class_of(const config::Config& config, const config::TopicRow& row) {
  broadcast::TopicClass made;
  made.match = row.match;
  made.history.events_max = row.events_max.value_or(config.history.events_max);
  made.history.bytes_max = row.bytes_max.value_or(topic_bytes_max(config.history));
  made.history.age_seconds_max = row.age_seconds_max.value_or(config.history.age_seconds_max);
  made.policy = row.policy.value_or(config.overflow.policy);
  made.rate = TokenRate::of(row.rate.value_or(config.limits.events_per_second),
                            row.burst.value_or(config.limits.events_burst));
  made.bytes_rate = {row.bytes_rate.value_or(config.limits.bytes_per_second),
                     row.bytes_burst.value_or(config.limits.bytes_burst)};
  made.subscribe = row.subscribe.value_or(true);
  made.streams_max = row.streams_max.value_or(0);
  return made;
}

net::TrustedProxies trusted_proxies(const config::Http& http) {
  net::TrustedProxies trusted;
  for (const std::string& text : http.trusted_proxies) {
    trusted.ranges.push_back(net::AddressRange::parse(text).value());  // A rule has checked it.
  }
  trusted.header = http.client_address_from;
  return trusted;
}

RequestLimit request_limit(const config::Limits& limits) {
  return {.rate = {limits.requests_per_address, limits.requests_per_address_burst},
          .breaker_seconds = limits.breaker_seconds};
}

}  // namespace

SubscribePolicy subscribe_policy(const config::Config& config, std::string_view streams_bound) {
  return {.hosts = config.http.hosts,
          .origins = config.http.origins,
          .proxies = trusted_proxies(config.http),
          .proxy_protocol = config.http.proxy_protocol,
          .patterns = config.subscribe.patterns == config::Patterns::allow,
          .refuse_with_status = config.limits.refuse_with == config::RefuseWith::status,
          .topics_per_stream_max = config.limits.topics_per_stream_max,
          .requests = request_limit(config.limits),
          .streams_bound = streams_bound};
}

std::optional<std::uint32_t> notes_per_second(const config::Config& config) {
  if (config.log.level > Level::debug) return std::nullopt;
  return config.log.connections_per_second;
}

static_assert(config::kLingerSlots == net::kLingerSlots);

std::shared_ptr<const broadcast::TopicClasses> topic_classes(const config::Config& config) {
  std::vector<broadcast::TopicClass> rows;
  rows.reserve(config.topics.size());
  for (const config::TopicRow& row : config.topics) rows.push_back(class_of(config, row));
  return std::make_shared<const broadcast::TopicClasses>(class_of(config, config::TopicRow{}),
                                                         std::move(rows));
}

std::size_t topics_listed_most(const config::Config& config, std::uint64_t streams,
                               unsigned workers) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 28;  // The most that a table counts.
  const std::uint64_t of_workers = (std::uint64_t{config.limits.topics_max} + 1) * workers;
  const std::uint64_t of_streams = streams * config.limits.topics_per_stream_max;
  return static_cast<std::size_t>(
      std::max<std::uint64_t>(1, std::min({of_workers, of_streams, kMost})));
}

broadcast::WorkerOptions worker_options(const config::Config& config,
                                        std::size_t streams_possible) {
  const config::Limits& limits = config.limits;
  broadcast::WorkerOptions options;
  options.streams_max = streams_possible;
  options.topics_max =
      std::min<std::size_t>(std::size_t{limits.topics_max} + 1, FreeIndices::kCapacityMax);
  options.patterns_max = limits.patterns_max;
  options.owed_events_max = limits.owed_events_max;
  options.ring_frames_max =
      std::max(broadcast::RingPool::kSmallest, std::bit_ceil(limits.owed_events_max));
  options.owed_bytes_max = limits.owed_bytes_max;
  options.owed_total_bytes_max = limits.owed_total_bytes_max;
  options.ring_bytes_max = limits.ring_bytes_max;
  options.owing_seconds_max = limits.owing_seconds_max;
  options.heartbeat_seconds = config.heartbeat.interval_seconds;
  options.stream_seconds_max = limits.stream_seconds_max;
  options.replay_bytes_in_flight_max = limits.replay_bytes_in_flight_max;
  return options;
}

net::SocketOptions socket_options(const config::Config& config) {
  const config::Socket& socket = config.socket;
  net::SocketOptions options;
  options.no_delay = socket.no_delay;
  options.send_buffer_bytes = static_cast<int>(socket.send_buffer_bytes);
  options.unsent_bytes_low_water = static_cast<int>(socket.unsent_low_water_bytes);
  options.user_timeout_ms = static_cast<int>(socket.user_timeout_seconds * 1'000);
  options.busy_poll_us = static_cast<int>(socket.busy_poll_microseconds);
  options.congestion_control = socket.congestion_control;
  return options;
}

net::ListenerOptions listener_options(const config::Config& config,
                                      const net::SocketOptions& sockets) {
  const config::Socket& socket = config.socket;
  net::ListenerOptions options;
  options.backlog = static_cast<int>(config.http.backlog);
  options.defer_accept_seconds = static_cast<int>(socket.defer_accept_seconds);
  options.sockets = sockets;
  options.keepalive_idle_seconds = static_cast<int>(socket.keepalive_idle_seconds);
  options.keepalive_interval_seconds = static_cast<int>(socket.keepalive_interval_seconds);
  options.keepalive_probes = static_cast<int>(socket.keepalive_probes);
  return options;
}

net::PendingLimits pending_limits(const config::Config& config, std::uint64_t requests,
                                  unsigned workers) {
  net::PendingLimits limits;
  limits.capacity = std::max<std::size_t>(1, requests / workers);
  limits.head_ms = config.limits.pending_seconds_max * 1'000;
  return limits;
}

CostRate publish_rate(const config::Config& config) {
  return {config.publish.rate, config.publish.burst};
}

// Without admin.debug the traces cannot be read, so crier makes none.
std::uint32_t trace_every(const config::Config& config) {
  return config.admin.debug ? config.admin.trace_every : 0;
}

std::optional<std::uint64_t> limit_value(Limit limit, const config::Config& config,
                                         std::uint64_t streams, std::uint64_t requests) {
  const config::Limits& limits = config.limits;
  switch (limit) {
    case Limit::streams_max:
      return streams;
    case Limit::streams_per_topic_max:
      return limits.streams_per_topic_max;
    case Limit::class_streams_max:
      break;
    case Limit::topics_max:
      return limits.topics_max;
    case Limit::patterns_max:
      return limits.patterns_max;
    case Limit::pending_requests_max:
      return requests;
    case Limit::owed_total_bytes_max:
      return limits.owed_total_bytes_max;
    case Limit::publish_connections_max:
      return config.publish.connections_max;
    case Limit::publish_rate:
      return config.publish.rate;
  }
  return std::nullopt;
}

net::HttpServerOptions publish_server_options(const config::Config& config) {
  net::HttpServerOptions options;
  options.head.bodies = true;
  options.body_bytes_max = config.limits.request_bytes_max;
  options.connections_max = config.publish.connections_max;
  options.pipelined_max = config.publish.pipelined_max;
  return options;
}

net::HttpServerOptions admin_server_options(const config::Config& config) {
  net::HttpServerOptions options;
  // The server refuses bodies where admin.publish is false; a reload may change that.
  options.head.bodies = true;
  options.head.empty_posts = true;
  options.body_bytes_max = config::admin_body_bytes_max(config);
  options.connections_max = config.admin.connections_max;
  return options;
}

}  // namespace crier::cmd
