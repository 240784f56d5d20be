#include "cmd/cli/arguments.h"

#include "cmd/cli/help.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Then = Invocation::Then;

Invocation parse(const std::vector<std::string_view>& words) {
  return parse_arguments(words);
}

TEST_CASE("options and operands are told apart wherever they stand") {
  const auto parsed =
      parse({"publish", "--event=tick", "news", "--verbose", "--socket", "/s", "hi"});
  REQUIRE(parsed.then == Then::run);
  const Arguments& arguments = *parsed.arguments;
  CHECK(arguments.command().name == "publish");
  CHECK(arguments.operands() == std::vector<std::string>{"news", "hi"});
  CHECK(arguments.text("--event") == "tick");
  CHECK(arguments.text("--socket") == "/s");
  CHECK(arguments.has("--verbose"));
  CHECK_FALSE(arguments.has("--lines"));
  CHECK(arguments.text("--key", "none") == "none");
}

TEST_CASE("a repeatable option keeps every value in order") {
  const auto parsed = parse({"serve", "--set", "a=1", "--config", "f", "--set=b=2=3"});
  REQUIRE(parsed.then == Then::run);
  CHECK(parsed.arguments->texts("--set") == std::vector<std::string>{"a=1", "b=2=3"});
  CHECK(parsed.arguments->text("--config") == "f");
}

TEST_CASE("a dash is an operand, and a double dash ends the options") {
  const auto parsed = parse({"publish", "news", "-"});
  REQUIRE(parsed.then == Then::run);
  CHECK(parsed.arguments->operands()[1] == "-");
  const auto ended = parse({"publish", "--", "news", "--lines"});
  REQUIRE(ended.then == Then::run);
  CHECK(ended.arguments->operands()[1] == "--lines");
  CHECK_FALSE(ended.arguments->has("--lines"));
}

TEST_CASE("a number is read as one") {
  const auto parsed = parse({"subscribe", "a", "b", "c", "--count", "18446744073709551615"});
  REQUIRE(parsed.then == Then::run);
  CHECK(parsed.arguments->number("--count") == UINT64_MAX);
  CHECK(parse({"subscribe", "a"}).arguments->number("--count") == std::nullopt);
}

struct Misuse {
  const char* name;
  std::vector<std::string_view> words;
  const char* says;
};

TEST_CASE("a wrong command line is refused with a hint") {
  const auto row = GENERATE(values<Misuse>({
      {"unknown command", {"publsh"}, "did you mean publish?"},
      {"begun command", {"pub", "news"}, "there is no command pub; did you mean publish?"},
      {"another begun command", {"sub"}, "did you mean subscribe?"},
      {"letters in another order", {"sevre"}, "did you mean serve?"},
      {"one letter", {"s"}, "there is no command s\n"},
      {"unrelated command", {"xyzzy"}, "there is no command xyzzy\n"},
      {"unknown global option", {"--versoin"}, "did you mean --version?"},
      {"unknown option", {"publish", "--sockt", "x", "t"}, "did you mean --socket?"},
      {"begun option", {"subscribe", "--last", "x", "t"}, "did you mean --last-event-id?"},
      {"unrelated option", {"publish", "--zzzzzz", "t"}, "there is no option --zzzzzz\n"},
      {"operand like an option", {"publish", "t", "-5"}, "put `--` before"},
      {"missing value", {"publish", "t", "--socket"}, "--socket needs a value: PATH"},
      {"option as value", {"publish", "t", "--socket", "--lines"}, "--socket needs a value"},
      {"value for a flag", {"publish", "t", "--lines=yes"}, "--lines takes no value"},
      {"given twice", {"publish", "t", "--key", "a", "--key", "b"}, "--key is given twice"},
      {"no number", {"subscribe", "t", "--count", "many"}, "not `many`"},
      {"negative", {"subscribe", "t", "--count", "-1"}, "not `-1`"},
      {"beyond 64 bits", {"subscribe", "t", "--count=18446744073709551616"}, "whole number"},
      {"operand missing", {"subscribe"}, "usage: crier subscribe"},
      {"one too many", {"publish", "a", "b", "c"}, "`c` is one argument too many"},
      {"operand for none", {"status", "now"}, "`now` is one argument too many"},
  }));
  INFO(row.name);
  const auto parsed = parse(row.words);
  CHECK(parsed.then == Then::misuse);
  CHECK_THAT(parsed.text, Catch::Matchers::ContainsSubstring(row.says));
  CHECK_THAT(parsed.text, Catch::Matchers::ContainsSubstring("--help`.\n"));
}

TEST_CASE("without a command the usage is shown") {
  const auto parsed = parse({});
  CHECK(parsed.then == Then::misuse);
  CHECK(parsed.text == "crier: a command is missing\n\n" + parse({"--help"}).text);
}

TEST_CASE("the help lists every command") {
  const auto words =
      GENERATE(values<std::vector<std::string_view>>({{"--help"}, {"-h"}, {"help"}}));
  const auto parsed = parse(words);
  REQUIRE(parsed.then == Then::print);
  for (const Command& command : commands()) {
    CHECK_THAT(parsed.text,
               Catch::Matchers::ContainsSubstring("\n  " + std::string(command.name) + " "));
    CHECK_THAT(parsed.text,
               Catch::Matchers::ContainsSubstring(std::string(command.summary) + "\n"));
  }
}

TEST_CASE("each command's help lists each of its options, in 100 columns") {
  for (const Command& command : commands()) {
    const auto parsed = parse({command.name, "--help"});
    REQUIRE(parsed.then == Then::print);
    CHECK(parsed.text == parse({"help", command.name}).text);
    CHECK_THAT(parsed.text, Catch::Matchers::StartsWith("Usage: " + usage_line(command) + "\n"));
    for (const Option& option : command.options) {
      CHECK_THAT(parsed.text,
                 Catch::Matchers::ContainsSubstring("\n  " + std::string(option.name)));
    }
    std::size_t column = 0;
    for (const char c : parsed.text) {
      column = c == '\n' ? 0 : column + ((c & 0xC0) == 0x80 ? 0 : 1);
      REQUIRE(column <= 100);
    }
  }
}

TEST_CASE("the table of commands is complete") {
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK(command.run != nullptr);
    CHECK(command.operands_min <= command.operands_max);
    CHECK_FALSE(command.summary.empty());
    for (const Option& option : command.options) {
      INFO(option.name);
      CHECK(option.name.starts_with("--"));
      CHECK(option.value.empty() == (option.kind == OptionKind::flag));
      CHECK_FALSE(option.help.empty());
    }
  }
}

TEST_CASE("the version is a number") {
  const auto parsed = parse({"--version"});
  CHECK(parsed.then == Then::print);
  CHECK_THAT(parsed.text, Catch::Matchers::StartsWith("crier 0."));
}

}  // namespace
}  // namespace crier::cmd
