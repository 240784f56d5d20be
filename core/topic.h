// Names of topics, and patterns that match many of them, by the rules of NATS subjects.
//
// A topic is tokens of [A-Za-z0-9_-]+ joined by dots, e.g. `orders.eu.created`. In a pattern, a
// token may also be `*`, which matches exactly one token, and the last token may be `>`, which
// matches one or more. A wildcard is a whole token: `ord*` is neither a topic nor a pattern. Upper
// and lower case differ.
//
// Pure functions on bytes as they are, after percent-decoding; only a Selector's text is allocated.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

// Bounds of topics and of patterns.
inline constexpr std::size_t kTopicBytesMax = 255;
inline constexpr std::size_t kTopicTokensMax = 16;

// Returns true if the text is a topic within these bounds.
bool valid_topic(std::string_view text);
// Returns true if the text is a pattern within these bounds. Returns true for literal topics, too.
bool valid_pattern(std::string_view text);

// Removes the first token and its dot from `rest` and returns the token. Walks a topic or pattern
// token by token until `rest` is empty. Requires: `rest` is not empty and is the end of a valid
// topic or pattern.
std::string_view take_token(std::string_view& rest);

// A subscription of a stream: one topic, or a pattern. The text is parsed once, when the request is
// read; later code uses `kind` and never searches the text for wildcards.
struct Selector {
  enum class Kind : std::uint8_t { topic, pattern };

  Kind kind = Kind::topic;
  std::string text;

  // Returns nothing unless valid_pattern(text).
  static std::optional<Selector> parse(std::string_view text);

  bool is_pattern() const { return kind == Kind::pattern; }
  // Requires: valid_topic(topic).
  bool matches(std::string_view topic) const;
  friend bool operator==(const Selector&, const Selector&) = default;
};

// Returns true if the pattern matches the topic. Takes time linear in the shorter of the two.
// Requires: valid_pattern(pattern), valid_topic(topic).
bool matches(std::string_view pattern, std::string_view topic);

// Returns true if `pattern` matches every topic that `subscription`, which may be a pattern,
// matches. Compares token by token and does not consider the bound on tokens: after 15 tokens a `>`
// can only be one more token, yet `*` does not cover it there. Requires: valid_pattern() of both.
bool covers(std::string_view pattern, std::string_view subscription);

// Returns true if some topic matches both patterns. Compares token by token and does not consider
// the bounds on bytes and tokens. Requires: valid_pattern() of both.
bool overlap(std::string_view pattern, std::string_view other);

}  // namespace crier
