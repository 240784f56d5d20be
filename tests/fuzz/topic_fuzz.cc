// Compares percent-decoding, queries, topics and patterns with naive and slow code for the same
// rules.
//
// Input: text. Its first three lines are pattern, subscription and topic, once unchanged and once
// with every byte mapped into a small alphabet, so that most of them are valid.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/text/percent.h"
#include "core/topic.h"

namespace {

using Tokens = std::vector<std::string>;

Tokens split(std::string_view text) {
  Tokens tokens(1);
  for (const char c : text) {
    if (c == '.') {
      tokens.emplace_back();
    } else {
      tokens.back().push_back(c);
    }
  }
  return tokens;
}

bool naive_valid(std::string_view text, bool pattern) {
  const Tokens tokens = split(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (pattern && (tokens[i] == "*" || (tokens[i] == ">" && i + 1 == tokens.size()))) continue;
    static const std::string kAllowed =
        "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (tokens[i].empty() || tokens[i].find_first_not_of(kAllowed) != std::string::npos)
      return false;
  }
  return text.size() <= 255 && tokens.size() <= 16;
}

// Whether the pattern from its i-th token on matches the topic from its j-th token on.
bool naive_matches(const Tokens& pattern, std::size_t i, const Tokens& topic, std::size_t j) {
  if (i == pattern.size() || j == topic.size()) return i == pattern.size() && j == topic.size();
  if (pattern[i] == ">")
    return naive_matches(pattern, i + 1, topic, j + 1) || naive_matches(pattern, i, topic, j + 1);
  return (pattern[i] == "*" || pattern[i] == topic[j]) &&
         naive_matches(pattern, i + 1, topic, j + 1);
}

// A topic that the subscription matches and that other patterns do not match by chance: it has
// `fresh` for each wildcard, and twice for `>` on request.
Tokens witness(std::string_view subscription, const std::string& fresh, bool twice) {
  Tokens tokens = split(subscription);
  const bool rest = tokens.back() == ">";
  for (std::string& token : tokens) {
    if (token == "*" || token == ">") token = fresh;
  }
  if (rest && twice) tokens.push_back(fresh);
  return tokens;
}

void check_topics(std::string_view pattern, std::string_view subscription, std::string_view topic) {
  for (const std::string_view text : {pattern, subscription, topic}) {
    CRIER_CHECK(crier::valid_topic(text) == naive_valid(text, false));
    CRIER_CHECK(crier::valid_pattern(text) == naive_valid(text, true));
    if (!crier::valid_pattern(text)) continue;
    CRIER_CHECK(crier::Selector::parse(text)->is_pattern() != crier::valid_topic(text));
    CRIER_CHECK(crier::covers(text, text));
    CRIER_CHECK(crier::covers(">", text));
  }
  if (!crier::valid_pattern(pattern)) return;

  const bool matched = crier::valid_topic(topic) && crier::matches(pattern, topic);
  if (crier::valid_topic(topic)) {
    CRIER_CHECK(matched == naive_matches(split(pattern), 0, split(topic), 0));
  }
  if (!crier::valid_pattern(subscription)) return;

  const std::string fresh(pattern.size() + 1, 'f');  // Longer than any token of the pattern.
  const bool covered = naive_matches(split(pattern), 0, witness(subscription, fresh, false), 0) &&
                       naive_matches(split(pattern), 0, witness(subscription, fresh, true), 0);
  CRIER_CHECK(crier::covers(pattern, subscription) == covered);
  const bool both = crier::overlap(pattern, subscription);
  CRIER_CHECK(both == crier::overlap(subscription, pattern));
  CRIER_CHECK(both || !covered);
  if (matched && crier::matches(subscription, topic)) CRIER_CHECK(both);
  if (covered && crier::valid_topic(topic) && crier::matches(subscription, topic)) {
    CRIER_CHECK(matched);
  }
}

std::optional<std::string> naive_decode(std::string_view text, bool plus_is_space) {
  static const std::string kDigits = "0123456789abcdef0123456789ABCDEF";
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (plus_is_space && c == '+') c = ' ';
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const std::size_t high = kDigits.find(text[i + 1]);
      const std::size_t low = kDigits.find(text[i + 2]);
      if (high == std::string::npos || low == std::string::npos) return std::nullopt;
      c = static_cast<char>(high % 16 * 16 + low % 16);
      i += 2;
    }
    if (c == 0) return std::nullopt;
    decoded.push_back(c);
  }
  return decoded;
}

std::string encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    encoded.append({'%', "0123456789abcdef"[byte >> 4], "0123456789ABCDEF"[byte & 15]});
  }
  return encoded;
}

void check_percent(std::string_view text) {
  CRIER_CHECK(crier::percent_decode(text, false) == naive_decode(text, false));
  CRIER_CHECK(crier::percent_decode(text, true) == naive_decode(text, true));
  const bool has_nul = text.find('\0') != std::string_view::npos;
  const auto back = crier::percent_decode(encode(text), true);
  CRIER_CHECK(has_nul ? !back : back == text);

  const auto pairs = crier::parse_query(text, 8);
  if (!pairs) return;
  CRIER_CHECK(pairs->size() <= 8);
  std::string query;
  for (const auto& [name, value] : *pairs) query += encode(name) + "=" + encode(value) + "&";
  CRIER_CHECK(crier::parse_query(query, pairs->size()) == pairs);
}

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

void check_lines(std::string_view text) {
  const std::string_view pattern = take_line(text);
  const std::string_view subscription = take_line(text);
  check_topics(pattern, subscription, take_line(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  check_percent(text);
  check_lines(text);

  constexpr std::array<char, 8> kAlphabet = {'a', 'b', '.', '.', '*', '>', '\n', '.'};
  std::string folded = text;
  for (char& c : folded) c = kAlphabet[static_cast<std::uint8_t>(c) % kAlphabet.size()];
  check_lines(folded);
  return 0;
}
