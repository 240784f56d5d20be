#include "core/topic.h"

#include <algorithm>

namespace crier {
namespace {

constexpr std::string_view kOneToken = "*";
constexpr std::string_view kRest = ">";

// Removes the first token, which may be empty, from `rest`. Sets `last` if no token is left.
std::string_view split_token(std::string_view& rest, bool& last) {
  const std::size_t dot = rest.find('.');
  last = dot == std::string_view::npos;
  const std::string_view token = rest.substr(0, dot);
  rest.remove_prefix(last ? rest.size() : dot + 1);
  return token;
}

bool token_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool literal_token(std::string_view token) {
  return !token.empty() && std::all_of(token.begin(), token.end(), token_byte);
}

bool valid(std::string_view text, bool wildcards) {
  if (text.size() > kTopicBytesMax) return false;
  bool last = false;
  for (std::size_t tokens = 1; !last; ++tokens) {
    const std::string_view token = split_token(text, last);
    const bool wildcard = wildcards && (token == kOneToken || (token == kRest && last));
    if (tokens > kTopicTokensMax || (!wildcard && !literal_token(token))) return false;
  }
  return true;
}

}  // namespace

bool valid_topic(std::string_view text) {
  return valid(text, false);
}

bool valid_pattern(std::string_view text) {
  return valid(text, true);
}

std::string_view take_token(std::string_view& rest) {
  bool last = false;
  return split_token(rest, last);
}

std::optional<Selector> Selector::parse(std::string_view text) {
  if (!valid_pattern(text)) return std::nullopt;
  const bool wildcard = text.find_first_of("*>") != std::string_view::npos;
  return Selector{wildcard ? Kind::pattern : Kind::topic, std::string(text)};
}

bool Selector::matches(std::string_view topic) const {
  return is_pattern() ? crier::matches(text, topic) : text == topic;
}

// A topic is a subscription without wildcards, so covers() answers both questions.
bool matches(std::string_view pattern, std::string_view topic) {
  return covers(pattern, topic);
}

bool covers(std::string_view pattern, std::string_view subscription) {
  for (;;) {
    const std::string_view wanted = take_token(pattern);
    const std::string_view token = take_token(subscription);
    if (wanted == kRest) return true;
    if (token == kRest || (wanted != kOneToken && wanted != token)) return false;
    if (pattern.empty() || subscription.empty()) return pattern.empty() && subscription.empty();
  }
}

bool overlap(std::string_view pattern, std::string_view other) {
  for (;;) {
    const std::string_view one = take_token(pattern);
    const std::string_view two = take_token(other);
    if (one == kRest || two == kRest) return true;  // The rest of the other pattern matches `>`.
    if (one != two && one != kOneToken && two != kOneToken) return false;
    if (pattern.empty() || other.empty()) return pattern.empty() && other.empty();
  }
}

}  // namespace crier
