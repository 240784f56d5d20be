#include "core/topic.h"

#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using crier::covers;
using crier::matches;
using crier::overlap;
using crier::Selector;
using crier::valid_pattern;
using crier::valid_topic;

namespace {

std::string tokens(std::size_t count, std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text.append(i == 0 ? "" : ".").append(token);
  return text;
}

enum class Kind { topic, pattern, neither };

}  // namespace

TEST_CASE("a text is a topic, a pattern or neither") {
  const auto [text, kind] = GENERATE(table<std::string, Kind>({
      {"a", Kind::topic},
      {"orders.eu.created", Kind::topic},
      {"A-Z_0-9.-._", Kind::topic},
      {"crier.open", Kind::topic},
      {tokens(16, "t"), Kind::topic},
      {std::string(255, 'x'), Kind::topic},
      {"*", Kind::pattern},
      {">", Kind::pattern},
      {"*.*", Kind::pattern},
      {"orders.*.created", Kind::pattern},
      {"orders.>", Kind::pattern},
      {"*.eu.>", Kind::pattern},
      {tokens(15, "t") + ".>", Kind::pattern},
      {std::string(253, 'x') + ".*", Kind::pattern},
      {"", Kind::neither},
      {".", Kind::neither},
      {"..", Kind::neither},
      {".a", Kind::neither},
      {"a.", Kind::neither},
      {"a..b", Kind::neither},
      {">.", Kind::neither},
      {".>", Kind::neither},
      {">.a", Kind::neither},
      {"a.>.b", Kind::neither},
      {">.>", Kind::neither},
      {"ord*", Kind::neither},
      {"*a", Kind::neither},
      {"**", Kind::neither},
      {">>", Kind::neither},
      {"a.b>", Kind::neither},
      {"a b", Kind::neither},
      {"a/b", Kind::neither},
      {"a%2eb", Kind::neither},
      {"a\r\nb", Kind::neither},
      {"a:b", Kind::neither},
      {"a@b", Kind::neither},
      {"gr\xC3\xBC\xC3\x9F", Kind::neither},
      {tokens(17, "t"), Kind::neither},
      {tokens(16, "t") + ".>", Kind::neither},
      {std::string(256, 'x'), Kind::neither},
      {std::string(254, 'x') + ".*", Kind::neither},
  }));
  INFO(text);
  CHECK(valid_topic(text) == (kind == Kind::topic));
  CHECK(valid_pattern(text) == (kind != Kind::neither));
  if (kind != Kind::neither) CHECK(Selector::parse(text)->is_pattern() == (kind == Kind::pattern));
}

TEST_CASE("every byte that a token may not have is refused") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool allowed = std::string_view(
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789_-")
                             .find(c) != std::string_view::npos;
    INFO(byte);
    CHECK(valid_topic(std::string("a") + c + "b") == (allowed || c == '.'));
    CHECK(valid_topic(std::string(1, c)) == allowed);
    CHECK(valid_pattern(std::string(1, c)) == (allowed || c == '*' || c == '>'));
  }
}

TEST_CASE("a pattern matches topics") {
  const auto [pattern, topic, expected] = GENERATE(table<std::string, std::string, bool>({
      {"a", "a", true},        {"a", "b", false},        {"a", "A", false},
      {"a", "a.b", false},     {"a.b", "a", false},      {"a.b", "a.b", true},
      {"ab", "a.b", false},    {"a", "aa", false},       {"aa", "a", false},
      {"*", "a", true},        {"*", "a.b", false},      {"*.*", "a", false},
      {"*.*", "a.b", true},    {"a.*", "a", false},      {"a.*", "a.b", true},
      {"a.*", "a.b.c", false}, {"a.*", "b.b", false},    {"*.b", "a.b", true},
      {"*.b", "a.c", false},   {"a.*.c", "a.b.c", true}, {"a.*.c", "a.b.d", false},
      {"a.*.c", "a.c", false}, {">", "a", true},         {">", "a.b.c", true},
      {"a.>", "a", false},     {"a.>", "a.b", true},     {"a.>", "a.b.c.d", true},
      {"a.>", "b.a", false},   {"*.>", "a", false},      {"*.>", "a.b.c", true},
      {"a.*.>", "a.b", false}, {"a.*.>", "a.b.c", true},
  }));
  INFO(pattern << " on " << topic);
  CHECK(matches(pattern, topic) == expected);
}

TEST_CASE("a pattern covers a subscription") {
  const auto [pattern, subscription, expected] = GENERATE(table<std::string, std::string, bool>({
      {"a.b", "a.b", true},      {"a.*", "a.b", true},  {"a.*", "a.*", true},
      {"a.*", "a.>", false},     {"a.*", "*.*", false}, {"a.*", ">", false},
      {"a.b", "a.*", false},     {"*.*", "a.*", true},  {"*.*", "*.>", false},
      {"*", "*", true},          {"*", ">", false},     {">", ">", true},
      {">", "*", true},          {">", "a.*.>", true},  {"a.>", "a.*", true},
      {"a.>", "a.*.*", true},    {"a.>", "a.>", true},  {"a.>", "a.*.>", true},
      {"a.>", "a", false},       {"a.>", "*.>", false}, {"a.*.>", "a.>", false},
      {"a.*.>", "a.b.>", true},  {"*.>", "a.>", true},  {"*.>", ">", false},
      {"a.b.*", "a.*.b", false},
  }));
  INFO(pattern << " over " << subscription);
  CHECK(covers(pattern, subscription) == expected);
}

TEST_CASE("two patterns overlap if a topic matches both") {
  const auto [one, two, expected] = GENERATE(table<std::string, std::string, bool>({
      {"a.b", "a.b", true},
      {"a.b", "a.c", false},
      {"a.b", "a", false},
      {"a.*.c", "a.b.*", true},
      {"a.*.c", "a.b.d", false},
      {"a.*", "*.b", true},
      {"a.*", "*.b.c", false},
      {"*", "a.*", false},
      {"a.>", "*.b.c", true},
      {"a.>", "b.>", false},
      {"a.>", "a", false},
      {"a.>", "*", false},
      {"a.*.>", "*.b.>", true},
      {"a.*.>", "*.b", false},
      {">", "a.b.c", true},
      {">", ">", true},
  }));
  INFO(one << " and " << two);
  CHECK(overlap(one, two) == expected);
  CHECK(overlap(two, one) == expected);
}

namespace {

// Returns all topics or patterns of one to three tokens of `words`; `>` only at the end.
std::vector<std::string> all_of(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  std::vector<std::string> shorter = {""};
  for (int length = 1; length <= 3; ++length) {
    std::vector<std::string> next;
    for (const std::string& head : shorter) {
      if (head.ends_with(">")) continue;
      for (const std::string& word : words) {
        next.push_back(head.empty() ? word : head + "." + word);
      }
    }
    all.insert(all.end(), next.begin(), next.end());
    shorter = std::move(next);
  }
  return all;
}

}  // namespace

TEST_CASE("covers() and overlap() agree with matching every topic") {
  // The topics have up to one token more than the patterns, and a word (z) that no pattern has.
  // That is enough to find every counterexample.
  const std::vector<std::string> patterns = all_of({"a", "b", "*", ">"});
  std::vector<std::string> topics = all_of({"a", "b", "z"});
  const std::size_t short_topics = topics.size();
  for (std::size_t i = 0; i < short_topics; ++i) topics.push_back(topics[i] + ".z");

  std::size_t wrong = 0;
  for (const std::string& pattern : patterns) {
    for (const std::string& subscription : patterns) {
      bool all = true;
      bool any = false;
      for (const std::string& topic : topics) {
        if (!matches(subscription, topic)) continue;
        if (matches(pattern, topic)) {
          any = true;
        } else {
          all = false;
        }
      }
      if (covers(pattern, subscription) != all) ++wrong;
      if (overlap(pattern, subscription) != any) ++wrong;
    }
  }
  CHECK(wrong == 0);
  CHECK(patterns.size() > 40);
}

TEST_CASE("a topic is walked token by token") {
  const auto [text, tokens] = GENERATE(table<std::string_view, std::vector<std::string_view>>({
      {"a", {"a"}},
      {"orders.eu.created", {"orders", "eu", "created"}},
      {"*.b.>", {"*", "b", ">"}},
  }));
  std::vector<std::string_view> found;
  for (std::string_view rest = text; !rest.empty();) found.push_back(crier::take_token(rest));
  CHECK(found == tokens);
}
