#include "config/load.h"

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

using crier::config::Config;
using crier::config::load;
using crier::config::load_text;
using crier::config::Loaded;
using crier::config::Problem;

namespace {

using Lines = std::vector<std::string>;

Lines messages(const Loaded& loaded) {
  Lines lines;
  if (loaded) return lines;
  for (const Problem& problem : loaded.error()) lines.push_back(problem.message);
  return lines;
}

struct Mistake {
  const char* name;
  const char* text;
  Lines wanted;
};

}  // namespace

TEST_CASE("a mistake in the file is named with its key, line and what is allowed") {
  const auto [name, text, wanted] = GENERATE(values<Mistake>({
      {"below the range",
       "{\"limits\":\n{\n\"owed_bytes_max\": 12}}",
       {"limits.owed_bytes_max is 12 in c.json:3; allowed are 4096 to 67108864"}},
      {"a number whose line ends right after it",
       "{\"limits\": {\"streams_max\": 0\n\n}}",
       {"limits.streams_max is 0 in c.json:1; allowed are \"auto\" and 1 to 16000000"}},
      {"above the range",
       "{\"history\": {\"bytes_max\": 68719476737}}",
       {"history.bytes_max is 68719476737 in c.json:1; allowed are 0 to 68719476736"}},
      {"above 64 bits",
       "{\"history\": {\"bytes_max\": 18446744073709551616}}",
       {"history.bytes_max is 18446744073709551616 in c.json:1; allowed are 0 to 68719476736"}},
      {"above what a member of 32 bits holds",
       "{\"limits\": {\"streams_max\": 4294967297}}",
       {"limits.streams_max is 4294967297 in c.json:1; allowed are \"auto\" and 1 to 16000000"}},
      {"a negative number",
       "{\"drain\": {\"window_seconds\": -1}}",
       {"drain.window_seconds is -1 in c.json:1; allowed are 0 to 600"}},
      {"a fraction",
       "{\"drain\": {\"window_seconds\": 1.5}}",
       {"drain.window_seconds is 1.5 in c.json:1; allowed are 0 to 600"}},
      {"a whole number written as a fraction",
       "{\"drain\": {\"window_seconds\": 1e1}}",
       {"drain.window_seconds is 1e1 in c.json:1; allowed are 0 to 600"}},
      {"a number in quotes",
       "{\"drain\": {\"window_seconds\": \"5\"}}",
       {"drain.window_seconds is \"5\" in c.json:1; allowed are 0 to 600, a whole number"}},
      {"a number for a flag",
       "{\"admin\": {\"debug\": 1}}",
       {"admin.debug is 1 in c.json:1; allowed are true and false"}},
      {"null is no value",
       "{\"admin\": {\"debug\": null}}",
       {"admin.debug is null in c.json:1; allowed are true and false"}},
      {"not one of the choices",
       "{\"overflow\": {\"policy\": \"catchup\"}}",
       {"overflow.policy is \"catchup\" in c.json:1; allowed are \"catch-up\", \"disconnect\", "
        "\"drop-oldest\" and \"conflate\""}},
      {"a text that breaks its rule",
       "{\"http\": {\"listen\": \"8080\"}}",
       {"http.listen is \"8080\" in c.json:1; allowed is an address and a port, like "
        "\"127.0.0.1:8080\" or \"*:8080\""}},
      {"a mode without quotes",
       "{\"publish\": {\"mode\": 660}}",
       {"publish.mode is 660 in c.json:1; allowed is four octal digits in quotes, like \"0660\""}},
      {"a text for a list",
       "{\"http\": {\"origins\": \"https://a\"}}",
       {"http.origins is \"https://a\" in c.json:1; allowed are origins in lower case, like "
        "\"https://www.example.com\", in a list"}},
      {"one item of a list",
       "{\"http\": {\"origins\": [\"https://a\",\n\"b\"]}}",
       {"an item of http.origins is \"b\" in c.json:2; allowed are origins in lower case, like "
        "\"https://www.example.com\""}},
      {"control characters stay escaped",
       "{\"log\": {\"level\": \"a\\u001b[2J\\nb\"}}",
       {"log.level is \"a\\u001b[2J\\nb\" in c.json:1; allowed are \"debug\", \"info\", "
        "\"warning\" "
        "and \"error\""}},
      {"an unknown key, nearly right",
       "{\"limits\": {\n\"owed_byte_max\": 5000}}",
       {"limits.owed_byte_max in c.json:2 is not a known key; did you mean "
        "limits.owed_bytes_max?"}},
      {"a key of another section",
       "{\"http\": {\"streams_max\": 5}}",
       {"http.streams_max in c.json:1 is not a known key; did you mean limits.streams_max?"}},
      {"an unknown key, nothing like it",
       "{\"http\": {\"wibble\": 5}}",
       {"http.wibble in c.json:1 is not a known key"}},
      {"an unknown section",
       "{\"limit\": {}}",
       {"limit in c.json:1 is not a known key; did you mean limits?"}},
      {"a full key outside its section",
       "{\"limits.streams_max\": 5}",
       {"limits.streams_max in c.json:1 is not a known key; write \"limits\": {\"streams_max\": "
        "…}"}},
      {"a key with a line end in it",
       "{\"a\\nb\": 5}",
       {"\"a\\nb\" in c.json:1 is not a known key"}},
      {"a repeated key",
       "{\"drain\": {\"window_seconds\": 1,\n \"window_seconds\": 2}}",
       {"drain.window_seconds in c.json:2 is given twice, first on line 1"}},
      {"a repeated section",
       "{\"drain\": {},\n\n\"drain\": {}}",
       {"drain in c.json:3 is given twice, first on line 1"}},
      {"a section that is none",
       "{\"limits\": 5}",
       {"limits is 5 in c.json:1; it must be a section, { … }"}},
      {"topics that are no list",
       "{\"topics\": {}}",
       {"topics is a section in c.json:1; it must be a list of rows, [{ … }]"}},
      {"a row that is none",
       "{\"topics\": [5]}",
       {"topics[0] is 5 in c.json:1; it must be a row, { … }"}},
      {"a row without a pattern",
       "{\"topics\": [{\"match\": \"a\"},\n{}]}",
       {"topics[1] in c.json:2 has no \"match\"; allowed is a topic like \"orders.eu\" or a "
        "pattern "
        "like \"orders.*\" or \"orders.>\""}},
      {"a pattern that is none",
       "{\"topics\": [{\"match\": \"a.>.b\"}]}",
       {"topics[0].match is \"a.>.b\" in c.json:1; allowed is a topic like \"orders.eu\" or a "
        "pattern "
        "like \"orders.*\" or \"orders.>\""}},
      {"an unknown key of a row",
       "{\"topics\": [{\"match\": \"a\", \"polcy\": 1}]}",
       {"topics[0].polcy in c.json:1 is not a known key; did you mean topics[0].policy?"}},
      {"not an object", "[1]", {"c.json:1 is not a configuration: it must be { … }"}},
      {"an owed limit below one event",
       "{\"limits\": {\"event_bytes_max\": 262144,\n\"owed_bytes_max\": 4096}}",
       {"limits.owed_bytes_max is 4096 in c.json:2; it must be at least limits.event_bytes_max "
        "(262144)"}},
      {"a default that another value rules out",
       "{\"limits\": {\"event_bytes_max\": 1048576, \"owed_bytes_max\": 2097152,\n"
       "\"request_bytes_max\": 500000}}",
       {"limits.request_bytes_max is 500000 in c.json:2; it must be at least "
        "limits.event_bytes_max "
        "(1048576)"}},
      {"a journal too small for the history",
       "{\"journal\": {\"kind\": \"sqlite\",\n\"bytes_max\": 4194304}}",
       {"journal.bytes_max is 4194304 in c.json:2; it must be at least 4 times history.bytes_max "
        "(67108864), 268435456"}},
      {"nodes without a server",
       "{\"journal\":\n{\"kind\": \"nats\"}}",
       {"nats.servers is [] by default; journal.kind nats needs at least one server"}},
      {"a certificate without its key",
       "{\"nats\":\n{\"certificate\": \"/a\"}}",
       {"nats.certificate is \"/a\" in c.json:2; nats.certificate and nats.key need each other"}},
      {"a bucket that lasts too long",
       "{\"topics\": [{\"match\": \"a\", \"rate\": 1,\n\"burst\": 1801}]}",
       {"topics[0].burst is 1801 in c.json:2; it must be at most 1800 times topics[0].rate (1), "
        "1800"}},
      {"a row's rate against the default burst",
       "{\"limits\": {\"events_burst\": 3601}, \"topics\": [{\"match\": \"a\", \"rate\": 2}]}",
       {"limits.events_burst is 3601 in c.json:1; it must be at most 1800 times topics[0].rate "
        "(2), "
        "3600"}},
      {"one address for two endpoints",
       "{\"admin\": {\"listen\": \"127.0.0.1:8080\"}}",
       {"admin.listen is \"127.0.0.1:8080\" in c.json:1; it must differ from http.listen"}},
      {"a proxy that is no address",
       "{\"http\": {\"trusted_proxies\": [\"10.0.0.0/8\",\n\"10.0.0.0/33\"]}}",
       {"an item of http.trusted_proxies is \"10.0.0.0/33\" in c.json:2; allowed are addresses or "
        "ranges, like \"10.0.0.0/8\" or \"2001:db8::1\""}},
      {"the PROXY protocol without a proxy",
       "{\"http\": {\"proxy_protocol\": \"optional\"}}",
       {"http.proxy_protocol is \"optional\" in c.json:1; it needs a proxy to trust, but "
        "http.trusted_proxies is empty"}},
  }));
  INFO(name);
  CHECK(messages(load_text(text, "c.json")) == wanted);
}

TEST_CASE("text that is not JSON is refused with its line") {
  const auto [name, text, wanted] = GENERATE(values<Mistake>({
      {"nothing at all", "", {"c.json:1 is not valid JSON: it ends too early"}},
      {"only a comment", "// {}\n", {"c.json:1 is not valid JSON: it ends too early"}},
      {"no end", "{\"http\":\n{", {"c.json:2 is not valid JSON: it ends too early"}},
      {"a comma too many",
       "{\"http\": {},\n}",
       {"c.json:2 is not valid JSON: unexpected '}', perhaps after a comma"}},
      {"a word", "{\"http\": yes}", {"c.json:1 is not valid JSON: unexpected \"yes\""}},
      {"a string without end", "{\"http", {"c.json:1 is not valid JSON: a string is not closed"}},
      {"a string over two lines",
       "{\"ht\ntp\": {}}",
       {"c.json:1 is not valid JSON: a line end or control character in a string must be escaped"}},
      {"a comment without end",
       "{}\n/* …",
       {"c.json:2 is not valid JSON: a comment is not closed"}},
      {"a single slash", "{}\n/ {}", {"c.json:2 is not valid JSON: unexpected \"/\""}},
      {"a string without its comma",
       "{\"http\": {}\n\"admin\": {}}",
       {"c.json:2 is not valid JSON: unexpected \"admin\""}},
      {"half a word", "{\"http\": nul}", {"c.json:1 is not valid JSON: this is not a JSON value"}},
      {"lines within and behind comments",
       "// 1\n/* 2\n3 */ {\"http\": // 3\n# 4",
       {"c.json:4 is not valid JSON: unexpected \"#\""}},
      {"two values", "{}\n{}", {"c.json:2 is not valid JSON: unexpected \"{\""}},
      {"bytes that are not UTF-8",
       "{\"\xff\": 1}",
       {"c.json:1 is not valid JSON: it is not UTF-8"}},
      {"nested without end",
       "{\"http\":[[[[[[[[[[[",
       {"c.json:1 is not valid JSON: nested more than 8 levels deep"}},
  }));
  INFO(name);
  CHECK(messages(load_text(text, "c.json")) == wanted);
}

TEST_CASE("a NUL byte does not end the configuration in silence") {
  using namespace std::string_literals;
  const std::string text = "{}\n\0{\"wibble\": 1}"s;
  CHECK(messages(load_text(text, "c.json")) ==
        Lines{"c.json:2 is not valid JSON: unexpected \"\\u0000\""});
}

TEST_CASE("every mistake is reported at once, those of --set included") {
  const std::string text =
      "{\n\"http\": {\"listen\": 1},\n\"limits\": {\"streams_max\": 0, \"wibble\": 1},\n\"x\": 1}";
  const std::vector<std::string> overrides{"limits.topics_max=0", "drain.window_seconds"};
  const Loaded loaded = load_text(text, "c.json", overrides);
  REQUIRE(!loaded);
  std::vector<std::pair<std::string, std::uint32_t>> found;
  for (const Problem& problem : loaded.error()) found.emplace_back(problem.key, problem.line);
  CHECK(found == std::vector<std::pair<std::string, std::uint32_t>>{{"http.listen", 2},
                                                                    {"limits.streams_max", 3},
                                                                    {"limits.wibble", 3},
                                                                    {"x", 4},
                                                                    {"limits.topics_max", 0},
                                                                    {"", 0}});
}

TEST_CASE("a flood of mistakes is cut short") {
  std::string text = "{";
  for (int i = 0; i < 5'000; ++i) text += "\"k" + std::to_string(i) + "\":1,";
  const Loaded loaded = load_text(text + "\"z\":1}", "c.json");
  REQUIRE(!loaded);
  CHECK(loaded.error().size() == 101);
  CHECK(loaded.error().back().message == "there are more problems than these");
}

TEST_CASE("comments may stand anywhere") {
  const std::string mark =
      GENERATE("", "\xef\xbb\xbf");  // A byte order mark, as some editors write.
  const Loaded loaded =
      load_text(mark +
                    "// gr\xfc\xdf, in Latin-1\n{ /* two\n lines */ \"drain\": // three\n "
                    "{\"window_seconds\": /**/ 7} } // four",
                "c.json");
  REQUIRE(loaded);
  CHECK(loaded->drain.window_seconds == 7);
}

TEST_CASE("rows of topics keep their order and leave out what they do not say") {
  const Loaded loaded = load_text(
      R"({"topics": [{"match": "a.*", "policy": "drop-oldest", "rate": 5, "burst": 10},
                     {"match": ">", "subscribe": false, "bytes_max": 8589934592}]})",
      "c.json");
  REQUIRE(loaded);
  REQUIRE(loaded->topics.size() == 2);
  CHECK(loaded->topics[0].match == "a.*");
  CHECK(loaded->topics[0].policy == crier::OverflowPolicy::drop_oldest);
  CHECK(loaded->topics[0].rate == 5U);
  CHECK(!loaded->topics[0].subscribe);
  CHECK(loaded->topics[1].subscribe == false);
  CHECK(loaded->topics[1].bytes_max == 8'589'934'592U);
  CHECK(!loaded->topics[1].events_max);
}

TEST_CASE("more rows of topics than a class has numbers are refused") {
  std::string text = R"({"topics": [{"match": "a"})";
  for (std::size_t i = 1; i < crier::kTopicRowsMax; ++i) text += R"(,{"match": "a"})";
  CHECK(load_text(text + "]}", "c.json"));
  CHECK(messages(load_text(text + R"(,{"match": "a"}]})", "c.json")) ==
        Lines{"topics is a list of 256 rows in c.json:1; allowed are 0 to 255"});
}

TEST_CASE("a file is read, and one that cannot be read is said so") {
  const std::string name = "load_test_crier.json";
  SECTION("there") {
    std::ofstream(name) << "{\"limits\": {\"streams_max\": 12}}";
    const Loaded loaded = load(name);
    REQUIRE(loaded);
    CHECK(loaded->limits.streams_max == 12);
    std::remove(name.c_str());
  }
  SECTION("missing") {
    CHECK(messages(load("/nowhere/crier.json")) ==
          Lines{"/nowhere/crier.json cannot be read: No such file or directory"});
  }
  SECTION("a directory") {
    CHECK(messages(load("/")) == Lines{"/ cannot be read: Is a directory"});
  }
  SECTION("a pipe that nobody writes to") {
    REQUIRE(::mkfifo(name.c_str(), 0600) == 0);
    CHECK_FALSE(load(name));  // And at once.
    std::remove(name.c_str());
  }
  SECTION("without a file the defaults count") {
    const Loaded defaults = load(std::nullopt);
    REQUIRE(defaults);
    CHECK(defaults->history.age_seconds_max == 3'600);  // A phone in a pocket comes back in time.
  }
  SECTION("too large") {
    const std::string text(crier::config::kConfigBytesMax + 1, ' ');
    CHECK(messages(load_text(text, "c.json")) == Lines{"c.json is larger than 1048576 bytes"});
  }
}
