// The admin endpoint's pages, for an operator, a probe and Prometheus.
//
//   /metrics        Prometheus text, up to 500 ms old
//   /status         the same figures summed up, as JSON: see cmd/status
//   /healthz        200, answered by the control loop
//   /readyz         200, or 503 with the reason in a line; ?exclude=journal leaves a check out, see
//                   ready_checks.h
//   /stats          the figures once a second, as Server-Sent Events: see StatsViewers
//   /tail           the events of ?topic=…, a topic or a pattern, as they are published: see
//                   TopicTails; only if admin.debug is true
//   /               the dashboard: a page, its style and its scripts (see dashboard.h)
//   /debug/config   the configuration in force           these six only if admin.debug is true
//   /debug/workers  the workers' processors and numbers of streams
//   /debug/streams  ?limit=1..100 &after=<next of the last page>
//   /debug/topics   the same
//   /debug/trace    the last publishes that were followed, ?limit=1..100: see publish_traces.h
//   /debug/log      the debug rules in force; POST ?topic=… &address=… &seconds=1..3600 adds one,
//                   DELETE ?id=… ends one, DELETE without an id ends all
//   POST /publish   publishes one event, for the page at / alone; only if admin.publish is true
//
// If a worker does not answer in time, streams and topics are 503 with Retry-After. Every answer
// has an X-Trace-Id, and every error also has it in its body.
//
// All pages but /debug/log take GET and HEAD only and change nothing. Only /publish takes a body:
// an event as application/json, which PublishRoutes checks and answers as on the publish socket. It
// needs the Origin of the endpoint; pages of others can send neither that nor, unasked, that type.
// Where admin.publish is false there is no such path, and the server refuses bodies. A page answers
// 400 to a parameter that it does not know, unless its name begins with `_`. /metrics and
// /healthz ignore all parameters, /readyz all others, so that no scrape or probe fails because of
// an addition to its address.
//
// Pages of other servers must not reach the endpoint. A request is 403 if its Origin is not that of
// the endpoint, if it changes something and has any Origin (every POST and DELETE of a web page has
// one) other than /publish, or if a browser says that a page of another site needs it
// (Sec-Fetch-Site). A request whose Host is neither an address nor `localhost` nor in admin.hosts
// is 403, too: this stops DNS rebinding.
//
// Belongs to the control loop, and must outlive its server. An answer that waits for the workers
// uses only its Responder: WorkerQueries must make no more calls once the server is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broadcast/log/log.h"
#include "cmd/daemon/admin/ready_checks.h"
#include "cmd/daemon/admin/stats_viewers.h"
#include "cmd/daemon/admin/topic_tails.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/control/publish_traces.h"
#include "cmd/daemon/link/trace_id.h"
#include "cmd/daemon/link/worker_queries.h"
#include "config/config.h"
#include "core/instant.h"
#include "core/log.h"
#include "metrics/catalogue.h"
#include "net/http/http_handler.h"

namespace crier::cmd {

class AdminRoutes : public net::HttpHandler {
 public:
  // All references must outlive it.
  struct Parts {
    const crier::config::Config& config;  // The one in force; a reload assigns to it, on this loop.
    crier::metrics::Catalogue& catalogue;
    // One line, "draining", without looking at some checks. Empty: ready.
    std::function<std::string_view(ReadyChecks except)> why_not_ready;
    const broadcast::Log& log;
    WorkerQueries& workers;
    DebugSwitch& debug_switch;
    const PublishTraces& publishes;
    StatsViewers& viewers;
    TopicTails& tails;
    LogSink& refusals;  // Gets a line for each refusal; it must limit repeats.
    // Publishes the event that the dashboard sends, and answers.
    std::function<void(const net::HttpRequest&, const net::Responder&)> publish;
    std::uint64_t random_seed = 0;  // For the trace ids of requests without one.
    std::function<Instant()> now;
  };
  explicit AdminRoutes(Parts parts)
      : parts_(std::move(parts)), started_(parts_.now()), traces_(parts_.random_seed) {}

  void on_http_request(const net::HttpRequest& request, net::Responder responder) override;
  std::string on_http_refused(const net::Refusal& refusal, const net::HttpPeer& peer) override;

 private:
  class Answer;
  struct Route;
  static const Route* find(std::string_view path);

  void metrics(const net::Request& request, const Answer& answer);
  void status(const net::Request& request, const Answer& answer);
  void health(const net::Request& request, const Answer& answer);
  void ready(const net::Request& request, const Answer& answer);
  void stats(const net::Request& request, const Answer& answer);
  void tail(const net::Request& request, const Answer& answer);
  void dashboard(const net::Request& request, const Answer& answer);
  void config(const net::Request& request, const Answer& answer);
  void workers(const net::Request& request, const Answer& answer);
  void streams(const net::Request& request, const Answer& answer);
  void topics(const net::Request& request, const Answer& answer);
  void trace(const net::Request& request, const Answer& answer);
  void publish(const net::HttpRequest& request, const net::Responder& responder,
               const Answer& answer);
  void debug_log(const net::Request& request, const Answer& answer);
  void change_debug_log(const net::HttpRequest& request, const Answer& answer);

  Parts parts_;
  const Instant started_;  // For the uptime: a process may be older than the daemon that it runs.
  TraceIds traces_;
  std::string metrics_;  // The text of /metrics, kept for requests that follow soon.
  std::optional<Instant> metrics_at_;
};

}  // namespace crier::cmd
