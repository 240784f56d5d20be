// Compares the scanner with nlohmann's parser, which is linked into this test binary only.
#include "core/text/json_scanner.h"

#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace crier;

namespace {

const std::vector<std::string> kSeeds = {
    R"({"topic":"a.b","data":{"x":[1,2.5e3,-0,true,null],"y":"z"},"event":"n","key":"k"})",
    R"(["\u00e9\ud83d\ude00\n\\\"", "é😀", {"a":{"b":[[[]]]}}, "a long text of plain bytes"])",
    R"( { "a" : -12.5E-3 , "b" : [ false , "" ] } )",
    R"("a string")",
    "0.1",
};

std::string mutated(std::mt19937& random, std::string text) {
  static const std::string kBytes =
      "{}[]\",:\\/ \t\n\r0123456789.eE+-tfnudDbB\x01\x7f\x80\xc3\xed\xa0\xff";
  const auto below = [&random](std::size_t n) { return random() % n; };
  for (std::size_t left = 1 + below(3); left > 0 && !text.empty(); --left) {
    const std::size_t at = below(text.size());
    switch (below(4)) {
      case 0:
        text[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 2:
        text.erase(at, 1 + below(3));
        break;
      default:
        text.insert(at, text.substr(below(text.size()), below(8)));
    }
  }
  return text;
}

// nlohmann refuses a number that no double holds (its error 406); the scanner ignores the value.
bool number_out_of_range(const std::string& text) {
  try {
    return nlohmann::json::parse(text).is_discarded();  // It throws for such a number.
  } catch (const nlohmann::json::out_of_range& error) {
    return error.id == 406;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

TEST_CASE("the scanner accepts what nlohmann's parser accepts, and reads strings alike") {
  std::mt19937 random(20'261'121);
  std::size_t accepted = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::string text = mutated(random, kSeeds[random() % kSeeds.size()]);
    const JsonProblem problem = check_json(text);
    const bool good = problem.message.empty();
    INFO(text << " : " << problem.message << " at " << problem.at);
    if (good != nlohmann::json::accept(text)) REQUIRE((good && number_out_of_range(text)));
    if (!good) continue;
    ++accepted;
    JsonObjectReader reader(text);
    JsonMember member;
    while (reader.next(member)) {
      std::string key(member.key.text.size(), '\0');
      key.resize(unescape_json_string(member.key, key.data()));
      REQUIRE(nlohmann::json(key) == nlohmann::json::parse(member.key.text));
      REQUIRE(check_json(member.value.text).message == "");
    }
    REQUIRE((reader.problem() == nullptr) == (text[text.find_first_not_of(" \t\n\r")] == '{'));
  }
  CHECK(accepted > 4'000);
}

TEST_CASE("strings are read as nlohmann's parser reads them") {
  std::mt19937 random(7);
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text =
        mutated(random, R"("a\u00e9\ud83d\ude00\n\\\"é😀\u0000\udbff\udfff\/z")");
    JsonCursor cursor(text);
    JsonValue value;
    if (!cursor.read_string(value) || !cursor.at_end()) continue;
    ++accepted;
    std::string ours(text.size(), '\0');
    ours.resize(unescape_json_string(value, ours.data()));
    REQUIRE(ours == nlohmann::json::parse(text).get<std::string>());
  }
  CHECK(accepted > 1'000);
}
