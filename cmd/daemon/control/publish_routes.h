// The requests of the publish socket.
//
//   POST /topics/{topic}?event=NAME   the body is the data              202 {"id"}
//   POST /publish                     one event as application/json     202 {"id"}
//                                     a line each, application/x-ndjson 202 {"accepted","first_id",
//                                                                            "last_id"}
//   DELETE /topics/{topic}?event=NAME closes the topic; the body or   202 {"id"}
//                                     the name: a last event
//   GET  /topics?limit=&after=        a page of the topics in the log; see topic_pages.h
//   GET  /topics/{topic}              a topic with events or subscribers
//   GET  /journal, /journal/backup    the journal's file; see journal_pages.h
//
// OPTIONS * is answered 204. A GET of topics is 503 if the workers do not answer.
//
// A 202 means "committed by the journal and in the log". It has an X-Trace-Id if the publisher sent
// a trace id, or if the publish is followed (see publish_traces.h). If the journal cannot commit,
// the answer is 503 or 507 with Retry-After. Lines are checked before any of them is published; one
// invalid line refuses the request. Every answer is JSON, and every error has a trace id. An answer
// repeated for an idempotency key has `Idempotency-Replayed: true`. The `Idempotency-Key` of a
// request with lines applies to the whole request.
//
// An event for a closed topic is 409. Closing it again, without a last event, repeats the answer.
//
// A user that publishes more events than its rate allows is refused with 429 and Retry-After,
// before the body is parsed if the user may not publish one event. Events that were accepted before
// cost nothing. A request is accepted as soon as one event would be, and may leave a debt.
//
// A request is checked and handed to the journal in one turn: limits.request_lines_max and
// limits.request_bytes_max bound the time for which it occupies the loop. Belongs to the control
// loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broadcast/log/idempotency.h"
#include "broadcast/log/journal.h"
#include "broadcast/log/log.h"
#include "broadcast/log/publish_json.h"
#include "cmd/daemon/control/accepted_reply.h"
#include "cmd/daemon/control/event_intake.h"
#include "cmd/daemon/control/journal_pages.h"
#include "cmd/daemon/control/publish_refusals.h"
#include "cmd/daemon/control/publish_traces.h"
#include "cmd/daemon/control/publisher_rates.h"
#include "cmd/daemon/link/trace_id.h"
#include "cmd/daemon/link/worker_queries.h"
#include "core/counter.h"
#include "core/log.h"
#include "core/memory_pressure.h"
#include "net/http/http_handler.h"
#include "net/loop/loop.h"
#include "net/socket/peer_credentials.h"

namespace crier::cmd {

inline constexpr std::array<std::uint64_t, 15> kPublishLatencyBounds = {
    10,     50,     100,     250,     500,       1'000,     2'500,     5'000,
    10'000, 25'000, 100'000, 250'000, 1'000'000, 2'500'000, 10'000'000};

// Written by the control loop; any thread may read.
struct PublishCounters {
  Counter replayed;  // Requests all of whose events had been accepted before.
  std::array<Counter, kNamesOf<PublishRefusal>.size()> refused;
  // Microseconds from the arrival of a request to its 202.
  Histogram<kPublishLatencyBounds.size()> latency{kPublishLatencyBounds};
};

struct PublishLimits {
  std::size_t event_bytes_max = std::size_t{256} << 10;  // An event's data; at most 1 MiB.
  std::size_t request_lines_max = 5'000;
  CostRate rate = {};  // Events of one user.
};

// All references must outlive the routes. `workers` must not answer after the routes are gone.
struct PublishParts {
  broadcast::Journal& journal;
  broadcast::Log& log;
  broadcast::EventEncoder& encoder;
  broadcast::IdempotencyKeys& keys;
  WorkerQueries& workers;
  Outgoing& outgoing;
  LogSink& refusals;  // Gets a line for each refusal; it must limit repeats.
  net::PeerList peers = {};
  PublishLimits limits = {};
  std::function<bool()> draining = [] { return false; };  // True: refuse events.
  // Null: memory is never short.
  const MemoryShortage* memory = nullptr;
  std::function<Instant()> now = &net::Loop::now;  // Monotonic.
  std::uint64_t random_seed = 0;                   // For the trace ids of requests without one.
  PublishTraces* traces = nullptr;                 // Null: no publish is followed.
  JournalPages* journal_pages = nullptr;           // Null: the journal has no file.
};

class PublishRoutes final : public net::HttpHandler {
 public:
  explicit PublishRoutes(PublishParts parts);
  PublishRoutes(const PublishRoutes&) = delete;
  PublishRoutes& operator=(const PublishRoutes&) = delete;

  void on_http_request(const net::HttpRequest& request, net::Responder responder) override;
  std::string on_http_refused(const net::Refusal& refusal, const net::HttpPeer& peer) override;

  // Answers a request of the dashboard as POST /publish. Who may send it is not asked: the caller
  // knows. A client without a uid, one of TCP, has the uid -1, which no process can have; all of
  // them share one rate and one space of idempotency keys. In publish_close.cc.
  void publish_of_page(const net::HttpRequest& request, const net::Responder& responder);

  // Applies from the next request on, also on open connections.
  void set_peers(net::PeerList peers) { parts_.peers = std::move(peers); }
  void set_rate(const CostRate& rate) { rates_.set_rate(rate); }

  const PublishCounters& counters() const { return counters_; }

 private:
  enum class AnswerForm : std::uint8_t { id, lines };
  using Trace = std::unique_ptr<PublishTrace>;
  // Defined in publish_call.h.
  struct Call;
  struct Later;
  struct TextEvent;

  bool read_text(const Call& call, std::string_view topic, TextEvent& text);
  void publish_text(const Call& call, std::string_view topic);
  void close_topic(const Call& call, std::string_view topic);  // In publish_close.cc.
  void publish_body(const Call& call);
  void publish_object(const Call& call);
  void publish_lines(const Call& call);
  void publish_one(const Call& call, broadcast::PublishEvent event);
  // Answers now, or later if there is no outcome yet. `events`: how many the request has. Takes the
  // trace, if there is one.
  void settle(const Call& call, AnswerForm form, std::size_t events,
              const std::optional<IntakeOutcome>& outcome, Trace& trace);
  // Begins the trace of a publish that is to be followed; null for all others.
  Trace begin_trace(const Call& call, std::string_view topic) {
    const std::uint64_t accepted_ns = parts_.traces == nullptr ? 0 : parts_.traces->take();
    return accepted_ns == 0 ? nullptr : make_trace(call, topic, accepted_ns);
  }
  Trace make_trace(const Call& call, std::string_view topic, std::uint64_t accepted_ns);
  void list_topics(const Call& call);
  void show_topic(const Call& call, std::string_view topic);
  void route_topic(const Call& call, std::string_view encoded);
  void show_journal(const Call& call);  // In journal_pages.cc.

  bool may_publish(const Call& call);
  bool within_rate(const Call& call);
  // `To` is a Call or a Later. Keeps the trace, which may be null, unless the request has failed or
  // one of its `events` was accepted before.
  template <typename To>
  void answer(const To& to, AnswerForm form, std::size_t events, const IntakeOutcome& outcome,
              Trace& trace);
  void refuse(const Call& call, PublishRefusal why, std::string_view message,
              std::string_view allow = {});
  void refuse(const Call& call, const broadcast::BodyRefusal& refusal);
  void refuse(const Later& answer, PublishRefusal why, std::string_view message);
  void refuse(const Later& answer, PublishRefusal why, const RefusalRow& row,
              std::string_view message);
  // `outcome` has a failure. In publish_close.cc.
  void refuse_failed(Later answer, AnswerForm form, const IntakeOutcome& outcome);
  Later later(const Call& call);
  static const Later& later(const Later& answer) { return answer; }
  bool may_ask_workers(const Call& call);
  void refuse_reused_key(const Later& answer,
                         std::size_t line);  // Line 0: the request has one key.

  PublishParts parts_;
  PublishCounters counters_;
  TraceIds traces_;
  EventIntake intake_;
  PublisherRates rates_;
  broadcast::PublishBody body_;
  AcceptedReply accepted_;
  std::string answer_;         // The body of the answer being made; kept for its memory.
  std::size_t questions_ = 0;  // To the workers, not answered yet.
};

}  // namespace crier::cmd
