#include "cmd/log/log_line.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/text/utf8.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using config::LogFormat;
using nlohmann::json;

constexpr LogFormat kFormats[] = {LogFormat::text, LogFormat::logfmt, LogFormat::json};

std::string line_of(LogFormat format, std::initializer_list<Field> fields,
                    std::string_view message = "m", Level level = Level::info) {
  return log_line(format, "T", level, message, std::span(fields.begin(), fields.size()));
}

struct Row {
  const char* name;
  std::vector<Field> fields;
  const char* text;
  const char* logfmt;
  const char* json;
};

TEST_CASE("the same fields in each format") {
  const std::vector<Row> rows = {
      {"none", {}, "", "", ""},
      {"plain text", {{"a", "x-1.2:3"}}, " a=x-1.2:3", " a=x-1.2:3", R"(,"a":"x-1.2:3")"},
      {"whole numbers", {{"n", 7U}, {"z", -3}}, " n=7 z=-3", " n=7 z=-3", R"(,"n":7,"z":-3)"},
      {"the largest",
       {{"n", std::numeric_limits<std::uint64_t>::max()}},
       " n=18446744073709551615",
       " n=18446744073709551615",
       R"(,"n":18446744073709551615)"},
      {"truth",
       {{"yes", true}, {"no", false}},
       " yes=true no=false",
       " yes=true no=false",
       R"(,"yes":true,"no":false)"},
      {"fractions", {{"d", 1.5}}, " d=1.5", " d=1.5", R"(,"d":1.5)"},
      {"no number",
       {{"d", std::numeric_limits<double>::quiet_NaN()}},
       " d=nan",
       " d=nan",
       R"(,"d":null)"},
      {"empty", {{"e", ""}}, " e=\"\"", " e=\"\"", R"(,"e":"")"},
      {"spaces", {{"s", "a b"}}, " s=\"a b\"", " s=\"a b\"", R"(,"s":"a b")"},
      {"a field in a field",
       {{"a", "x\" b=\"1"}},
       R"( a="x\" b=\"1")",
       R"( a="x\" b=\"1")",
       R"(,"a":"x\" b=\"1")"},
      {"backslash", {{"a", "x\\"}}, R"( a="x\\")", R"( a="x\\")", R"(,"a":"x\\")"},
      {"control",
       {{"a", "\n\x1b\x7f"}},
       R"( a="\n\x1b\x7f")",
       R"( a="\n\u001b\u007f")",
       R"(,"a":"\n\u001b\u007f")"},
      {"C1", {{"a", "\xC2\x9B"}}, R"( a="\xc2\x9b")", R"( a="\u009b")", R"(,"a":"\u009b")"},
      {"line separator",
       {{"a", "\xE2\x80\xA8"}},
       R"( a="\xe2\x80\xa8")",
       R"( a="\u2028")",
       R"(,"a":"\u2028")"},
      {"not UTF-8",
       {{"a", "x\xFF"}},
       R"( a="x\xff")",
       " a=\"x\xEF\xBF\xBD\"",
       ",\"a\":\"x\xEF\xBF\xBD\""},
      {"letters", {{"a", "\xC3\xA9"}}, " a=\"\xC3\xA9\"", " a=\"\xC3\xA9\"", ",\"a\":\"\xC3\xA9\""},
      {"an odd key", {{"a=1 \"b", "x"}}, " a_1__b=x", " a_1__b=x", R"(,"a_1__b":"x")"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto line = [&](LogFormat format) {
      return log_line(format, "T", Level::info, "m", row.fields);
    };
    CHECK(line(LogFormat::text) == std::string("T info m") + row.text);
    CHECK(line(LogFormat::logfmt) == std::string("ts=T level=info msg=\"m\"") + row.logfmt);
    CHECK(line(LogFormat::json) ==
          R"({"ts":"T","level":"info","msg":"m")" + std::string(row.json) + "}");
  }
}

TEST_CASE("time may be left out, and each level has its name") {
  CHECK(log_line(LogFormat::text, "", Level::error, "it broke", {}) == "error it broke");
  CHECK(log_line(LogFormat::logfmt, "", Level::debug, "m", {}) == "level=debug msg=\"m\"");
  CHECK(log_line(LogFormat::json, "", Level::warning, "m", {}) ==
        R"({"level":"warning","msg":"m"})");
}

TEST_CASE("time is UTC with milliseconds") {
  using std::chrono::system_clock;
  const auto at = [](std::int64_t ms) {
    return utc_text(system_clock::time_point(std::chrono::milliseconds(ms)));
  };
  CHECK(at(0) == "1970-01-01T00:00:00.000Z");
  CHECK(at(1'740'830'400'007) == "2025-03-01T12:00:00.007Z");
  CHECK(at(-1) == "1969-12-31T23:59:59.999Z");
}

bool is_harmless(std::string_view line) {
  if (!valid_utf8(line)) return false;
  while (!line.empty()) {
    const std::size_t bytes = utf8_step(line).bytes;
    if (is_control_character(line.substr(0, bytes))) return false;
    line.remove_prefix(bytes);
  }
  return true;
}

TEST_CASE("no byte in any field makes a control character, a second line or invalid JSON") {
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    for (const std::string& text :
         {std::string(1, byte), std::string("a") + byte + "b", std::string("\xC2") + byte,
          std::string("\xE2\x80") + byte, byte + std::string("\n\x1B[31m")}) {
      INFO(value);
      for (const LogFormat format : kFormats) {
        for (const std::string& line : {line_of(format, {}, text), line_of(format, {{"key", text}}),
                                        line_of(format, {{text, "value"}})}) {
          CHECK(is_harmless(line));
          if (format == LogFormat::json) CHECK(json::parse(line).is_object());
        }
      }
    }
  }
}

// Splits a line like a reader of logfmt: keys end at '=', values are bare up to a space or a JSON
// string.
std::vector<std::pair<std::string, std::string>> split_logfmt(std::string_view line) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!line.empty()) {
    const std::size_t equals = line.find('=');
    REQUIRE(equals != std::string_view::npos);
    const std::string key(line.substr(0, equals));
    line.remove_prefix(equals + 1);
    std::size_t end = 0;
    if (line.starts_with('"')) {
      for (end = 1; line.at(end) != '"'; ++end) {
        if (line[end] == '\\') ++end;
      }
      ++end;
      pairs.emplace_back(key, json::parse(line.substr(0, end)).get<std::string>());
    } else {
      end = std::min(line.find(' '), line.size());
      pairs.emplace_back(key, line.substr(0, end));
    }
    line.remove_prefix(end);
    REQUIRE((line.empty() || line.front() == ' '));
    if (!line.empty()) line.remove_prefix(1);
  }
  return pairs;
}

// Characters that some format cuts, quotes or escapes, and some that none does.
std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "Z",
                                                   "0",
                                                   "_",
                                                   "=",
                                                   " ",
                                                   "\"",
                                                   "\\",
                                                   "\n",
                                                   "\t",
                                                   "{",
                                                   "}",
                                                   ",",
                                                   ":",
                                                   "\x01",
                                                   "\x7F",
                                                   "\xC2\x9B",
                                                   "\xC3\xA9",
                                                   "\xE2\x80\xA9",
                                                   "\xF0\x9F\x93\xA3",
                                                   std::string(1, '\0'),
                                                   "\\u0041"};
  std::string text;
  for (std::uint64_t n = random() % 20; n > 0; --n) text += kPieces[random() % kPieces.size()];
  return text;
}

TEST_CASE("json and logfmt lines read back unchanged") {
  std::mt19937_64 random(17);
  for (int round = 0; round < 2'000; ++round) {
    const std::string message = random_text(random);
    const std::string first = random_text(random);
    const std::string second = random_text(random);
    const auto number = static_cast<std::int64_t>(random());
    const std::initializer_list<Field> fields = {
        {"first", first}, {"number", number}, {"yes", round % 2 == 0}, {"second", second}};

    const json object = json::parse(line_of(LogFormat::json, fields, message, Level::error));
    CHECK(object == json{{"ts", "T"},
                         {"level", "error"},
                         {"msg", message},
                         {"first", first},
                         {"number", number},
                         {"yes", round % 2 == 0},
                         {"second", second}});

    const auto pairs = split_logfmt(line_of(LogFormat::logfmt, fields, message, Level::error));
    CHECK(pairs == std::vector<std::pair<std::string, std::string>>{
                       {"ts", "T"},
                       {"level", "error"},
                       {"msg", message},
                       {"first", first},
                       {"number", std::to_string(number)},
                       {"yes", round % 2 == 0 ? "true" : "false"},
                       {"second", second}});
  }
}

TEST_CASE("long text is cut, and so are many fields, whole ones") {
  const std::string letters(100'000, 'x');
  const std::string line_ends(100'000, '\n');
  for (const LogFormat format : kFormats) {
    INFO(to_string(format));
    CHECK(line_of(format, {{"a", letters}}).size() < 350);
    CHECK(line_of(format, {{"a", line_ends}}).size() < 350);
    CHECK(line_of(format, {}, letters).size() < 350);

    const std::vector<Field> many(100, Field{"key", letters});
    const std::string line = log_line(format, "T", Level::info, "m", many);
    CHECK(line.size() <= kLogLineBytesMax);
    CHECK(line.find("cut") != std::string::npos);
    if (format == LogFormat::json) CHECK(json::parse(line).at("cut") == true);
    if (format == LogFormat::logfmt) CHECK(split_logfmt(line).back().first == "cut");
  }
}

}  // namespace
}  // namespace crier::cmd
