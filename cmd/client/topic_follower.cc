#include "cmd/client/topic_follower.h"

#include "cmd/client/terminal.h"
#include "config/json_value.h"
#include "core/text/escape.h"
#include "core/text/sse_text.h"
#include "net/pending/subscribe_request.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kLast = "last=";

bool is_ours(const SseMessage& message) {
  return message.event.starts_with("crier.");
}

// The data of crier's own events, as far as the warnings use it.
struct Notice {
  std::string reason = "no reason given";
  std::string topic = "a topic";
  std::optional<std::uint64_t> missed;
};

Notice read_notice(std::string_view data) {
  Notice notice;
  const config::Json json = config::read_json(data);
  if (!json.is_object()) return notice;
  if (const auto reason = json.find("reason"); reason != json.end() && reason->is_string()) {
    notice.reason = reason->get<std::string>();
  }
  if (const auto topic = json.find("topic"); topic != json.end() && topic->is_string()) {
    notice.topic = topic->get<std::string>();
  }
  if (const auto missed = json.find("missed");
      missed != json.end() && missed->is_number_unsigned()) {
    notice.missed = missed->get<std::uint64_t>();
  }
  return notice;
}

}  // namespace

std::string event_text(const SubscribeAs& as, const SseMessage& message) {
  if (as.json) {
    std::string line = "{\"id\":";
    append_json_string(line, message.last_event_id);
    append_json_string(line.append(",\"event\":"), message.event);
    append_json_string(line.append(",\"data\":"), message.data);
    return line + "}\n";
  }
  // The name tells the data of crier's own events from the data of published ones.
  const std::string text = is_ours(message) ? message.event + " " + message.data : message.data;
  return (as.escape ? printable(text, Keep::lines) : text) + "\n";
}

bool valid_from(std::string_view from) {
  if (from == "earliest" || from == "latest") return true;
  return from.starts_with(kLast) && net::parse_last_count(from.substr(kLast.size()));
}

ClientRequest TopicFollower::request() const {
  ClientRequest request;
  request.target = as_.base + "/events";
  char separator = '?';
  for (const std::string& topic : as_.topics) {
    (request.target += separator).append("topic=").append(percent_encoded(topic));
    separator = '&';
  }
  request.fields = {{"Accept", "text/event-stream"}, {"Cache-Control", "no-cache"}};
  if (!resume_id_.empty()) {
    request.fields.emplace_back("Last-Event-ID", resume_id_);
  } else if (!as_.from.empty()) {
    request.target += (as_.from.starts_with(kLast) ? "&" : "&from=") + as_.from;
  }
  return request;
}

void TopicFollower::on_message(const SseMessage& message) {
  if (state_ != State::going) return;
  if (as_.verify && !verified(message)) {
    state_ = State::unverified;
    return;
  }
  if (message.event != "crier.busy") served_ = true;
  if (!message.last_event_id.empty()) resume_id_ = message.last_event_id;
  if (is_ours(message)) {
    tell(message);
    if (as_.all) print(message);
    return;
  }
  print(message);
  ++counted_;
  if (state_ == State::going && as_.count && counted_ >= *as_.count) state_ = State::counted;
}

// Warns of an event that does not pass.
bool TopicFollower::verified(const SseMessage& message) const {
  if (message.crc32c.empty()) {
    if (is_ours(message)) return true;
    output_.warn("the event " + message.last_event_id +
                 " has no checksum: frames.checksum of the server is off, or its line was lost");
    return false;
  }
  const std::string found = event_checksum(message.last_event_id, message.event, message.data);
  if (found == message.crc32c) return true;
  output_.warn("the event " + message.last_event_id + " is damaged: its checksum is " +
               message.crc32c + ", that of what arrived is " + found);
  return false;
}

void TopicFollower::print(const SseMessage& message) {
  if (!output_.print(event_text(as_, message))) state_ = State::output_failed;
}

void TopicFollower::tell(const SseMessage& message) {
  const Notice notice = read_notice(message.data);
  if (message.event == "crier.gap") {
    const std::string what = !notice.missed ? "events may have been lost"
                             : *notice.missed == 1
                                 ? "1 event was lost"
                                 : std::to_string(*notice.missed) + " events were lost";
    output_.warn("warning: " + what + " (" + notice.reason + ")");
  } else if (message.event == "crier.busy") {
    output_.warn("the server is busy (" + notice.reason + "); trying again");
  } else if (message.event == "crier.closed") {
    output_.warn(notice.topic + " is closed");
  } else if (message.event == "crier.end" && notice.reason == "closed") {
    state_ = State::closed;
  } else if (message.event == "crier.end") {
    output_.warn("the server ended the stream (" + notice.reason + "); connecting again");
  }
}

}  // namespace crier::cmd
