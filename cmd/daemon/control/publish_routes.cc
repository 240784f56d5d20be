#include "cmd/daemon/control/publish_routes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cmd/daemon/control/body_type.h"
#include "cmd/daemon/control/page_query.h"
#include "cmd/daemon/control/publish_call.h"
#include "cmd/daemon/control/publish_refusals.h"
#include "cmd/daemon/control/refusal_log.h"
#include "cmd/daemon/control/topic_pages.h"
#include "cmd/daemon/link/worker_link.h"
#include "core/check.h"
#include "core/text/event_id.h"
#include "core/text/percent.h"
#include "core/text/topic_text.h"
#include "core/text/utf8.h"
#include "core/topic.h"
#include "net/http/reply.h"

namespace crier::cmd {
namespace {

using broadcast::BodyRefusal;
using broadcast::PublishEvent;
using net::Method;

constexpr std::string_view kTopics = "/topics";
constexpr std::string_view kPublishAllow = "DELETE, GET, HEAD, OPTIONS, POST";
constexpr std::string_view kNotBoth =
    "The idempotency key is given twice: send either the header or the field \"key\".";
constexpr std::string_view kNoCounts = "A worker did not answer in time; try again later.";

bool is_read(Method method) {
  return method == Method::get || method == Method::head;
}

}  // namespace

PublishRoutes::Later PublishRoutes::later(const Call& call) {
  const net::Request& head = call.head();
  return {
      call.responder,   {.keep_alive = head.keep_alive, .head_only = head.method == Method::head},
      traces_.of(head), name_of(call.request.peer),
      call.arrived(),   !call.own_trace_id().empty()};
}

PublishRoutes::PublishRoutes(PublishParts parts)
    : parts_(std::move(parts)),
      traces_(parts_.random_seed),
      intake_({parts_.journal, parts_.log, parts_.encoder, parts_.keys, parts_.outgoing}),
      rates_(parts_.limits.rate) {}

// --- routes ---

void PublishRoutes::on_http_request(const net::HttpRequest& request, net::Responder responder) {
  const Call call{request, responder, parts_.now()};
  const net::Request& head = request.head;
  if (head.path == kJournalPath || head.path == kJournalCopyPath) return show_journal(call);
  if (!parts_.peers.allows(request.peer.credentials)) {
    return refuse(call, PublishRefusal::forbidden,
                  "This user may not publish: neither publish.users nor publish.groups lists it.");
  }
  if (head.has_origin) {
    return refuse(call, PublishRefusal::forbidden, "Web pages may not publish (Origin header).");
  }
  if (head.path == "/publish") {
    if (head.method == Method::post) return publish_body(call);
    return refuse(call, PublishRefusal::method, "Publish with POST.", "POST");
  }
  if (head.path == kTopics) {
    if (is_read(head.method)) return list_topics(call);
    return refuse(call, PublishRefusal::method,
                  "List topics with GET; publish with POST /topics/{topic}.", "GET, HEAD");
  }
  if (head.path.starts_with(kTopics) && head.path[kTopics.size()] == '/') {
    return route_topic(call, head.path.substr(kTopics.size() + 1));
  }
  if (head.path == "*") {  // Only OPTIONS may have this path.
    return responder.reply(net::options_reply(kPublishAllow, {.keep_alive = head.keep_alive}),
                           !head.keep_alive);
  }
  refuse(call, PublishRefusal::not_found,
         "There is no such path. These exist: POST, GET and DELETE /topics/{topic}, POST /publish, "
         "GET /topics and GET /journal.");
}

void PublishRoutes::route_topic(const Call& call, std::string_view encoded) {
  const Method method = call.head().method;
  const bool closes = call.head().method_text == "DELETE";
  if (!closes && method != Method::post && !is_read(method)) {
    return refuse(call, PublishRefusal::method,
                  "Publish with POST, read with GET, close with DELETE.",
                  "DELETE, GET, HEAD, POST");
  }
  const auto topic = percent_decode(encoded, false);
  if (!topic) {
    return refuse(call, PublishRefusal::malformed, "The path contains an invalid escape.");
  }
  if (closes) return close_topic(call, *topic);
  if (method == Method::post) return publish_text(call, *topic);
  show_topic(call, *topic);
}

std::string PublishRoutes::on_http_refused(const net::Refusal& refusal, const net::HttpPeer& peer) {
  counters_.refused[static_cast<std::size_t>(PublishRefusal::head)].add();
  const bool later = refusal.status == 429 || refusal.status == 503;
  const RefusalRow& memory = row_of(PublishRefusal::memory);
  const std::uint32_t seconds = refusal.code == memory.code ? memory.retry_after_seconds : 1;
  const std::string trace = traces_.make();
  log_refusal(parts_.refusals, kPublishRefused,
              {to_string(PublishRefusal::head), refusal, name_of(peer), {}, trace});
  return net::error_reply(refusal, trace,
                          {.allow = refusal.status == 405 ? kPublishAllow : "",
                           .retry_after_seconds = later ? seconds : 0});
}

// --- publishing ---

// The checks that all publishes have in common. Returns false if it has refused the request.
bool PublishRoutes::may_publish(const Call& call) {
  const net::Request& head = call.head();
  if (parts_.draining()) {
    refuse(call, PublishRefusal::draining, "The daemon is shutting down; publish again later.");
    return false;
  }
  if (parts_.memory != nullptr && parts_.memory->is_at(MemoryStage::refuse_events)) {
    refuse(call, PublishRefusal::memory,
           "The daemon is short of memory: limits.memory_max is nearly reached; publish again "
           "later.");
    return false;
  }
  if (head.has_idempotency_key && !broadcast::valid_idempotency_key(head.idempotency_key)) {
    refuse(call, PublishRefusal::malformed,
           "Idempotency-Key is not 1 to 255 bytes of printable ASCII.");
    return false;
  }
  return within_rate(call);
}

// Returns false if it has refused the request because the user may not publish now. A request may
// have more events than the user has tokens left: if it had to wait for all of them, small requests
// could keep it waiting for ever.
bool PublishRoutes::within_rate(const Call& call) {
  const std::uint64_t wait_ns = rates_.wait_ns(call.uid(), 1, call.now);
  if (wait_ns == 0) return true;
  Later answer = later(call);
  answer.options.retry_after_seconds =
      static_cast<std::uint32_t>((wait_ns + 999'999'999) / 1'000'000'000);
  refuse(
      answer, PublishRefusal::rate,
      "This user publishes more events than publish.rate allows (publish.burst at once); publish "
      "again later.");
  return false;
}

// Reads an event whose data is the body and whose name is in the query. Returns false if it has
// refused the request.
bool PublishRoutes::read_text(const Call& call, std::string_view topic, TextEvent& text) {
  auto query = parse_query(call.head().query, 1);
  if (!query || (!query->empty() && query->front().first != "event")) {
    refuse(call, PublishRefusal::malformed,
           "The query may hold one `event`, the event's name, and nothing else.");
    return false;
  }
  if (body_type(call.head().content_type) == BodyType::form) {
    refuse(call, PublishRefusal::content_type,
           "A form (multipart) is not an event's data: send the data alone as the body, with curl "
           "by --data-binary.");
    return false;
  }
  if (!query->empty()) text.name = std::move(query->front().second);
  broadcast::Event& event = text.publish.event;
  event = {.topic = topic, .data = call.request.body, .name = text.name};
  if (const auto refusal = judge_event(event, parts_.limits.event_bytes_max)) {
    refuse(call, *refusal);
    return false;
  }
  if (!valid_event_text(event.data)) {
    refuse(call, PublishRefusal::malformed, "The body is not UTF-8 without NUL.");
    return false;
  }
  return true;
}

void PublishRoutes::publish_text(const Call& call, std::string_view topic) {
  if (!may_publish(call)) return;
  TextEvent text;
  if (read_text(call, topic, text)) publish_one(call, text.publish);
}

void PublishRoutes::publish_body(const Call& call) {
  if (!may_publish(call)) return;
  if (!call.head().query.empty()) {
    return refuse(call, PublishRefusal::malformed,
                  "/publish takes no query: put topic and event into the body.");
  }
  switch (body_type(call.head().content_type)) {
    case BodyType::object:
      publish_object(call);
      break;
    case BodyType::lines:
      publish_lines(call);
      break;
    case BodyType::form:
    case BodyType::other:
      return refuse(call, PublishRefusal::content_type,
                    "Content-Type must be application/json (one event) or application/x-ndjson "
                    "(one a line), in UTF-8.");
  }
  body_.clear();
}

void PublishRoutes::publish_object(const Call& call) {
  if (is_array(call.request.body)) {
    return refuse(call, PublishRefusal::malformed,
                  "The body is an array; send several events as application/x-ndjson, one object a "
                  "line.");
  }
  if (auto refusal = body_.read_object(call.request.body, parts_.limits.event_bytes_max)) {
    return refuse(call, *refusal);
  }
  publish_one(call, body_.events().front());
}

void PublishRoutes::publish_one(const Call& call, PublishEvent event) {
  const net::Request& head = call.head();
  if (head.has_idempotency_key) {
    if (!event.key.empty()) return refuse(call, PublishRefusal::malformed, kNotBoth);
    event.key = head.idempotency_key;
  }
  event.line = 1;
  Trace trace = begin_trace(call, event.event.topic);
  const auto outcome = intake_.submit(call.uid(), {&event, 1}, call.now);
  if (outcome && outcome->conflict_line != 0) return refuse_reused_key(later(call), 0);
  settle(call, AnswerForm::id, 1, outcome, trace);
}

void PublishRoutes::publish_lines(const Call& call) {
  const net::Request& head = call.head();
  if (auto refusal = body_.read_lines(
          call.request.body, {parts_.limits.event_bytes_max, parts_.limits.request_lines_max})) {
    return refuse(call, *refusal);
  }
  const auto& events = body_.events();
  const bool whole = head.has_idempotency_key;
  for (const PublishEvent& event : events) {
    if (!whole || event.key.empty()) continue;
    return refuse(call, PublishRefusal::malformed,
                  "Line " + std::to_string(event.line) + ": " + std::string(kNotBoth));
  }
  Trace trace = begin_trace(call, events.back().event.topic);
  const auto outcome = whole ? intake_.submit_whole(call.uid(), head.idempotency_key,
                                                    call.request.body, events, call.now)
                             : intake_.submit(call.uid(), events, call.now);
  if (outcome && outcome->conflict_line != 0) {
    return refuse_reused_key(later(call), whole ? 0 : outcome->conflict_line);
  }
  settle(call, AnswerForm::lines, events.size(), outcome, trace);
}

void PublishRoutes::settle(const Call& call, AnswerForm form, std::size_t events,
                           const std::optional<IntakeOutcome>& outcome, Trace& trace) {
  if (outcome && outcome->closed_line != 0) {
    const bool named = form == AnswerForm::lines;
    return refuse(call, PublishRefusal::closed,
                  (named ? "Line " + std::to_string(outcome->closed_line) + ": " : "") +
                      "The topic is closed; it takes no more events.");
  }
  const bool failed = outcome && outcome->failure;
  if (!failed) rates_.take(call.uid(), outcome ? outcome->published : events, call.now);
  if (outcome) return answer(call, form, events, *outcome, trace);
  intake_.then([this, form, events, to = later(call), trace = std::move(trace)](
                   const IntakeOutcome& known) mutable { answer(to, form, events, known, trace); });
}

// --- looking ---

// Publishers leave half of the questions a worker takes to the admin endpoint's pages.
bool PublishRoutes::may_ask_workers(const Call& call) {
  if (questions_ == WorkerLink::kQuestionsMax / 2) {
    refuse(call, PublishRefusal::busy,
           "Too many requests about topics are waiting; try again later.");
    return false;
  }
  ++questions_;
  return true;
}

void PublishRoutes::list_topics(const Call& call) {
  const auto wanted = parse_page_query(call.head().query);
  if (!wanted) {
    return refuse(call, PublishRefusal::malformed,
                  "The query may hold `limit`, 1 to 100, and `after`, the `next` of the page "
                  "before.");
  }
  if (!may_ask_workers(call)) return;
  make_topic_page(parts_.log, parts_.workers, *wanted, call.now,
                  [this, answer = later(call)](const std::optional<std::string>& page) {
                    --questions_;
                    if (!page) return refuse(answer, PublishRefusal::busy, kNoCounts);
                    answer.send(net::text_reply(200, net::kJsonType, *page, answer.options));
                  });
}

void PublishRoutes::show_topic(const Call& call, std::string_view name) {
  if (!valid_topic(name)) return refuse(call, PublishRefusal::malformed, describe_bad_topic(name));
  if (!call.head().query.empty()) {
    return refuse(call, PublishRefusal::malformed, "GET /topics/{topic} takes no query.");
  }
  if (!may_ask_workers(call)) return;
  const auto known = parts_.log.topic(name, call.now);
  broadcast::TopicInfo topic;
  topic.name = name;
  parts_.workers.count_subscribers(
      {topic.name},
      [this, answer = later(call), listed = known.has_value(),
       topic = known.value_or(topic)](std::optional<std::vector<std::uint64_t>> counts) {
        --questions_;
        if (!counts) return refuse(answer, PublishRefusal::busy, kNoCounts);
        CRIER_CHECK(counts->size() == 1);
        if (!listed && counts->front() == 0) {
          return refuse(answer, PublishRefusal::not_found,
                        "This topic has neither events nor subscribers.");
        }
        answer.send(net::text_reply(200, net::kJsonType,
                                    topic_json(parts_.log.epoch(), topic, counts->front()),
                                    answer.options));
      });
}

// --- answers ---

template <typename To>
void PublishRoutes::answer(const To& to, AnswerForm form, std::size_t events,
                           const IntakeOutcome& outcome, Trace& trace) {
  if (trace) trace->committed_ns = net::Loop::now_ns();
  if (outcome.failure) return refuse_failed(later(to), form, outcome);
  const bool replayed = outcome.published == 0;
  if (replayed) counters_.replayed.add();
  const Epoch& epoch = parts_.log.epoch();
  std::string& body = answer_;
  body.clear();
  if (form == AnswerForm::id) {
    append_event_id(body.append("{\"id\":\""), epoch, outcome.answer.last_sequence);
  } else {
    body.append("{\"accepted\":").append(std::to_string(outcome.answer.accepted));
    append_event_id(body.append(",\"first_id\":\""), epoch, outcome.answer.first_sequence);
    append_event_id(body.append("\",\"last_id\":\""), epoch, outcome.answer.last_sequence);
  }
  const std::string_view trace_id = trace ? trace->trace_id : to.own_trace_id();
  to.responder.reply(accepted_.reply(body.append("\"}\n"), to.keep_alive(), replayed, trace_id),
                     !to.keep_alive());
  counters_.latency.observe(net::Loop::now().us - to.arrived().us);
  if (!trace || outcome.published != events) return;
  trace->sequence = outcome.answer.last_sequence;
  parts_.traces->add(std::move(*trace));
}

void PublishRoutes::refuse(const Call& call, PublishRefusal why, std::string_view message,
                           std::string_view allow) {
  Later answer = later(call);
  answer.options.allow = allow;
  refuse(answer, why, message);
}

void PublishRoutes::refuse(const Later& answer, PublishRefusal why, std::string_view message) {
  refuse(answer, why, row_of(why), message);
}

void PublishRoutes::refuse(const Later& answer, PublishRefusal why, const RefusalRow& row,
                           std::string_view message) {
  counters_.refused[static_cast<std::size_t>(why)].add();
  net::ReplyOptions options = answer.options;
  options.retry_after_seconds = std::max(options.retry_after_seconds, row.retry_after_seconds);
  const net::Refusal refusal{row.status, row.code, message};
  log_refusal(parts_.refusals, kPublishRefused,
              {to_string(why), refusal, answer.from, {}, answer.trace_id});
  answer.send(net::error_reply(refusal, answer.trace_id, options));
}

void PublishRoutes::refuse(const Call& call, const BodyRefusal& refusal) {
  refuse(call, refusal.too_large ? PublishRefusal::too_large : PublishRefusal::malformed,
         refusal.message);
}

}  // namespace crier::cmd
