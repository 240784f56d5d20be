// The names of topics, and patterns that stand for many of them, by the rules of NATS subjects.
//
// A topic is tokens of [A-Za-z0-9_-]+ joined by dots, e.g. `orders.eu.created`. In a pattern a
// token may also be `*`, which stands for exactly one token, and the last one `>`, which stands for
// one or more.
// `*` and `>` stand alone: `ord*` is neither a topic nor a pattern. Upper and lower case differ.
//
// Pure functions on bytes as they are, after percent-decoding; nothing is allocated but a
// Selector's text. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

// For topics and patterns alike.
inline constexpr std::size_t kTopicBytesMax = 255;
inline constexpr std::size_t kTopicTokensMax = 16;

bool valid_topic(std::string_view text);
// True for literal topics, too.
bool valid_pattern(std::string_view text);

// Takes the first token off `rest`, with the dot behind it: walks a topic or pattern token by token
// until nothing is left. Requires: `rest` is what is left of a valid one, and not empty.
std::string_view take_token(std::string_view& rest);

// What a stream asks for: one topic, or a pattern. Made once, where the request is read; from there
// on the kind is carried along, so that nothing looks for wildcards in a text again.
struct Selector {
  enum class Kind : std::uint8_t { topic, pattern };

  Kind kind = Kind::topic;
  std::string text;

  // Nothing unless valid_pattern(text).
  static std::optional<Selector> parse(std::string_view text);

  bool is_pattern() const { return kind == Kind::pattern; }
  bool matches(std::string_view topic) const;
  friend bool operator==(const Selector&, const Selector&) = default;
};

// Linear in the shorter of the two. Requires: valid_pattern(pattern), valid_topic(topic).
bool matches(std::string_view pattern, std::string_view topic);

// Does `pattern` match every topic that `subscription`, itself perhaps a pattern, matches? Decided
// by the tokens alone: that `>` can only be one token where 15 come before it makes no `*` cover
// it. Requires: valid_pattern(pattern), valid_pattern(subscription).
bool covers(std::string_view pattern, std::string_view subscription);

// Is there a topic that both match? Decided by the tokens alone: that it might be too long is not
// looked at. Requires: valid_pattern(pattern), valid_pattern(other).
bool overlap(std::string_view pattern, std::string_view other);

}  // namespace crier
