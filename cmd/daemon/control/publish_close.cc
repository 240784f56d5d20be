// PublishRoutes continued: how a topic is closed, how the dashboard publishes, which publish is
// followed, and what a publisher is told when the journal has not taken all of its events.

#include <array>
#include <memory>
#include <span>
#include <string>

#include "broadcast/log/event.h"
#include "cmd/daemon/control/publish_call.h"
#include "cmd/daemon/control/publish_refusals.h"

namespace crier::cmd {

// The closing event follows the last event, if the request has one, in the same group, so that no
// other event comes between them and both are committed or neither.
void PublishRoutes::close_topic(const Call& call, std::string_view topic) {
  if (!may_publish(call)) return;
  TextEvent last;
  if (!read_text(call, topic, last)) return;
  const net::Request& head = call.head();
  const std::string data = broadcast::closed_data(topic);
  last.publish.line = 1;
  const broadcast::PublishEvent closing{
      .event = {.topic = topic, .data = data, .name = broadcast::kClosedName}, .line = 1};
  const std::array<broadcast::PublishEvent, 2> both = {last.publish, closing};
  const bool has_last = !call.request.body.empty() || !last.name.empty();
  auto events = std::span(both).subspan(has_last ? 0 : 1);
  std::optional<IntakeOutcome> outcome;
  if (head.has_idempotency_key) {
    // What the key stands for. No body of lines looks like it.
    std::string content = "DELETE " + std::string(topic);
    if (has_last) content.append("\n" + last.name + "\n").append(call.request.body);
    outcome = intake_.submit_whole(call.uid(), head.idempotency_key, content, events, call.now);
    if (outcome && outcome->conflict_line != 0) return refuse_reused_key(later(call), 0);
  } else {
    outcome = intake_.submit(call.uid(), events, call.now);
  }
  if (outcome && outcome->closed_line != 0 && !has_last) {  // It repeats the first answer.
    const std::uint64_t first = parts_.log.closing_of(topic).sequence;
    outcome = IntakeOutcome{.answer = {first, first, 1}};
  }
  Trace none;
  settle(call, AnswerForm::id, events.size(), outcome, none);
}

void PublishRoutes::publish_of_page(const net::HttpRequest& request,
                                    const net::Responder& responder) {
  publish_body({request, responder, parts_.now()});
}

PublishRoutes::Trace PublishRoutes::make_trace(const Call& call, std::string_view topic,
                                               std::uint64_t accepted_ns) {
  return std::make_unique<PublishTrace>(PublishTrace{.trace_id = traces_.of(call.head()),
                                                     .topic = std::string(topic),
                                                     .received_ns = call.arrived().us * 1'000,
                                                     .accepted_ns = accepted_ns});
}

// --- what a journal has not taken ---

void PublishRoutes::refuse_failed(Later answer, AnswerForm form, const IntakeOutcome& outcome) {
  using enum broadcast::JournalFailure;
  const bool lines = form == AnswerForm::lines;
  if (lines) answer.options.accepted = outcome.taken;
  switch (*outcome.failure) {
    case no_space:
      return refuse(answer, PublishRefusal::no_space,
                    "The journal has no space left; publish again later.");
    case key_reused:
      return refuse_reused_key(answer, lines ? outcome.conflict_line : 0);
    case answer_lost:
      return refuse(answer, PublishRefusal::key_reused, kAnswerLost,
                    "The idempotency key was used before, and its event is gone: the first answer "
                    "cannot be given again.");
    case io_error:
    case unavailable:
      break;
  }
  refuse(answer, PublishRefusal::journal,
         "The journal cannot commit events now; publish again later, with the same key.");
}

void PublishRoutes::refuse_reused_key(const Later& answer, std::size_t line) {
  const std::string where = line == 0 ? "" : "Line " + std::to_string(line) + ": ";
  refuse(answer, PublishRefusal::key_reused,
         where + "The idempotency key was used before for a different request.");
}

}  // namespace crier::cmd
