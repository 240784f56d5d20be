#include "core/text/json_scanner.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace crier;

namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

std::string unescaped(std::string_view text) {
  JsonCursor cursor(text);
  JsonValue value;
  REQUIRE(cursor.read_string(value));
  std::string out(text.size(), '\0');
  out.resize(unescape_json_string(value, out.data()));
  return out;
}

}  // namespace

TEST_CASE("a reader returns the members of an object as they were written") {
  const std::string text =
      "\n{ \"a\" : 1.50 ,\"b\\n\":\"x\\\"y\",\t\"c\": {\"d\":[1, 2]} , \"e\":null}\r\n";
  JsonObjectReader reader(text);
  JsonMember member;
  std::vector<std::string> found;
  while (reader.next(member)) {
    found.push_back(std::string(member.key.text) + "=" + std::string(member.value.text));
    CHECK(member.key.escaped == (found.size() == 2));
    CHECK(member.value.escaped == (found.size() == 2));
  }
  CHECK(reader.problem() == nullptr);
  CHECK(found == std::vector<std::string>{"\"a\"=1.50", "\"b\\n\"=\"x\\\"y\"",
                                          "\"c\"={\"d\":[1, 2]}", "\"e\"=null"});
  CHECK_FALSE(reader.next(member));
}

TEST_CASE("a value that RFC 8259 allows is accepted") {
  const std::string text = GENERATE(values<std::string>(
      {"0", "-0", "-0.5e+10", "12E-3", "true", "false", "null", "\"\"", "\"\\u00e9\\ud83d\\ude00\"",
       "\"\x7f\"", "[]", "{}", " [ 1 , \"a\" ] ", "{\"a\":{\"a\":1,\"a\":2}}", "\"\\/\\b\\f\"",
       "\"\xf0\x9f\x98\x80 and more than eight bytes\"", "1e400"}));
  INFO(text);
  CHECK(check_json(text).message == "");
  CHECK(check_json(nested(kJsonDepthMax)).message == "");
}

TEST_CASE("a value that RFC 8259 does not allow is refused, with the place") {
  struct Row {
    std::string text;
    std::size_t at;
  };
  const Row row = GENERATE(values<Row>({{"", 0},
                                        {"  ", 2},
                                        {"nul", 0},
                                        {"True", 0},
                                        {"01", 1},
                                        {"-", 1},
                                        {"1.", 2},
                                        {".5", 0},
                                        {"+1", 0},
                                        {"1e", 2},
                                        {"NaN", 0},
                                        {"'a'", 0},
                                        {"\"a", 2},
                                        {"\"a\nb\"", 2},
                                        {std::string("\"a\0b\"", 5), 2},
                                        {std::string("1\0", 2), 1},
                                        {"\"long enough for a word \x01\"", 24},
                                        {"\"\\x\"", 2},
                                        {"\"\\", 2},
                                        {"\"\\u12g4\"", 5},
                                        {"\"\\ud83d\"", 1},
                                        {"\"\\ud83d\\u0041\"", 1},
                                        {"\"\\ude00\"", 1},
                                        {"\"\xff\"", 1},
                                        {"\"\xed\xa0\x80\"", 1},
                                        {"\xef\xbb\xbf{}", 0},
                                        {"[1,]", 3},
                                        {"[1 2]", 3},
                                        {"[1", 2},
                                        {"{\"a\"}", 4},
                                        {"{\"a\":1,}", 7},
                                        {"{a:1}", 1},
                                        {"{} {}", 3},
                                        {"[1]]", 3},
                                        {"1 /* no */", 2},
                                        {nested(kJsonDepthMax + 1), kJsonDepthMax},
                                        {std::string(100'000, '['), kJsonDepthMax}}));
  INFO(row.text.substr(0, 100));
  const JsonProblem problem = check_json(row.text);
  CHECK(problem.message != "");
  CHECK(problem.at == row.at);
  // The value is refused inside an object, too.
  const std::string inside = "{\"a\":" + row.text;
  JsonObjectReader reader(inside);
  JsonMember member;
  while (reader.next(member)) {
  }
  CHECK(reader.problem() != nullptr);
}

TEST_CASE("an object reader refuses values that are not objects") {
  const std::string text =
      GENERATE(values<std::string>({"", "[]", "1", "{", "{}x", "{\"a\":1", "{\"a\":1,}", "{,}",
                                    "{\"a\" 1}", "{\"a\":1 \"b\":2}"}));
  INFO(text);
  JsonObjectReader reader(text);
  JsonMember member;
  while (reader.next(member)) {
  }
  CHECK(reader.problem() != nullptr);
}

TEST_CASE("escapes are replaced by the characters they stand for") {
  CHECK(unescaped("\"\"") == "");
  CHECK(unescaped("\"plain\"") == "plain");
  CHECK(unescaped(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(unescaped(R"("\u0041\u00e9\u20AC\ud83d\uDE00")") ==
        "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(unescaped(R"("a\u0000b")") == std::string("a\0b", 3));
  CHECK(unescaped(R"("\uffff\ud800\udc00\udbff\udfff")") ==
        "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}
