#include "net/pending/subscribe_request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/text/decimal.h"
#include "core/text/percent.h"
#include "core/topic.h"

namespace crier::net {
namespace {

constexpr std::string_view kEventsPath = "/events";
constexpr std::string_view kLastPrefix = "last=";
constexpr std::string_view kUnknownId = "?";

static_assert(kTopicBytesMax == 255 && kTopicTokensMax == 16, "two messages below say so");

constexpr Refusal kNoTopic{400, "no_topic",
                           "Name at least one topic: /events?topic=NAME or /events/NAME."};
constexpr Refusal kTooManyTopics{
    400, "too_many_topics",
    "The request names more topics than limits.topics_per_stream_max allows."};
constexpr Refusal kTopicTooLong{400, "bad_topic", "A topic has at most 255 bytes."};
constexpr Refusal kTopicTooDeep{400, "bad_topic", "A topic has at most 16 tokens."};
constexpr Refusal kTopicTokens{400, "bad_topic",
                               "A topic is tokens of A-Z, a-z, 0-9, '_' and '-', joined by single "
                               "dots; in a pattern a token may be '*', "
                               "and the last one '>'."};
constexpr Refusal kBadQuery{400, "bad_query",
                            "A name or a topic in the query has an invalid percent escape."};

constexpr std::array<std::string_view, 5> kResumeNames = {
    "last_event_id", "lastEventId", "lastEventID", "Last-Event-ID", "evs_last_event_id"};

const Refusal* add_topic(std::string_view topic, std::size_t topics_max, SubscribeRequest& parsed) {
  auto selector = Selector::parse(topic);
  if (!selector) {
    if (topic.size() > kTopicBytesMax) return &kTopicTooLong;
    const auto dots = static_cast<std::size_t>(std::ranges::count(topic, '.'));
    return dots >= kTopicTokensMax ? &kTopicTooDeep : &kTopicTokens;
  }
  if (std::ranges::find(parsed.topics, *selector) != parsed.topics.end()) return nullptr;
  if (parsed.topics.size() >= topics_max) return &kTooManyTopics;
  parsed.topics.push_back(*std::move(selector));
  return nullptr;
}

const Refusal* add_path_topic(std::string_view path, std::size_t topics_max,
                              SubscribeRequest& parsed) {
  if (path.size() <= kEventsPath.size() + 1) return nullptr;  // "/events" or "/events/"
  std::optional<std::string> topic = percent_decode(path.substr(kEventsPath.size() + 1), false);
  return topic ? add_topic(*topic, topics_max, parsed) : &kBadQuery;
}

// The values given to each of kResumeNames, first come.
using ResumeValues = std::array<std::string, kResumeNames.size()>;

const Refusal* take_parameter(std::string_view piece, std::size_t topics_max, ResumeValues& resume,
                              SubscribeRequest& parsed) {
  const std::size_t equals = std::min(piece.find('='), piece.size());
  const std::optional<std::string> name = percent_decode(piece.substr(0, equals), true);
  if (!name) return &kBadQuery;  // It might have been "topic".
  const std::string_view raw = piece.substr(std::min(equals + 1, piece.size()));
  std::optional<std::string> value = percent_decode(raw, true);
  if (*name == "topic") {
    return value ? add_topic(*value, topics_max, parsed) : &kBadQuery;
  }
  parsed.padding = parsed.padding || (*name == "padding" && raw == "true") ||
                   (*name == "evs_preamble" && raw == "1");
  if (const auto known = std::ranges::find(kResumeNames, *name); known != kResumeNames.end()) {
    std::string& slot = resume[static_cast<std::size_t>(known - kResumeNames.begin())];
    if (slot.empty()) slot = value ? *std::move(value) : std::string(kUnknownId);
  }
  return nullptr;
}

std::optional<std::uint32_t> parse_last(std::string_view value) {
  if (!value.starts_with(kLastPrefix)) return std::nullopt;
  value.remove_prefix(kLastPrefix.size());
  const auto count = parse_decimal<std::uint32_t>(value);
  return count && *count > 0 && *count <= kLastCountMax ? count : std::nullopt;
}

void set_resume(std::string_view value, SubscribeRequest& parsed) {
  if (value.empty()) return;
  if (value == "earliest") {
    parsed.resume = Resume::earliest;
  } else if (const std::optional<std::uint32_t> count = parse_last(value)) {
    parsed.resume = Resume::last;
    parsed.last_count = *count;
  } else {
    parsed.resume = Resume::id;
    parsed.resume_id = value;
  }
}

}  // namespace

bool is_events_path(std::string_view path) {
  if (!path.starts_with(kEventsPath)) return false;
  return path.size() == kEventsPath.size() || path[kEventsPath.size()] == '/';
}

std::expected<SubscribeRequest, Refusal> parse_subscribe_request(const Request& request,
                                                                 std::size_t topics_max) {
  CRIER_CHECK(is_events_path(request.path));
  SubscribeRequest parsed;
  ResumeValues resume;
  if (const Refusal* refusal = add_path_topic(request.path, topics_max, parsed)) {
    return std::unexpected(*refusal);
  }
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (const Refusal* refusal = take_parameter(rest.substr(0, end), topics_max, resume, parsed)) {
      return std::unexpected(*refusal);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (parsed.topics.empty()) return std::unexpected(kNoTopic);

  // An empty header says only that the client remembers nothing: the URL may still ask for
  // "last=10".
  set_resume(request.last_event_id, parsed);
  for (const std::string& value : resume) {
    if (parsed.resume == Resume::none) set_resume(value, parsed);
  }
  return parsed;
}

}  // namespace crier::net
