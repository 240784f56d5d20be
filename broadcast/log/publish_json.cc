#include "broadcast/log/publish_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "broadcast/log/idempotency.h"
#include "core/check.h"
#include "core/text/escape.h"
#include "core/text/sse_text.h"
#include "core/text/topic_text.h"
#include "core/topic.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kEventsKept = 256;  // Room that is kept for the next body.

constexpr std::array<std::string_view, 4> kKeys = {"topic", "data", "event", "key"};
enum Key : std::size_t { kTopic, kData, kEvent, kKey };

BodyRefusal malformed(std::string message) {
  return {.too_large = false, .message = std::move(message)};
}

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

BodyRefusal no_event(std::string_view text, const JsonProblem& problem) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return malformed(
        R"(An event is a JSON object, for example {"topic": "news", "data": "Hello"}.)");
  }
  return malformed("This is not a JSON object: " + std::string(problem.message) + ", at byte " +
                   std::to_string(problem.at + 1) + ".");
}

}  // namespace

struct PublishBody::Members {
  std::array<JsonValue, kKeys.size()> values;
  std::array<bool, kKeys.size()> given{};
};

std::optional<BodyRefusal> judge_event(const Event& event, std::size_t event_bytes_max) {
  if (!valid_topic(event.topic)) return malformed(describe_bad_topic(event.topic));
  if (!allowed_event_name(event.name)) {
    return malformed("The event name " + in_quotes(event.name) +
                     " is not allowed: at most 255 bytes of UTF-8 without control characters, and "
                     "not \"error\", \"open\" or \"crier.*\".");
  }
  if (event.data.size() > event_bytes_max) {
    return BodyRefusal{.too_large = true,
                       .message = "The event's data is " + std::to_string(event.data.size()) +
                                  " bytes; limits.event_bytes_max allows " +
                                  std::to_string(event_bytes_max) + "."};
  }
  return std::nullopt;
}

void PublishBody::begin(std::string_view body) {
  clear();
  body_size_ = body.size();
}

void PublishBody::clear() {
  events_.clear();
  if (events_.capacity() > kEventsKept) events_.shrink_to_fit();
  unescaped_.reset();
  unescaped_size_ = 0;
}

std::optional<BodyRefusal> PublishBody::read_object(std::string_view body,
                                                    std::size_t event_bytes_max) {
  begin(body);
  return read(body, 1, event_bytes_max);
}

std::optional<BodyRefusal> PublishBody::read_lines(std::string_view body,
                                                   const BodyLimits& limits) {
  begin(body);
  std::size_t number = 0;
  for (std::string_view rest = body; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (++number > limits.lines_max) {
      clear();
      return BodyRefusal{
          .too_large = true,
          .message = "The body has more lines than limits.request_lines_max allows, " +
                     std::to_string(limits.lines_max) + "."};
    }
    if (blank(line)) continue;
    if (auto refusal = read(line, number, limits.event_bytes_max)) {
      refusal->message.insert(0, "Line " + std::to_string(number) + ": ");
      clear();
      return refusal;
    }
  }
  if (events_.empty()) return malformed("The body contains no event.");
  return std::nullopt;
}

// Returns the text that a string stands for. All strings of a body need at most as many bytes as
// the body.
std::string_view PublishBody::text_of(const JsonValue& value) {
  CRIER_CHECK(value.kind == JsonKind::string);
  if (!value.escaped) return value.text.substr(1, value.text.size() - 2);
  if (!unescaped_) unescaped_ = std::make_unique_for_overwrite<char[]>(body_size_);
  CRIER_CHECK(unescaped_size_ + value.text.size() <= body_size_);
  char* const begin = unescaped_.get() + unescaped_size_;
  const std::size_t size = unescape_json_string(value, begin);
  unescaped_size_ += size;
  return {begin, size};
}

std::optional<BodyRefusal> PublishBody::take(const JsonMember& member, Members& members) {
  const std::string_view key = text_of(member.key);
  const auto at = static_cast<std::size_t>(std::ranges::find(kKeys, key) - kKeys.begin());
  if (at == kKeys.size()) {
    return malformed("The key " + in_quotes(key) +
                     " is unknown; an event has \"topic\", \"data\", \"event\" and \"key\".");
  }
  if (std::exchange(members.given[at], true)) {
    return malformed("The key " + in_quotes(key) + " is given twice.");
  }
  if (at != kData && member.value.kind != JsonKind::string) {
    return malformed("The value of " + in_quotes(key) + " is not a string.");
  }
  members.values[at] = member.value;
  return std::nullopt;
}

std::optional<BodyRefusal> PublishBody::read(std::string_view text, std::size_t line,
                                             std::size_t event_bytes_max) {
  Members members;
  JsonObjectReader reader(text);
  JsonMember member;
  while (reader.next(member)) {
    if (auto refusal = take(member, members)) return refusal;
  }
  if (const JsonProblem* problem = reader.problem()) return no_event(text, *problem);
  for (const Key needed : {kTopic, kData}) {
    if (!members.given[needed])
      return malformed("The key " + in_quotes(kKeys[needed]) + " is missing.");
  }
  PublishEvent publish{.line = line};
  const JsonValue& data = members.values[kData];
  publish.event.topic = text_of(members.values[kTopic]);
  publish.event.data = data.kind == JsonKind::string ? text_of(data) : data.text;
  if (members.given[kEvent]) publish.event.name = text_of(members.values[kEvent]);
  if (members.given[kKey]) publish.key = text_of(members.values[kKey]);
  if (auto refusal = judge_event(publish.event, event_bytes_max)) return refusal;
  if (data.escaped && publish.event.data.find('\0') != std::string_view::npos) {
    return malformed("The event's data contains NUL.");
  }
  if (members.given[kKey] && !valid_idempotency_key(publish.key)) {
    return malformed("The value of \"key\" is not 1 to 255 bytes of printable ASCII.");
  }
  events_.push_back(publish);
  return std::nullopt;
}

}  // namespace crier::broadcast
