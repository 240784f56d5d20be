#include "core/text/topic_text.h"

#include <algorithm>
#include <cstddef>

#include "core/text/escape.h"
#include "core/topic.h"

namespace crier {
namespace {

constexpr std::string_view kTokens =
    "use A-Z, a-z, 0-9, '_' and '-' in tokens joined by single dots";

std::string count_of(std::size_t count, std::string_view what, std::size_t count_max) {
  return "it has " + std::to_string(count) + " " + std::string(what) + ", and at most " +
         std::to_string(count_max) + " are allowed";
}

// Returns `text` with '/' and ':', which other systems use as separators, replaced by dots. Returns
// an empty string if that is not a valid topic.
std::string nearest_topic(std::string_view text) {
  std::string topic(text);
  std::ranges::replace_if(topic, [](char byte) { return byte == '/' || byte == ':'; }, '.');
  topic.erase(0, std::min(topic.find_first_not_of('.'), topic.size()));
  topic.erase(topic.find_last_not_of('.') + 1);
  return valid_topic(topic) ? topic : std::string();
}

std::string describe_bad(std::string_view text, std::string_view wildcards) {
  std::string sentence = in_quotes(text) + " is not a valid topic: ";
  const auto tokens = static_cast<std::size_t>(std::ranges::count(text, '.')) + 1;
  if (text.size() > kTopicBytesMax) {
    return sentence + count_of(text.size(), "bytes", kTopicBytesMax) + ".";
  }
  if (tokens > kTopicTokensMax) return sentence + count_of(tokens, "tokens", kTopicTokensMax) + ".";
  sentence.append(kTokens).append(wildcards);
  const std::string near = nearest_topic(text);
  return near.empty() ? sentence + "." : sentence + "; did you mean " + in_quotes(near) + "?";
}

}  // namespace

std::string describe_bad_topic(std::string_view text) {
  if (!valid_pattern(text)) return describe_bad(text, "");
  return in_quotes(text) + " is a pattern, not a topic: an event is published to one topic.";
}

std::string describe_bad_pattern(std::string_view text) {
  return describe_bad(text, "; in a pattern a token may be '*', and the last one '>'");
}

}  // namespace crier
