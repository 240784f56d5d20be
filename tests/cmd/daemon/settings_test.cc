// No two settings have the same value here, so a test fails if one reaches another's option.
#include "cmd/daemon/settings.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

TEST_CASE("the socket options of the configuration are the listener's") {
  config::Config config;
  config.http.backlog = 11;
  config.socket = {.no_delay = false,
                   .send_buffer_bytes = 12,
                   .unsent_low_water_bytes = 13,
                   .user_timeout_seconds = 14,
                   .busy_poll_microseconds = 19,
                   .congestion_control = "name",
                   .keepalive_idle_seconds = 15,
                   .keepalive_interval_seconds = 16,
                   .keepalive_probes = 17,
                   .defer_accept_seconds = 18};
  const net::SocketOptions sockets = socket_options(config);
  CHECK_FALSE(sockets.no_delay);
  CHECK(sockets.send_buffer_bytes == 12);
  CHECK(sockets.unsent_bytes_low_water == 13);
  CHECK(sockets.user_timeout_ms == 14'000);
  CHECK(sockets.busy_poll_us == 19);
  CHECK(sockets.congestion_control == "name");
  const net::ListenerOptions options = listener_options(config, sockets);
  CHECK(options.backlog == 11);
  CHECK(options.sockets == sockets);
  CHECK(options.keepalive_idle_seconds == 15);
  CHECK(options.keepalive_interval_seconds == 16);
  CHECK(options.keepalive_probes == 17);
  CHECK(options.defer_accept_seconds == 18);
}

TEST_CASE("the limits of streams are the worker's") {
  config::Config config;
  config.limits.topics_max = 21;
  config.limits.patterns_max = 22;
  config.limits.owed_events_max = 23;
  config.limits.owed_bytes_max = 24;
  config.limits.owed_total_bytes_max = 25;
  config.limits.ring_bytes_max = 26;
  config.limits.owing_seconds_max = 27;
  config.limits.stream_seconds_max = 28;
  config.limits.replay_bytes_in_flight_max = 29;
  config.heartbeat.interval_seconds = 30;
  const broadcast::WorkerOptions options = worker_options(config, 31);
  CHECK(options.topics_max == 22);  // One more than needed.
  CHECK(options.patterns_max == 22);
  CHECK(options.owed_events_max == 23);
  CHECK(options.ring_frames_max == 32);  // A power of two.
  CHECK(options.owed_bytes_max == 24);
  CHECK(options.owed_total_bytes_max == 25);
  CHECK(options.ring_bytes_max == 26);
  CHECK(options.owing_seconds_max == 27);
  CHECK(options.stream_seconds_max == 28);
  CHECK(options.replay_bytes_in_flight_max == 29);
  CHECK(options.heartbeat_seconds == 30);
  CHECK(options.streams_max == 31);
}

TEST_CASE("the limits of requests are their servers', each worker its part") {
  config::Config config;
  config.limits.pending_seconds_max = 41;
  config.limits.request_bytes_max = 4'200;
  config.publish.connections_max = 43;
  config.admin.connections_max = 44;
  config.publish.pipelined_max = 45;
  CHECK(pending_limits(config, 300, 3).capacity == 100);
  CHECK(pending_limits(config, 2, 3).capacity == 1);
  CHECK(pending_limits(config, 300, 3).head_ms == 41'000);
  const net::HttpServerOptions publish = publish_server_options(config);
  CHECK(publish.head.bodies);
  CHECK(publish.body_bytes_max == 4'200);
  CHECK(publish.connections_max == 43);
  CHECK(publish.pipelined_max == 45);
  const net::HttpServerOptions admin = admin_server_options(config);
  CHECK(admin.head.empty_posts);
  CHECK(admin.body_bytes_max == 0);
  CHECK(admin.connections_max == 44);
  config.admin.publish = true;
  CHECK(admin_server_options(config).body_bytes_max == 4'200);
  config.limits.event_bytes_max = 10;
  CHECK(admin_server_options(config).body_bytes_max == 4'116);
}

TEST_CASE("the value of a limit is the one in force, and rows of topics have none in common") {
  config::Config config;
  config.limits.streams_per_topic_max = 51;
  config.limits.topics_max = 52;
  config.limits.patterns_max = 53;
  config.limits.owed_total_bytes_max = 54;
  config.publish.connections_max = 55;
  config.publish.rate = 56;
  const auto value = [&](Limit limit) { return limit_value(limit, config, 57, 58); };
  CHECK(value(Limit::streams_max) == 57);
  CHECK(value(Limit::streams_per_topic_max) == 51);
  CHECK_FALSE(value(Limit::class_streams_max));
  CHECK(value(Limit::topics_max) == 52);
  CHECK(value(Limit::patterns_max) == 53);
  CHECK(value(Limit::pending_requests_max) == 58);
  CHECK(value(Limit::owed_total_bytes_max) == 54);
  CHECK(value(Limit::publish_connections_max) == 55);
  CHECK(value(Limit::publish_rate) == 56);
}

TEST_CASE("a row of topics is a class, and what it leaves out is as for all") {
  config::Config config;
  config.history = {.events_max = 51, .bytes_max = 52, .age_seconds_max = 53};
  config.overflow.policy = OverflowPolicy::disconnect;
  config.limits.events_per_second = 10;
  config.limits.events_burst = 54;
  config.limits.bytes_per_second = 55;
  config.limits.bytes_burst = 56;
  config.topics.push_back({.match = "given.>",
                           .events_max = 61,
                           .bytes_max = 62,
                           .age_seconds_max = 63,
                           .policy = OverflowPolicy::drop_oldest,
                           .rate = 100,
                           .burst = 64,
                           .bytes_rate = 66,
                           .subscribe = false,
                           .streams_max = 65});
  config.topics.push_back({.match = "left.out"});
  const auto classes = topic_classes(config);
  const broadcast::TopicClass& given = (*classes)[classes->of_topic("given.a")];
  CHECK(given.history.events_max == 61);
  CHECK(given.history.bytes_max == 62);
  CHECK(given.history.age_seconds_max == 63);
  CHECK(given.policy == OverflowPolicy::drop_oldest);
  CHECK(given.rate.interval_us == 10'000);
  CHECK(given.rate.credit_us == 640'000);
  CHECK(given.bytes_rate.per_second == 66);
  CHECK(given.bytes_rate.burst == 56);
  CHECK_FALSE(given.subscribe);
  CHECK(given.streams_max == 65);
  for (const char* topic : {"left.out", "in.no.row"}) {
    CAPTURE(topic);
    const broadcast::TopicClass& of_all = (*classes)[classes->of_topic(topic)];
    CHECK(of_all.history.events_max == 51);
    CHECK(of_all.history.bytes_max > 52);  // 52 bounds the whole history.
    CHECK(of_all.history.age_seconds_max == 53);
    CHECK(of_all.policy == OverflowPolicy::disconnect);
    CHECK(of_all.rate.interval_us == 100'000);
    CHECK(of_all.rate.credit_us == 5'400'000);
    CHECK(of_all.bytes_rate.per_second == 55);
    CHECK(of_all.subscribe);
    CHECK(of_all.streams_max == 0);
  }
}

TEST_CASE("the bytes of one topic's history are those of its row, or else of all topics") {
  config::Config config;
  config.topics.push_back({.match = "given", .bytes_max = 62});
  config.topics.push_back({.match = "none", .bytes_max = 0});
  config.topics.push_back({.match = "left.out"});
  const auto bytes_max = [&](const char* topic) {
    const auto classes = topic_classes(config);
    return (*classes)[classes->of_topic(topic)].history.bytes_max;
  };
  CHECK(bytes_max("left.out") == std::numeric_limits<std::uint64_t>::max());
  config.history.topic_bytes_max = 70;
  CHECK(bytes_max("left.out") == 70);
  CHECK(bytes_max("in.no.row") == 70);
  CHECK(bytes_max("given") == 62);
  CHECK(bytes_max("none") == 0);
}

TEST_CASE("the table of topics has room for what all workers can list") {
  config::Config config;
  config.limits.topics_max = 9;
  config.limits.topics_per_stream_max = 4;
  CHECK(topics_listed_most(config, 1'000, 3) == 30);
  CHECK(topics_listed_most(config, 2, 3) == 8);
  config.limits.topics_max = 16'000'000;
  CHECK(topics_listed_most(config, 1'000'000'000, 1'024) == std::size_t{1} << 28);
}

TEST_CASE("the settings of the subscriber port") {
  config::Config config;
  CHECK_FALSE(subscribe_policy(config, {}).patterns);
  CHECK_FALSE(subscribe_policy(config, {}).refuse_with_status);
  CHECK(subscribe_policy(config, {}).requests.rate.unlimited());
  config.http.hosts = {"h"};
  CHECK(subscribe_policy(config, {}).proxies.ranges.empty());
  CHECK(subscribe_policy(config, {}).proxy_protocol == ProxyProtocol::off);
  CHECK(subscribe_policy(config, {}).proxies.header == ClientHeader::x_forwarded_for);
  config.http.origins = {"https://o"};
  config.http.trusted_proxies = {"10.0.0.0/8", "::1"};
  config.http.client_address_from = ClientHeader::forwarded;
  config.http.proxy_protocol = ProxyProtocol::required;
  config.subscribe.patterns = config::Patterns::allow;
  config.limits.refuse_with = config::RefuseWith::status;
  config.limits.topics_per_stream_max = 71;
  config.limits.requests_per_address = 72;
  config.limits.requests_per_address_burst = 73;
  config.limits.breaker_seconds = 74;
  const SubscribePolicy policy = subscribe_policy(config, "the bound");
  CHECK(policy.hosts == config.http.hosts);
  CHECK(policy.origins == config.http.origins);
  REQUIRE(policy.proxies.ranges.size() == 2);
  CHECK(policy.proxies.ranges[1].text() == "::1");
  CHECK(policy.proxies.header == ClientHeader::forwarded);
  CHECK(policy.proxy_protocol == ProxyProtocol::required);
  CHECK(policy.patterns);
  CHECK(policy.refuse_with_status);
  CHECK(policy.topics_per_stream_max == 71);
  CHECK(policy.requests == RequestLimit{{72, 73}, 74});
  CHECK(policy.streams_bound == "the bound");
}

}  // namespace
}  // namespace crier::cmd
