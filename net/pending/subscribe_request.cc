#include "net/pending/subscribe_request.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/check.h"
#include "core/text/decimal.h"
#include "core/text/escape.h"
#include "core/text/percent.h"
#include "core/text/topic_text.h"
#include "core/topic.h"
#include "net/http/head_bytes.h"

namespace crier::net {
namespace {

constexpr std::string_view kEventsPath = "/events";
constexpr std::string_view kLastPrefix = "last=";
constexpr std::string_view kUnknownId = "?";

static_assert(kLastCountMax == 1'000'000, "a message below names the number");

constexpr std::string_view kBadEscape =
    "A name or a topic in the query has an invalid percent escape.";
constexpr std::string_view kKnownParameters =
    "/events takes topic, last, from, last_event_id, rate and padding, and ignores names that "
    "begin with '_'";

// In lower case; compared in any case, because clients send lastEventId, Last-Event-ID and others.
constexpr std::array<std::string_view, 4> kResumeNames = {"last_event_id", "lasteventid",
                                                          "last-event-id", "evs_last_event_id"};

using Problem = std::optional<SubscribeRefusal>;

SubscribeRefusal bad_query(std::string message) {
  return {"bad_query", std::move(message)};
}

// The positions to begin at that the query names.
struct Start {
  std::array<std::string, kResumeNames.size()> ids;  // The first value of each name.
  bool given = false;                                // The query has `last` or `from`.
  Resume resume = Resume::none;
  std::uint32_t last_count = 0;
};

Problem add_topic(std::string_view topic, std::size_t topics_max, SubscribeRequest& parsed) {
  auto selector = Selector::parse(topic);
  if (!selector) return SubscribeRefusal{"bad_topic", describe_bad_pattern(topic)};
  if (std::ranges::find(parsed.topics, *selector) != parsed.topics.end()) return std::nullopt;
  if (parsed.topics.size() >= topics_max) {
    return SubscribeRefusal{
        "too_many_topics",
        "The request names more topics than limits.topics_per_stream_max allows."};
  }
  parsed.topics.push_back(*std::move(selector));
  return std::nullopt;
}

Problem add_path_topic(std::string_view path, std::size_t topics_max, SubscribeRequest& parsed) {
  if (path.size() <= kEventsPath.size() + 1) return std::nullopt;  // "/events" or "/events/"
  const auto topic = percent_decode(path.substr(kEventsPath.size() + 1), false);
  return topic ? add_topic(*topic, topics_max, parsed) : bad_query(std::string(kBadEscape));
}

// Requires: `name` is `last` or `from`.
Problem take_start(std::string_view name, std::string_view value, Start& start) {
  if (std::exchange(start.given, true)) {
    return bad_query("Give `last` or `from` once, and not both.");
  }
  if (name == "last") {
    const auto count = parse_last_count(value);
    if (!count) {
      return bad_query("last=" + in_quotes(value) +
                       " is not a number from 1 to 1000000: the last N events of each topic.");
    }
    start.resume = Resume::last;
    start.last_count = *count;
  } else if (value == "earliest") {
    start.resume = Resume::earliest;
  } else if (value != "latest") {
    return bad_query("from=" + in_quotes(value) +
                     " is not allowed: use from=earliest, from=latest or last=N.");
  }
  return std::nullopt;
}

// Returns 0 for a text that is no rate.
std::uint32_t parse_rate(std::string_view text) {
  const std::uint32_t rate = parse_decimal<std::uint32_t>(text).value_or(0);
  return rate <= kRateMax ? rate : 0;
}

void take_rate(std::string_view value, SubscribeRequest& parsed) {
  const std::uint32_t rate = parse_rate(value);
  if (rate > 0) parsed.rate = parsed.rate == 0 ? rate : std::min(parsed.rate, rate);
}

// Parameters without a meaning for crier: those that pages add against caches, and those of popular
// polyfills: `r` (Yaffle's, before 1.0), `evs_…` (amvtek's).
bool is_ignored(std::string_view name) {
  return name.starts_with('_') || name.starts_with("evs_") || name == "padding" || name == "r" ||
         name == "t";
}

Problem take_parameter(std::string_view piece, std::size_t topics_max, Start& start,
                       SubscribeRequest& parsed) {
  if (piece.empty()) return std::nullopt;
  const std::size_t equals = std::min(piece.find('='), piece.size());
  const std::optional<std::string> name = percent_decode(piece.substr(0, equals), true);
  if (!name) return bad_query(std::string(kBadEscape));  // The name may be a broken "topic".
  const std::string_view raw = piece.substr(std::min(equals + 1, piece.size()));
  std::optional<std::string> value = percent_decode(raw, true);
  if (*name == "topic") {
    // A proxy may ask an application about the topics in the URL: one after t%6fpic would pass
    // unseen.
    if (*name != piece.substr(0, equals)) {
      return bad_query("Write the name of the parameter `topic` without percent escapes.");
    }
    return value ? add_topic(*value, topics_max, parsed) : bad_query(std::string(kBadEscape));
  }
  if (*name == "last" || *name == "from") return take_start(*name, value.value_or("%"), start);
  if (*name == "rate") {
    take_rate(value.value_or(""), parsed);
    return std::nullopt;
  }
  const auto known = std::ranges::find_if(
      kResumeNames, [&name](std::string_view each) { return equal_ignoring_case(each, *name); });
  if (known != kResumeNames.end()) {
    std::string& slot = start.ids[static_cast<std::size_t>(known - kResumeNames.begin())];
    if (slot.empty()) slot = value ? *std::move(value) : std::string(kUnknownId);
    return std::nullopt;
  }
  parsed.padding = parsed.padding || (*name == "padding" && raw == "true") ||
                   (*name == "evs_preamble" && raw == "1");
  if (is_ignored(*name)) return std::nullopt;
  return bad_query("The parameter " + in_quotes(*name) + " is unknown; " +
                   std::string(kKnownParameters) + ".");
}

void set_resume(std::string_view value, SubscribeRequest& parsed) {
  if (value.empty()) return;
  if (value == "earliest") {
    parsed.resume = Resume::earliest;
    return;
  }
  const auto count = value.starts_with(kLastPrefix)
                         ? parse_last_count(value.substr(kLastPrefix.size()))
                         : std::nullopt;
  parsed.resume = count ? Resume::last : Resume::id;
  if (count) {
    parsed.last_count = *count;
  } else {
    parsed.resume_id = value;
  }
}

}  // namespace

std::optional<std::uint32_t> parse_last_count(std::string_view text) {
  const auto count = parse_decimal<std::uint32_t>(text);
  return count && *count > 0 && *count <= kLastCountMax ? count : std::nullopt;
}

bool is_events_path(std::string_view path) {
  if (!path.starts_with(kEventsPath)) return false;
  return path.size() == kEventsPath.size() || path[kEventsPath.size()] == '/';
}

std::expected<SubscribeRequest, SubscribeRefusal> parse_subscribe_request(const Request& request,
                                                                          std::size_t topics_max) {
  CRIER_CHECK(is_events_path(request.path));
  SubscribeRequest parsed;
  Start start;
  if (auto problem = add_path_topic(request.path, topics_max, parsed)) {
    return std::unexpected(*std::move(problem));
  }
  for (std::string_view rest = request.query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (auto problem = take_parameter(rest.substr(0, end), topics_max, start, parsed)) {
      return std::unexpected(*std::move(problem));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (parsed.topics.empty()) {
    return std::unexpected(SubscribeRefusal{
        "no_topic", "Name at least one topic: /events?topic=NAME or /events/NAME."});
  }

  // An empty header means that the client has no id yet; the URL may still ask for history. A
  // client that reconnects sends its id along with the URL's `last` or `from`: the id wins.
  set_resume(request.last_event_id, parsed);
  for (const std::string& id : start.ids) {
    if (parsed.resume == Resume::none) set_resume(id, parsed);
  }
  if (parsed.resume == Resume::none) {
    parsed.resume = start.resume;
    parsed.last_count = start.last_count;
  }
  parsed.consumer_throughput = parse_rate(request.consumer_throughput);
  parsed.consumer_lag = parse_decimal<std::uint32_t>(request.consumer_lag).value_or(0);
  return parsed;
}

}  // namespace crier::net
