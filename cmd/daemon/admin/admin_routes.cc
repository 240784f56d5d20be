#include "cmd/daemon/admin/admin_routes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cmd/daemon/admin/dashboard.h"
#include "cmd/daemon/admin/debug_json.h"
#include "cmd/daemon/control/body_type.h"
#include "cmd/daemon/control/page_query.h"
#include "cmd/daemon/control/refusal_log.h"
#include "cmd/daemon/control/topic_pages.h"
#include "cmd/status/status_json.h"
#include "config/reference.h"
#include "core/check.h"
#include "core/text/percent.h"
#include "metrics/exporter.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"
#include "net/http/negotiate.h"
#include "net/http/reply.h"
#include "net/loop/loop.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kAllow = "GET, HEAD";
constexpr std::string_view kAllowChanges = "GET, HEAD, POST, DELETE";
constexpr std::uint64_t kMetricsMicros = 500'000;
constexpr std::size_t kExcludedMax = 32;
constexpr std::string_view kUnknownCheck =
    "\nwarning: `exclude` may be draining, memory, journal, full or descriptors\n";
static_assert(kNamesOf<ReadyCheck>.size() == 5);

constexpr net::Refusal kWrongHost = {
    403, "forbidden",
    "The Host of this request is neither an address nor localhost nor listed in admin.hosts."};
constexpr net::Refusal kHasOrigin = {
    403, "forbidden", "The admin endpoint does not answer web pages of other origins."};
constexpr net::Refusal kWrongMethod = {405, "method_not_allowed",
                                       "The admin endpoint answers GET and HEAD only, and under "
                                       "/debug/log POST and DELETE."};
constexpr net::Refusal kHasBody = {413, "content_too_large",
                                   "The admin endpoint takes no body: put the parameters of "
                                   "/debug/log into its query, and publish events on the "
                                   "publish socket."};
constexpr net::Refusal kEventTooLarge = {
    413, "content_too_large",
    "The body is larger than that of an event with limits.event_bytes_max bytes of data."};
constexpr net::Refusal kOnlyPost = {405, "method_not_allowed", "Publish with POST."};
constexpr net::Refusal kNotOwnPage = {
    403, "forbidden",
    "Only the dashboard publishes here (Origin header); programs publish on the publish socket."};
constexpr net::Refusal kNotJson = {415, "unsupported_media_type",
                                   "Content-Type must be application/json, in UTF-8."};
constexpr net::Refusal kNoParameters = {
    400, "bad_request", "This page has no parameters; names that begin with _ are ignored."};
constexpr net::Refusal kNoPage = {404, "not_found", "There is no such page; / lists all pages."};
constexpr net::Refusal kNoDebug = {404, "not_found", "Set admin.debug to true to see this page."};
constexpr net::Refusal kBadPage = {
    400, "bad_request",
    "The query may hold `limit`, 1 to 100, and `after`, the `next` of the page before."};
constexpr net::Refusal kBadLimit = {400, "bad_request", "The query may hold `limit`, 1 to 100."};
static_assert(kPageRowsMax == 100);
constexpr net::Refusal kRulesFull = {
    409, "too_many", "There are 16 rules already; DELETE /debug/log?id=… ends one."};
static_assert(kDebugRulesMax == 16);
constexpr net::Refusal kNoRule = {
    404, "not_found", "There is no such rule; `crier debug` and GET /debug/log list all."};
constexpr net::Refusal kTooManyViewers = {503, "too_many_viewers",
                                          "/stats has 16 viewers already, or half as many as "
                                          "admin.connections_max; close one of them."};
static_assert(StatsViewers::kViewersMax == 16);
constexpr net::Refusal kBadTail = {
    400, "bad_request", "The query must be `topic=` and a topic or a pattern, percent-encoded."};
constexpr net::Refusal kTooManyTails = {503, "too_many_tails",
                                        "/tail has 4 clients already, or a quarter of "
                                        "admin.connections_max; close one of them."};
static_assert(TopicTails::kTailsMax == 4);
constexpr net::Refusal kNoAnswer = {503, "busy", "A worker did not answer in time; try again."};
constexpr net::Refusal kNotInForce = {
    503, "busy",
    "The change is noted, but a worker has not applied it yet; it will as soon as it can."};

std::string_view field_of(const net::Request& head, std::string_view name) {
  for (const net::HeadField& field : head.fields) {
    if (net::equal_ignoring_case(field.name.in(head.head), name)) return field.value.in(head.head);
  }
  return {};
}

// Whether a page of another server asks. Browsers send an Origin with some requests of crier's own
// page, e.g. for a module; a link on another page that leads to a `page` here is not foreign, but
// one to a stream is, since streams are few. Sec-Fetch-Site and -Dest: W3C Fetch Metadata.
bool is_foreign(const net::Request& head, bool page) {
  const auto is_own = [&](std::string_view scheme) {
    return head.origin.starts_with(scheme) && head.origin.substr(scheme.size()) == head.host;
  };
  if (head.has_origin && !is_own("http://") && !is_own("https://")) return true;
  const std::string_view site = field_of(head, "sec-fetch-site");
  return (site == "cross-site" || site == "same-site") &&
         !(page && field_of(head, "sec-fetch-dest") == "document");
}

bool has_parameters(std::string_view query) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    if (!parameter.empty() && !parameter.starts_with('_')) return true;
    query.remove_prefix(std::min(query.size(), parameter.size() + 1));
  }
  return false;
}

}  // namespace

// Answers one request. It may outlive the request, as its responder may.
class AdminRoutes::Answer {
 public:
  Answer(const net::HttpRequest& request, const net::Responder& responder, std::string trace_id,
         LogSink& refusals)
      : responder_(responder),
        keep_alive_(request.head.keep_alive),
        head_only_(request.head.method == net::Method::head),
        trace_id_(std::move(trace_id)),
        from_(name_of(request.peer)),
        refusals_(&refusals) {}

  void send(std::string_view content_type, std::string_view body, int status = 200) const {
    respond(net::text_reply(status, content_type, body, options()));
  }

  void send_samples(StatsViewers& viewers) const { viewers.add(responder_, trace_id_, head_only_); }

  void send_events(TopicTails& tails, Selector topic) const {
    tails.add(responder_, trace_id_, head_only_, std::move(topic));
  }

  void refuse(const net::Refusal& refusal, std::string_view allow = {}) const {
    net::ReplyOptions complete = options();
    complete.allow = allow;
    if (refusal.status == 503) complete.retry_after_seconds = 1;
    log_refusal(*refusals_, kAdminRefused, {refusal.code, refusal, from_, {}, trace_id_});
    respond(net::error_reply(refusal, trace_id_, complete));
  }

  void send_file(const DashboardFile& file) const {
    respond(net::ReplyBuilder(200)
                .options(options())
                .field("Content-Security-Policy", kDashboardPolicy)
                .finish(file.content_type, file.text, head_only_));
  }

 private:
  net::ReplyOptions options() const {
    return {.keep_alive = keep_alive_, .head_only = head_only_, .trace_id = trace_id_};
  }
  void respond(std::string bytes) const { responder_.reply(std::move(bytes), !keep_alive_); }

  net::Responder responder_;
  bool keep_alive_;
  bool head_only_;
  std::string trace_id_;
  std::string from_;
  LogSink* refusals_;
};

struct AdminRoutes::Route {
  // What a page makes of the query of a GET: refuses one, reads its own parameters, or ignores it.
  enum class Query : std::uint8_t { empty, own, ignored };

  std::string_view path;
  bool debug;  // Served only if admin.debug is true.
  Query query;
  void (AdminRoutes::*serve)(const net::Request&, const Answer&);
  // Handles POST and DELETE; null if the page refuses them.
  void (AdminRoutes::*change)(const net::HttpRequest&, const Answer&) = nullptr;
};

const AdminRoutes::Route* AdminRoutes::find(std::string_view path) {
  using Query = Route::Query;
  static constexpr std::array<Route, 13> kRoutes = {{
      {"/", false, Query::empty, &AdminRoutes::dashboard},
      {"/metrics", false, Query::ignored, &AdminRoutes::metrics},
      {"/status", false, Query::empty, &AdminRoutes::status},
      {"/healthz", false, Query::ignored, &AdminRoutes::health},
      {"/readyz", false, Query::ignored, &AdminRoutes::ready},
      {"/stats", false, Query::empty, &AdminRoutes::stats},
      {"/tail", true, Query::own, &AdminRoutes::tail},
      {"/debug/config", true, Query::empty, &AdminRoutes::config},
      {"/debug/workers", true, Query::empty, &AdminRoutes::workers},
      {"/debug/streams", true, Query::own, &AdminRoutes::streams},
      {"/debug/topics", true, Query::own, &AdminRoutes::topics},
      {"/debug/trace", true, Query::own, &AdminRoutes::trace},
      {"/debug/log", true, Query::empty, &AdminRoutes::debug_log, &AdminRoutes::change_debug_log},
  }};
  const auto* const found = std::ranges::find(kRoutes, path, &Route::path);
  if (found != kRoutes.end()) return found;
  return dashboard_file(path) == nullptr ? nullptr : &kRoutes.front();  // As the page itself.
}

void AdminRoutes::on_http_request(const net::HttpRequest& request, net::Responder responder) {
  const net::Request& head = request.head;
  const Answer answer(request, responder, traces_.of(head), parts_.refusals);
  if (!net::host_allowed(head.host, parts_.config.admin.hosts)) return answer.refuse(kWrongHost);
  const bool reads = head.method == net::Method::get || head.method == net::Method::head;
  const Route* const route = find(head.path);
  const bool page = route == nullptr ||
                    (route->serve != &AdminRoutes::stats && route->serve != &AdminRoutes::tail);
  if (is_foreign(head, page)) return answer.refuse(kHasOrigin);
  if (head.path == "/publish" && parts_.config.admin.publish) {
    return publish(request, responder, answer);
  }
  if (!request.body.empty()) return answer.refuse(kHasBody);
  if (head.has_origin && !reads) return answer.refuse(kHasOrigin);
  const bool changeable = route != nullptr && route->change != nullptr;
  const bool changes = head.method == net::Method::post || head.method_text == "DELETE";
  if (!reads && !(changes && changeable)) {
    return answer.refuse(kWrongMethod, changeable ? kAllowChanges : kAllow);
  }
  if (route == nullptr) return answer.refuse(kNoPage);
  if (route->debug && !parts_.config.admin.debug) return answer.refuse(kNoDebug);
  if (reads && route->query == Route::Query::empty && has_parameters(head.query)) {
    return answer.refuse(kNoParameters);
  }
  if (reads) return (this->*route->serve)(head, answer);
  (this->*route->change)(request, answer);
}

std::string AdminRoutes::on_http_refused(const net::Refusal& refusal, const net::HttpPeer& peer) {
  const bool large =
      refusal == net::refusals::kBodyTooLarge || refusal == net::refusals::kLengthTooLarge;
  const net::Refusal& told = refusal == net::refusals::kNotPublishing ? kHasBody
                             : large                                  ? kEventTooLarge
                                                                      : refusal;
  const std::string trace = traces_.make();
  log_refusal(parts_.refusals, kAdminRefused, {told.code, told, name_of(peer), {}, trace});
  return net::error_reply(told, trace, {.allow = told.status == 405 ? kAllow : ""});
}

void AdminRoutes::metrics(const net::Request&, const Answer& answer) {
  const Instant now = parts_.now();
  if (!metrics_at_ || now.us - metrics_at_->us >= kMetricsMicros) {
    parts_.catalogue.refresh(now);
    metrics_ = crier::metrics::render(parts_.catalogue);
    metrics_at_ = now;
  }
  answer.send(crier::metrics::kContentType, metrics_);
}

void AdminRoutes::status(const net::Request&, const Answer& answer) {
  const Instant now = parts_.now();
  parts_.catalogue.refresh(now);
  answer.send(net::kJsonType,
              status_json({.catalogue = parts_.catalogue,
                           .why_not_ready = parts_.why_not_ready({}),
                           .uptime_seconds = static_cast<double>(now.us - started_.us) / 1e6}));
}

void AdminRoutes::health(const net::Request&, const Answer& answer) {
  answer.send(kText, "ok\n");
}

// As Kubernetes has it: `exclude` may be repeated, and an unknown name is told and changes nothing.
void AdminRoutes::ready(const net::Request& request, const Answer& answer) {
  ReadyChecks except;
  bool known = true;
  for (const auto& [name, value] :
       parse_query(request.query, kExcludedMax).value_or(QueryPairs{})) {
    if (name != "exclude") continue;
    const auto at = std::ranges::find(kNamesOf<ReadyCheck>, value);
    known = known && at != kNamesOf<ReadyCheck>.end();
    if (at != kNamesOf<ReadyCheck>.end()) {
      except.add(static_cast<ReadyCheck>(at - kNamesOf<ReadyCheck>.begin()));
    }
  }
  const std::string_view why_not = parts_.why_not_ready(except);
  std::string text(why_not.empty() ? "ready" : why_not);
  text += known ? "\n" : kUnknownCheck;
  answer.send(kText, text, why_not.empty() ? 200 : 503);
}

void AdminRoutes::stats(const net::Request& request, const Answer& answer) {
  const bool is_look = request.method == net::Method::head;
  if (!is_look && parts_.viewers.full()) return answer.refuse(kTooManyViewers);
  answer.send_samples(parts_.viewers);
}

void AdminRoutes::dashboard(const net::Request& request, const Answer& answer) {
  const DashboardFile* const file = dashboard_file(request.path);
  CRIER_CHECK(file != nullptr);
  answer.send_file(*file);
}

void AdminRoutes::config(const net::Request&, const Answer& answer) {
  answer.send(net::kJsonType, crier::config::dump_json(parts_.config));
}

void AdminRoutes::workers(const net::Request&, const Answer& answer) {
  answer.send(net::kJsonType, workers_json(parts_.workers.list_workers()));
}

void AdminRoutes::tail(const net::Request& request, const Answer& answer) {
  const auto pairs = parse_query(request.query, 1);
  if (!pairs || pairs->size() != 1 || pairs->front().first != "topic") {
    return answer.refuse(kBadTail);
  }
  auto topic = Selector::parse(pairs->front().second);
  if (!topic) return answer.refuse(kBadTail);
  if (request.method == net::Method::get && parts_.tails.full()) {
    return answer.refuse(kTooManyTails);
  }
  answer.send_events(parts_.tails, std::move(*topic));
}

void AdminRoutes::streams(const net::Request& request, const Answer& answer) {
  const auto page = parse_page_query(request.query);
  if (!page) return answer.refuse(kBadPage);
  parts_.workers.list_streams(page->after, page->limit,
                              [answer, log = &parts_.log](const std::optional<StreamPage>& found) {
                                if (!found) return answer.refuse(kNoAnswer);
                                answer.send(net::kJsonType,
                                            streams_json(*found, *log, net::Loop::now()));
                              });
}

void AdminRoutes::topics(const net::Request& request, const Answer& answer) {
  const auto query = parse_page_query(request.query);
  if (!query) return answer.refuse(kBadPage);
  make_topic_page(parts_.log, parts_.workers, *query, net::Loop::now(),
                  [answer](const std::optional<std::string>& page) {
                    if (!page) return answer.refuse(kNoAnswer);
                    answer.send(net::kJsonType, *page);
                  });
}

void AdminRoutes::trace(const net::Request& request, const Answer& answer) {
  const auto page = parse_page_query(request.query);
  if (!page || page->after != 0) return answer.refuse(kBadLimit);
  answer.send(net::kJsonType, traces_json(parts_.publishes, parts_.log.epoch(), page->limit));
}

// An Origin is the endpoint's own here: is_foreign() has refused all others.
void AdminRoutes::publish(const net::HttpRequest& request, const net::Responder& responder,
                          const Answer& answer) {
  if (request.head.method != net::Method::post) return answer.refuse(kOnlyPost, "POST");
  if (!request.head.has_origin) return answer.refuse(kNotOwnPage);
  if (body_type(request.head.content_type) != BodyType::object) return answer.refuse(kNotJson);
  parts_.publish(request, responder);
}

void AdminRoutes::debug_log(const net::Request&, const Answer& answer) {
  answer.send(net::kJsonType, debug_rules_json(parts_.debug_switch.rows(), net::Loop::now()));
}

// Answers when every worker has taken the change over, or after a second.
void AdminRoutes::change_debug_log(const net::HttpRequest& request, const Answer& answer) {
  DebugSwitch& debug = parts_.debug_switch;
  const Instant now = net::Loop::now();
  const std::string by = name_of(request.peer);
  std::string body;
  if (request.head.method == net::Method::post) {
    const auto wish = parse_debug_wish(request.head.query);
    if (!wish) return answer.refuse(wish.error());
    const DebugSwitch::Row* const row = debug.switch_on(*wish, by, now);
    if (row == nullptr) return answer.refuse(kRulesFull);
    body = debug_rules_json({row, 1}, now);
  } else {
    const auto id = parse_debug_id(request.head.query);
    if (!id) return answer.refuse(id.error());
    if (debug.switch_off(*id, by) == 0 && *id) return answer.refuse(kNoRule);
    body = debug_rules_json(debug.rows(), now);
  }
  parts_.workers.await_orders([answer, body = std::move(body)](bool in_force) {
    in_force ? answer.send(net::kJsonType, body) : answer.refuse(kNotInForce);
  });
}

}  // namespace crier::cmd
