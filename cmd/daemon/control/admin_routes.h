// The admin endpoint's pages: what an operator, a probe and Prometheus ask.
//
//   /metrics        Prometheus text, up to 500 ms old
//   /status         the same figures summed up, as JSON: see status_json.h
//   /healthz        200: the control loop turns
//   /readyz         200, or 503 with the reason in a word
//   /               a page with links
//   /debug/config   what is in force                         these five where admin.debug is true
//   /debug/workers  their processors, and how many streams each has
//   /debug/streams  ?limit=1..100 &after=<next of the last page>
//   /debug/topics   the same
//   /debug/log      which streams are logged one by one; POST ?topic=… &address=… &seconds=1..3600
//                   adds a rule, DELETE ?id=… ends it, or all without an id
//
// Where a worker does not answer in time, streams and topics are 503 with Retry-After. Every answer
// has an X-Trace-Id, and every error names it.
//
// GET and HEAD only, without a body, and nothing here changes anything but what /debug/log says.
// Parameters that a page does not know are 400, as elsewhere, unless they begin with `_`; /healthz
// and /readyz look at none, so that no probe fails because of what is added to its address.
// Web pages must not
// reach it: a request with an Origin, which every POST and DELETE of theirs has, is 403, and so is
// one whose Host is no address, no `localhost` and not in admin.hosts, which is how a page gets
// around that by DNS rebinding.
//
// Belongs to the control loop; it outlives the server it serves. An answer that waits for the
// workers refers to nothing here, only to its Responder: WorkerQueries must be quiet once the
// server is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/link/trace_id.h"
#include "cmd/daemon/link/worker_queries.h"
#include "config/config.h"
#include "core/instant.h"
#include "metrics/catalogue.h"
#include "net/http/http_handler.h"

namespace crier::cmd {

class AdminRoutes : public net::HttpHandler {
 public:
  // All outlive it.
  struct Parts {
    const crier::config::Config& config;  // The one in force: a reload assigns to it, on this loop.
    crier::metrics::Catalogue& catalogue;
    std::function<std::string_view()> why_not_ready;  // One line, "draining". Empty: ready.
    const broadcast::Log& log;
    WorkerQueries& workers;
    DebugSwitch& debug_switch;
    std::uint64_t random_seed = 0;  // Of the trace ids of those who bring none.
    std::function<Instant()> now;
  };
  explicit AdminRoutes(Parts parts) : parts_(std::move(parts)), traces_(parts_.random_seed) {}

  void on_http_request(const net::HttpRequest& request, net::Responder responder) override;
  std::string on_http_refused(const net::Refusal& refusal) override;

 private:
  class Answer;
  struct Route;
  static const Route* find(std::string_view path);

  void metrics(const net::Request& request, const Answer& answer);
  void status(const net::Request& request, const Answer& answer);
  void health(const net::Request& request, const Answer& answer);
  void ready(const net::Request& request, const Answer& answer);
  void index(const net::Request& request, const Answer& answer);
  void config(const net::Request& request, const Answer& answer);
  void workers(const net::Request& request, const Answer& answer);
  void streams(const net::Request& request, const Answer& answer);
  void topics(const net::Request& request, const Answer& answer);
  void debug_log(const net::Request& request, const Answer& answer);
  void change_debug_log(const net::HttpRequest& request, const Answer& answer);

  Parts parts_;
  TraceIds traces_;
  std::string metrics_;  // The text of /metrics, kept for requests that follow soon.
  std::optional<Instant> metrics_at_;
};

}  // namespace crier::cmd
