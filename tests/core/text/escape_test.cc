#include "core/text/escape.h"

#include <random>
#include <string>

#include "core/text/utf8.h"
#include "tests/support/catch.h"

using crier::append_json_string;
using crier::escaped_for_json;
using crier::escaped_for_log;

namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("escaped text is one line that shows every byte") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"plain text / 100 %", "plain text / 100 %"},
      {"a\nb", R"(a\nb)"},
      {"a\r\nb\t", R"(a\r\nb\t)"},
      {std::string("a\0b", 3), R"(a\x00b)"},
      {"\x1B[2J", R"(\x1b[2J)"},
      {"\x7F", R"(\x7f)"},
      {R"(a\nb)", R"(a\\nb)"},
      {R"(say "hi")", R"(say \"hi\")"},
      {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
      {"\xC2\x85z", R"(\xc2\x85z)"},
      {"\xE2\x80\xA8", R"(\xe2\x80\xa8)"},
      {"\xFFz", R"(\xffz)"},
      {"\xE2\x82z", R"(\xe2\x82z)"},
      {"\xC0\x8A", R"(\xc0\x8a)"},
  }));
  CHECK(escaped_for_log(text) == expected);
}

TEST_CASE("a line without quotes around it keeps its quotes and backslashes") {
  CHECK(crier::escaped_for_line(R"(say "hi" in a\nb)") == R"(say "hi" in a\nb)");
  CHECK(crier::escaped_for_line("a\nb\x1B\xFF") == R"(a\nb\x1b\xff)");
  CHECK(crier::escaped_for_line(std::string(257, '"')) == std::string(253, '"') + "\xE2\x80\xA6");
}

TEST_CASE("escaped text is never cut within a character or an escape") {
  const auto [text, bytes_max, expected] = GENERATE(table<std::string, std::size_t, std::string>({
      {"abcdef", 6, "abcdef"},
      {"abcdefg", 6, "abc\xE2\x80\xA6"},
      {"abc", 3, "abc"},
      {"abcd", 3, "\xE2\x80\xA6"},
      {"ab\xC3\xA9xyz", 6, "ab\xE2\x80\xA6"},
      {"ab\x01", 6, R"(ab\x01)"},
      {"ab\x01z", 6, "ab\xE2\x80\xA6"},
      {"\x01\x02", 7, "\\x01\xE2\x80\xA6"},
      {"\n\n\n\n", 7, "\\n\\n\xE2\x80\xA6"},
  }));
  CHECK(escaped_for_log(text, bytes_max) == expected);
  CHECK(escaped_for_log(std::string(256, 'a')).size() == 256);
  CHECK(escaped_for_log(std::string(257, 'a')) == std::string(253, 'a') + "\xE2\x80\xA6");
  CHECK(escaped_for_log(std::string(100'000, '\n')).size() <= 256);
}

TEST_CASE("any bytes become short, valid text without control characters") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (std::uint64_t n = random() % 100; n > 0; --n) text.push_back(static_cast<char>(random()));
    const std::size_t bytes_max = 3 + random() % 300;
    const std::string escaped = escaped_for_log(text, bytes_max);
    REQUIRE(escaped.size() <= bytes_max);
    REQUIRE(crier::valid_utf8(escaped));
    std::string_view rest = escaped;
    while (!rest.empty()) {
      const std::size_t bytes = crier::utf8_step(rest).bytes;
      REQUIRE(!crier::is_control_character(rest.substr(0, bytes)));
      rest.remove_prefix(bytes);
    }
  }
}

TEST_CASE("a JSON string is escaped") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", R"("")"},
      {"plain / text", R"("plain / text")"},
      {R"(a"b\c)", R"("a\"b\\c")"},
      {"a\r\n\tb", R"("a\r\n\tb")"},
      {"\b\f\x1F", R"("\u0008\u000c\u001f")"},
      {std::string("\0", 1), R"("\u0000")"},
      {"\x7F", R"("\u007f")"},
      {"\xC2\x9B\xC2\xA0", "\"\\u009b\xC2\xA0\""},
      {"\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA", "\"\\u2028\\u2029\xE2\x80\xAA\""},
      {"\xC3\xA9\xF0\x9F\x93\xA3", "\"\xC3\xA9\xF0\x9F\x93\xA3\""},
      {"a\xFFz", "\"a\xEF\xBF\xBDz\""},
      {"\xE2\x82z", "\"\xEF\xBF\xBDz\""},
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  }));
  CHECK(json(text) == expected);
}

TEST_CASE("a JSON string is never cut within a character or an escape") {
  CHECK(escaped_for_json("ab\x01z", 8) == "ab\xE2\x80\xA6");
  CHECK(escaped_for_json("ab\x01", 8) == R"(ab\u0001)");
  CHECK(escaped_for_json(std::string(257, 'a')) == std::string(253, 'a') + "\xE2\x80\xA6");
  CHECK(escaped_for_json(std::string(100'000, '\xFF')).size() <= 256);
}

TEST_CASE("a quoted text is one line, and a long text is cut") {
  CHECK(crier::in_quotes("a\"b\n") == "\"a\\\"b\\n\"");
  CHECK(crier::in_quotes(std::string(65, 'a')) == "\"" + std::string(61, 'a') + "…\"");
}

TEST_CASE("a JSON string is appended") {
  std::string out = "{\"id\":";
  append_json_string(out, "x");
  CHECK(out == "{\"id\":\"x\"");
}
