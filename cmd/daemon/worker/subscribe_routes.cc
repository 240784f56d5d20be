#include "cmd/daemon/worker/subscribe_routes.h"

#include <utility>

#include "broadcast/streams/own_events.h"
#include "core/keyed_hash.h"
#include "core/text/escape.h"
#include "core/topic.h"
#include "net/http/client_address.h"
#include "net/http/head_refusals.h"
#include "net/http/negotiate.h"
#include "net/http/reply.h"
#include "net/loop/loop.h"
#include "net/socket/peer_address.h"

namespace crier::cmd {

// Why a request is refused for now: for lack of room, or because there are too many.
struct NotNow {
  RefusalReason reason;
  int status;
  std::string message;
  bool logged = true;
};

namespace {

constexpr std::string_view kAllow = "GET, HEAD, OPTIONS";
constexpr std::uint32_t kBusyRetryMsMin = 5'000;
constexpr std::uint32_t kBusyRetryMsMax = 30'000;

net::Reply closing(std::string bytes) {
  return {net::Reply::Then::close, std::move(bytes)};
}

NotNow not_now(broadcast::Refused refused, const SubscribePolicy& policy,
               const broadcast::Broadcaster& broadcaster) {
  switch (refused) {
    case broadcast::Refused::streams_max:
      return {RefusalReason::streams_max, 503,
              "As many streams are open as " + std::string(policy.streams_bound) + " allows."};
    case broadcast::Refused::streams_per_address_max:
      return {RefusalReason::streams_per_address_max, 429,
              "This address has as many streams open as limits.streams_per_address_max allows."};
    case broadcast::Refused::streams_per_topic_max:
      return {
          RefusalReason::streams_per_topic_max, 503,
          "One of these topics has as many streams open as limits.streams_per_topic_max allows."};
    case broadcast::Refused::class_streams_max:
      return {RefusalReason::class_streams_max, 503,
              "The row of `topics` for " + in_quotes(broadcaster.full_row().match) +
                  " has as many streams open as its streams_max allows."};
    case broadcast::Refused::topics_max:
      return {RefusalReason::topics_max, 503,
              "Streams are subscribed to as many topics as limits.topics_max allows."};
    case broadcast::Refused::patterns_max:
      return {RefusalReason::patterns_max, 503,
              "Streams are subscribed to as many patterns as limits.patterns_max allows."};
    case broadcast::Refused::memory:
      return {RefusalReason::memory, 503,
              "The server is short of memory: limits.memory_max is nearly reached."};
    case broadcast::Refused::draining:
      break;
  }
  return {RefusalReason::draining, 503, "The server is shutting down."};
}

std::string origin_refused(std::string_view origin) {
  if (origin != "null") return "The origin " + in_quotes(origin) + " is not in http.origins.";
  return "The origin null is never allowed, because any page can have it: serve the page over http "
         "or https, not as a file or in a sandboxed frame.";
}

// As net::PendingCounters counts a head that was refused.
RefusalReason reason_of_head(int status) {
  if (status == 400) return RefusalReason::malformed;
  if (status == 408) return RefusalReason::timeout;
  const bool too_large = status == 413 || status == 414 || status == 431;
  return too_large ? RefusalReason::too_large : RefusalReason::unsupported;
}

}  // namespace

SubscribeRoutes::SubscribeRoutes(const Parts& parts, const Identity& identity,
                                 SubscribePolicy policy)
    : parts_(parts),
      identity_(identity),
      policy_(std::move(policy)),
      random_(identity.random_seed),
      traces_(random_.next()) {}

// A trusted proxy is answered instead: it would pass a close on as a 502, after which an
// EventSource gives up.
bool SubscribeRoutes::turns_away(const net::PeerAddress& peer, Instant now) {
  return policy_.requests.breaks() && !policy_.proxies.contain(peer) &&
         parts_.requests.is_open(net::limit_key(peer), policy_.requests, now);
}

ProxyProtocol SubscribeRoutes::proxy_protocol(const net::PeerAddress& peer) const {
  return policy_.proxies.contain(peer) ? policy_.proxy_protocol : ProxyProtocol::off;
}

net::Reply SubscribeRoutes::on_request(const net::Request& request, const net::Accepted& connection,
                                       bool registered) {
  net::Accepted client = connection;
  // Where the PROXY protocol should name the client and does not, the header is the client's own:
  // the proxy passes bytes on as they are.
  const bool silent = connection.unnamed || (policy_.proxy_protocol == ProxyProtocol::required &&
                                             !connection.behind_proxy);
  if (!silent) client.peer = net::client_address(request, connection.peer, policy_.proxies);
  client.behind_proxy = client.behind_proxy || client.peer != connection.peer;
  Call call{request, client, registered};
  call.trace_id = net::trace_id_of(request);
  if (const auto refused = count_request(client.peer)) {
    call.cors = net::cors_of(request, net::judge_origin(request, policy_.origins));
    return refuse_for_now(call, *refused);
  }
  return serve(call);
}

net::Reply SubscribeRoutes::serve(Call& call) {
  const net::Request& request = call.request;
  if (!policy_.hosts.empty() && !net::host_allowed(request.host, policy_.hosts)) {
    return refuse(call, RefusalReason::forbidden,
                  {403, "host_not_allowed",
                   "The host " + in_quotes(request.host) + " is not in http.hosts."});
  }
  if (net::is_events_path(request.path)) return serve_events(call);
  if (request.path == "*") return answer_options(call);  // Only OPTIONS may have this path.
  if (request.method == net::Method::post || request.method == net::Method::other) {
    return refuse_method(call);
  }
  if (request.path != "/healthz") {
    return refuse(
        call, RefusalReason::not_found,
        {404, "not_found",
         "Streams are at /events?topic=NAME or /events/NAME; see crier-http(7). /metrics and "
         "/status are on the admin endpoint."});
  }
  if (request.method == net::Method::options) return answer_options(call);
  const bool head_only = request.method == net::Method::head;
  return {request.keep_alive ? net::Reply::Then::keep_alive : net::Reply::Then::close,
          net::text_reply(200, "text/plain; charset=utf-8", "ok\n",
                          {.keep_alive = request.keep_alive, .head_only = head_only})};
}

net::Reply SubscribeRoutes::serve_events(Call& call) {
  const net::Request& request = call.request;
  const net::OriginVerdict verdict = net::judge_origin(request, policy_.origins);
  if (verdict == net::OriginVerdict::refused) {
    return refuse(call, RefusalReason::forbidden,
                  {403, "origin_not_allowed", origin_refused(request.origin)});
  }
  call.cors = net::cors_of(request, verdict);
  if (request.method == net::Method::options) return answer_options(call);
  if (request.method != net::Method::get && request.method != net::Method::head) {
    return refuse_method(call);
  }
  if (!net::accepts_event_stream(request)) {
    return refuse(call, RefusalReason::not_acceptable,
                  {406, "not_acceptable", "Accept must allow text/event-stream."});
  }
  const auto wanted = net::parse_subscribe_request(request, policy_.topics_per_stream_max);
  if (!wanted) {
    const net::SubscribeRefusal& why = wanted.error();
    return refuse(call, RefusalReason::malformed, {400, why.code, why.message});
  }
  for (const Selector& topic : wanted->topics) {
    if (!policy_.patterns && topic.is_pattern()) {
      return refuse(call, RefusalReason::forbidden,
                    {403, "patterns_denied",
                     in_quotes(topic.text) + " is a pattern; subscribe.patterns is deny."});
    }
    if (!parts_.classes.may_subscribe(topic)) {
      return refuse(
          call, RefusalReason::forbidden,
          {403, "topic_denied",
           in_quotes(topic.text) +
               " may not be subscribed to: its row of `topics` says \"subscribe\": false."});
    }
  }
  const broadcast::ResumePlan resume = plan(*wanted);
  if (parts_.broadcaster.is_over(wanted->topics, resume)) return answer_closed(call);
  if (request.method == net::Method::head) return answer_head(call);
  return open_stream(call, *wanted, resume);
}

// This status tells an EventSource to stop. It takes no slot, so a full server gives it, too. A
// page of another origin must be allowed to see it, or its EventSource would go on trying.
net::Reply SubscribeRoutes::answer_closed(const Call& call) {
  parts_.refusals.add(RefusalReason::closed);
  const bool keep_alive = call.request.keep_alive;
  const std::string trace = traces_.of(call.request);
  return {keep_alive ? net::Reply::Then::keep_alive : net::Reply::Then::close,
          net::empty_reply({.keep_alive = keep_alive, .trace_id = trace, .cors = call.cors})};
}

net::Reply SubscribeRoutes::open_stream(const Call& call, const net::SubscribeRequest& wanted,
                                        const broadcast::ResumePlan& resume) {
  const Instant now = net::Loop::now();
  const net::PeerAddress& client = call.connection.peer;
  // A proxy that does not name its clients is not one client.
  const bool is_proxy = policy_.proxies.contain(client);
  const auto key = net::limit_key(client);
  const auto token = parts_.broadcaster.reserve(is_proxy ? std::nullopt : std::optional(key), now);
  if (!token) return refuse_for_now(call, not_now(token.error(), policy_, parts_.broadcaster));
  if (call.connection.behind_proxy) parts_.names.set_client(*token, client);
  const std::string trace =
      call.trace_id.empty() ? parts_.names.trace_id(*token) : std::string(call.trace_id);
  const std::string head =
      net::stream_head({.http_1_0 = call.request.http_1_0, .trace_id = trace, .cors = call.cors});
  broadcast::StartRequest start;
  start.connection = parts_.io.handle_of(call.connection, call.registered);
  start.head = head;
  start.framing = call.request.http_1_0 ? Framing::plain : Framing::chunked;
  start.padding = wanted.padding;
  start.rate = wanted.rate;
  start.consumer = {.throughput = wanted.consumer_throughput, .lag = wanted.consumer_lag};
  start.subscriptions = wanted.topics;
  start.resume = resume;
  start.requested = call.connection.since;
  if (!is_proxy) {
    start.address_hash =
        keyed_hash(identity_.trace_key, {reinterpret_cast<const char*>(key.data()), key.size()});
  }
  start.trace_id = call.trace_id;
  start.canary = call.connection.canary;
  if (const auto started = parts_.broadcaster.start(*token, start, now); !started) {
    return refuse_for_now(call, not_now(started.error(), policy_, parts_.broadcaster));
  }
  return {net::Reply::Then::taken, {}};
}

broadcast::ResumePlan SubscribeRoutes::plan(const net::SubscribeRequest& wanted) const {
  const std::uint64_t head = parts_.log_head.load(std::memory_order_acquire);
  if (wanted.resume == net::Resume::none || wanted.resume == net::Resume::id) {
    return broadcast::plan_resume(wanted.resume_id, identity_.epoch, head, identity_.other_nodes);
  }
  broadcast::ResumePlan plan;
  plan.kind = broadcast::ResumePlan::Kind::replay;
  plan.from = wanted.resume == net::Resume::earliest ? broadcast::ReplayFrom::earliest
                                                     : broadcast::ReplayFrom::last;
  plan.last_count = wanted.last_count;
  return plan;
}

net::Reply SubscribeRoutes::answer_options(const Call& call) const {
  const bool keep_alive = call.request.keep_alive;
  const auto then = keep_alive ? net::Reply::Then::keep_alive : net::Reply::Then::close;
  if (net::is_preflight(call.request) && !call.cors.origin.empty()) {
    return {then, net::preflight_reply(call.request, call.cors)};
  }
  return {then, net::options_reply(kAllow, {.keep_alive = keep_alive})};
}

// Sends the head of a stream without opening one. No body follows, so the connection may be kept.
net::Reply SubscribeRoutes::answer_head(const Call& call) {
  const std::string trace = traces_.of(call.request);
  const bool keep_alive = call.request.keep_alive && !call.request.http_1_0;
  return {
      keep_alive ? net::Reply::Then::keep_alive : net::Reply::Then::close,
      net::stream_head({.http_1_0 = call.request.http_1_0, .trace_id = trace, .cors = call.cors})};
}

net::Reply SubscribeRoutes::refuse(const Call& call, RefusalReason reason,
                                   const net::Refusal& refusal, std::string_view allow) {
  parts_.refusals.add(reason);
  const std::string trace = traces_.of(call.request);
  const bool missing = reason == RefusalReason::not_found;
  parts_.tell_refused({reason, refusal, call.connection.peer, call.request.origin, trace,
                       missing ? call.request.path : std::string_view()});
  net::ReplyOptions options;
  options.allow = allow;
  options.trace_id = trace;
  options.cors = call.cors;
  options.head_only = call.request.method == net::Method::head;
  return closing(net::error_reply(refusal, trace, options));
}

net::Reply SubscribeRoutes::refuse_method(const Call& call) {
  return refuse(call, RefusalReason::method, net::refusals::kNotPublishing, kAllow);
}

// Counts a request for its client's address. Returns why it is refused, if it is.
std::optional<NotNow> SubscribeRoutes::count_request(const net::PeerAddress& client) {
  if (policy_.requests.rate.unlimited() || policy_.proxies.contain(client)) return std::nullopt;
  const RequestLimit& limit = policy_.requests;
  switch (parts_.requests.ask(net::limit_key(client), limit, net::Loop::now())) {
    case RequestLimiter::Verdict::allowed:
      return std::nullopt;
    case RequestLimiter::Verdict::open:
      return NotNow{RefusalReason::breaker, 429,
                    "This address sent too many requests; for limits.breaker_seconds none of its "
                    "requests is served.",
                    /*logged=*/false};
    case RequestLimiter::Verdict::opened: {
      net::PeerAddress address = client;
      address.port = 0;
      parts_.tell_shut_out({net::to_string(address), limit.breaker_seconds});
      break;
    }
    case RequestLimiter::Verdict::refused:
      break;
  }
  return NotNow{RefusalReason::requests_per_address, 429,
                "This address sends more requests than limits.requests_per_address allows."};
}

// An EventSource never reconnects after an error status, so it gets the event crier.busy with a
// retry time instead.
net::Reply SubscribeRoutes::refuse_for_now(const Call& call, const NotNow& why) {
  parts_.refusals.add(why.reason);
  const net::Refusal refusal{why.status, to_string(why.reason), why.message};
  const std::string trace = traces_.of(call.request);
  const bool for_longer = why.reason == RefusalReason::memory;
  const std::uint32_t retry_ms =
      for_longer ? random_.between(broadcast::kLongRetryMsMin, broadcast::kLongRetryMsMax)
                 : random_.between(kBusyRetryMsMin, kBusyRetryMsMax);
  const net::Method method = call.request.method;
  const bool busy = !policy_.refuse_with_status && method == net::Method::get &&
                    net::names_event_stream(call.request);
  if (why.logged) {
    parts_.tell_refused({why.reason,
                         {busy ? 200 : why.status, refusal.code, refusal.message},
                         call.connection.peer,
                         call.request.origin,
                         trace});
  }
  if (busy) {
    return closing(net::busy_reply(refusal, retry_ms, trace, call.cors));
  }
  return closing(net::status_reply(refusal, (retry_ms + 999) / 1'000, trace, call.cors,
                                   method == net::Method::head));
}

std::string SubscribeRoutes::on_refused(const net::Refusal& refusal, const net::PeerAddress& peer) {
  net::ReplyOptions options;
  if (refusal.status == 405) options.allow = kAllow;
  const std::string trace = traces_.make();
  const auto over_limit = count_request(peer);  // The head is refused in any case.
  if (!over_limit || over_limit->logged) {
    parts_.tell_refused({reason_of_head(refusal.status), refusal, peer, {}, trace});
  }
  options.trace_id = trace;
  return net::error_reply(refusal, trace, options);
}

}  // namespace crier::cmd
