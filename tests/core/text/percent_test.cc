#include "core/text/percent.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using crier::parse_query;
using crier::percent_decode;
using crier::QueryPairs;

TEST_CASE("percent-encoding is decoded once") {
  const auto [text, path, query] = GENERATE(table<std::string, std::string, std::string>({
      {"", "", ""},
      {"orders.eu", "orders.eu", "orders.eu"},
      {"a+b", "a+b", "a b"},
      {"a%2Bb", "a+b", "a+b"},
      {"a%2bb", "a+b", "a+b"},
      {"%41%42", "AB", "AB"},
      {"%2541", "%41", "%41"},
      {"%25%34%31", "%41", "%41"},
      {"%C3%A9", "\xC3\xA9", "\xC3\xA9"},
      {"%ff", "\xFF", "\xFF"},
      {"%0d%0a", "\r\n", "\r\n"},
      {"\xC3\xA9", "\xC3\xA9", "\xC3\xA9"},
  }));
  INFO(text);
  CHECK(percent_decode(text, false) == path);
  CHECK(percent_decode(text, true) == query);
}

TEST_CASE("invalid percent-encoding is refused") {
  const auto text = GENERATE(as<std::string>{}, "%", "a%", "%4", "a%4", "%4%41", "%zz", "%4g",
                             "%g4", "%%41", "% 41", "%-1", "%+1", "%0x", "%u0041", "%00", "a%00b");
  INFO(text);
  // A copy without a terminator, so that a sanitizer sees a read past the end.
  const std::vector<char> bytes(text.begin(), text.end());
  CHECK(!percent_decode({bytes.data(), bytes.size()}, false));
  CHECK(!percent_decode({bytes.data(), bytes.size()}, true));
  CHECK(!parse_query(text, 10));
  CHECK(!parse_query("a=" + text, 10));
}

TEST_CASE("NUL is refused, encoded or not") {
  CHECK(!percent_decode(std::string("a\0b", 3), false));
}

TEST_CASE("every byte can be written in percent-encoding") {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (unsigned byte = 1; byte < 256; ++byte) {
    const std::string text = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    CHECK(percent_decode(text, false) == std::string(1, static_cast<char>(byte)));
  }
}

TEST_CASE("a query is pairs of names and values") {
  const auto [query, pairs] = GENERATE(table<std::string, QueryPairs>({
      {"", {}},
      {"&", {}},
      {"&&&", {}},
      {"a=1", {{"a", "1"}}},
      {"a=1&b=2", {{"a", "1"}, {"b", "2"}}},
      {"topic=A&topic=B", {{"topic", "A"}, {"topic", "B"}}},
      {"a", {{"a", ""}}},
      {"a=", {{"a", ""}}},
      {"=1", {{"", "1"}}},
      {"=", {{"", ""}}},
      {"&a=1&&b=2&", {{"a", "1"}, {"b", "2"}}},
      {"a=b=c", {{"a", "b=c"}}},
      {"a%3Db=%26", {{"a=b", "&"}}},
      {"a+b=c+d%2B", {{"a b", "c d+"}}},
      {"a=1;b=2", {{"a", "1;b=2"}}},
      {"a?b=c#d", {{"a?b", "c#d"}}},
  }));
  INFO(query);
  CHECK(parse_query(query, 10) == pairs);
}

TEST_CASE("a query has a bounded number of pairs") {
  CHECK(parse_query("a&b&c", 3)->size() == 3);
  CHECK(!parse_query("a&b&c", 2));
  CHECK(parse_query("&&&&&&a", 1)->size() == 1);
  CHECK(parse_query("", 0)->empty());
  CHECK(!parse_query("a", 0));
}
