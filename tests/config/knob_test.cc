#include "config/knob.h"

#include <set>
#include <string>
#include <vector>

#include "config/cross_checks.h"
#include "config/load.h"
#include "tests/support/catch.h"

using namespace crier::config;

namespace {

// Knobs whose extremes contradict another's default: what to set beside them.
std::vector<std::string> beside(std::string_view key) {
  if (key == "limits.owed_bytes_max" || key == "limits.request_bytes_max") {
    return {"limits.event_bytes_max=1"};
  }
  if (key == "limits.event_bytes_max") return {"limits.owed_bytes_max=1048576"};
  if (key == "workers.steering") return {"workers.affinity=auto"};
  if (key == "journal.kind") return {"nats.servers=[\"nats://a:1\"]"};
  if (key == "nats.certificate") return {"nats.key=/a"};
  if (key == "nats.key") return {"nats.certificate=/a"};
  if (key == "http.proxy_protocol") return {"http.trusted_proxies=::1"};
  return {};
}

// The setting, given once in a file and once on the command line.
std::vector<Loaded> loads(std::string_view key, const std::string& json) {
  const std::string text = "{\"" + std::string(section_of(key)) + "\": {\"" +
                           std::string(name_of(key)) + "\": " + json + "}}";
  std::vector<std::string> overrides = beside(key);
  std::vector<Loaded> both;
  both.push_back(load_text(text, "c.json", overrides));
  overrides.push_back(std::string(key) + "=" + json);
  both.push_back(load(std::nullopt, overrides));
  return both;
}

Loaded load_row(std::string_view name, const std::string& json) {
  const std::string match = name == "match" ? "" : "\"match\": \"a\", ";
  return load_text("{\"limits\": {\"events_burst\": 1}, \"topics\": [{" + match + "\"" +
                       std::string(name) + "\": " + json + "}]}",
                   "c.json");
}

const Knob<Config>& knob_of(std::string_view key) {
  for (const Knob<Config>& knob : knobs()) {
    if (knob.key == key) return knob;
  }
  FAIL("no such knob: " << key);
  return knobs().front();
}

}  // namespace

TEST_CASE("every key is spelled section.name, once, and its default is allowed") {
  const Config defaults;
  std::set<std::string_view> keys;
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    CHECK(keys.insert(knob.key).second);
    CHECK(std::string(section_of(knob.key)) + "." + std::string(name_of(knob.key)) == knob.key);
    CHECK(accepts(knob, knob.get(defaults)));
    CHECK(knob.help.ends_with('.'));
  }
  CHECK(contradictions(defaults).empty());
}

TEST_CASE("keys of one section stand together") {
  std::set<std::string_view> closed;
  std::string_view section;
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    if (section_of(knob.key) == section) continue;
    CHECK(closed.insert(section_of(knob.key)).second);
    section = section_of(knob.key);
  }
}

TEST_CASE("a number is accepted up to both ends of its range and not beyond") {
  for (const Knob<Config>& knob : knobs()) {
    if (knob.kind != Kind::number) continue;
    for (const std::uint64_t inside : {knob.range.min, knob.range.max}) {
      INFO(knob.key << " = " << inside);
      for (const Loaded& loaded : loads(knob.key, std::to_string(inside))) {
        REQUIRE(loaded);
        CHECK(knob.get(*loaded) == Value(inside));
      }
    }
    std::vector<std::string> outside{std::to_string(knob.range.max + 1), "-1", "1.5", "x"};
    if (knob.range.min > 0) outside.push_back(std::to_string(knob.range.min - 1));
    for (const std::string& wrong : outside) {
      INFO(knob.key << " = " << wrong);
      for (const Loaded& loaded : loads(knob.key, wrong)) CHECK(!loaded);
    }
  }
}

TEST_CASE("each choice is accepted and kept, anything else refused") {
  for (const Knob<Config>& knob : knobs()) {
    if (knob.kind != Kind::choice) continue;
    for (const std::string_view name : knob.choices) {
      INFO(knob.key << " = " << name);
      std::vector<std::string> overrides = beside(knob.key);
      overrides.push_back(std::string(knob.key) + "=" + std::string(name));
      const Loaded loaded = load(std::nullopt, overrides);
      REQUIRE(loaded);
      CHECK(knob.get(*loaded) == Value(std::string(name)));
    }
    const std::vector<std::string> wrong{std::string(knob.key) + "=other"};
    CHECK(!load(std::nullopt, wrong));
  }
}

TEST_CASE("what a knob is set to is what it gives back, and nothing else moves") {
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    Config config;
    Value other;
    switch (knob.kind) {
      case Kind::flag:
        other = !std::get<bool>(knob.get(config));
        break;
      case Kind::number:
        other = knob.get(config) == Value(knob.range.max) ? knob.range.min : knob.range.max;
        break;
      case Kind::text:
        other = std::string(knob.rule == &kFileMode        ? "0600"
                            : knob.rule == &kTcpEndpoint   ? "[::1]:1"
                            : knob.rule == &kAdminEndpoint ? "unix:/a"
                            : knob.rule == &kSocketPath    ? "/b"
                            : knob.rule == &kFilePath      ? "/b"
                            : knob.rule == &kAffinity      ? "0-3,8"
                            : knob.rule == &kMemoryMax     ? "2G"
                                                           : "adm");
        break;
      case Kind::list:
        other = std::vector<std::string>{knob.rule == &kOrigins         ? "https://a"
                                         : knob.rule == &kAddressRanges ? "::/0"
                                         : knob.rule == &kNatsServers   ? "tls://a:1"
                                                                        : "a"};
        break;
      case Kind::choice:
        other = std::string(knob.get(config) == Value(std::string(knob.choices.front()))
                                ? knob.choices.back()
                                : knob.choices.front());
        break;
    }
    REQUIRE(accepts(knob, other));
    knob.set(config, other);
    const Config defaults;
    for (const Knob<Config>& each : knobs()) {
      CHECK((each.get(config) == (each.key == knob.key ? other : each.get(defaults))));
    }
  }
}

TEST_CASE("the numbers of a row are bounded like all others") {
  for (const Knob<TopicRow>& knob : topic_knobs()) {
    if (knob.kind != Kind::number) continue;
    INFO(knob.key);
    for (const std::uint64_t inside : {knob.range.min, knob.range.max}) {
      const Loaded loaded = load_row(knob.key, std::to_string(inside));
      REQUIRE(loaded);
      CHECK(knob.get(loaded->topics[0]) == Value(inside));
    }
    CHECK(!load_row(knob.key, std::to_string(knob.range.max + 1)));
    CHECK(!load_row(knob.key, "-1"));
    if (knob.range.min > 0) CHECK(!load_row(knob.key, std::to_string(knob.range.min - 1)));
  }
}

TEST_CASE("the command line sets each kind of knob") {
  struct Setting {
    const char* assignment;
    const char* key;
    Value wanted;
  };
  const auto [assignment, key, wanted] = GENERATE(values<Setting>({
      {"admin.debug=true", "admin.debug", true},
      {"drain.window_seconds=9", "drain.window_seconds", std::uint64_t{9}},
      {"http.listen=0.0.0.0:80", "http.listen", std::string("0.0.0.0:80")},
      {"limits.streams_max=9", "limits.streams_max", std::uint64_t{9}},
      {"limits.streams_max=auto", "limits.streams_max", std::string("auto")},
      {"publish.socket=", "publish.socket", std::string()},
      {"publish.mode=0600", "publish.mode", std::string("0600")},
      {"log.level=debug", "log.level", std::string("debug")},
      {"http.hosts=a.example, b.example", "http.hosts",
       std::vector<std::string>{"a.example", "b.example"}},
      {"http.hosts=[\"a.example\", \"[::1]\"]", "http.hosts",
       std::vector<std::string>{"a.example", "[::1]"}},
      {"http.hosts=", "http.hosts", std::vector<std::string>()},
      {"publish.users=1000,web", "publish.users", std::vector<std::string>{"1000", "web"}},
  }));
  INFO(assignment);
  const std::vector<std::string> overrides{assignment};
  const Loaded loaded = load(std::nullopt, overrides);
  REQUIRE(loaded);
  CHECK((knob_of(key).get(*loaded) == wanted));
}

TEST_CASE("the command line replaces rows of topics, and its last word counts") {
  const std::vector<std::string> overrides{R"(topics=[{"match": "b", "rate": 7}])",
                                           "drain.window_seconds=1", "drain.window_seconds=2"};
  const Loaded loaded = load_text(R"({"topics": [{"match": "a"}], "drain": {"window_seconds": 3}})",
                                  "c.json", overrides);
  REQUIRE(loaded);
  REQUIRE(loaded->topics.size() == 1);
  CHECK(loaded->topics[0].match == "b");
  CHECK(loaded->topics[0].rate == 7U);
  CHECK(loaded->drain.window_seconds == 2);
}

TEST_CASE("a mistake on the command line is named") {
  struct Mistake {
    const char* assignment;
    const char* wanted;
  };
  const auto [assignment, wanted] = GENERATE(values<Mistake>({
      {"drain.window_seconds", "--set \"drain.window_seconds\" is not of the form KEY=VALUE"},
      {"=5", "--set \"=5\" is not of the form KEY=VALUE"},
      {"drain.windows_seconds=5",
       "drain.windows_seconds in --set is not a known key; did you mean drain.window_seconds?"},
      {"foo.bar=1", "foo.bar in --set is not a known key"},
      {"drain={}", "drain in --set is not a known key; it is a section, set its keys one by one"},
      {"drain.window_seconds=601", "drain.window_seconds is 601 in --set; allowed are 0 to 600"},
      {"drain.window_seconds=",
       "drain.window_seconds is \"\" in --set; allowed are 0 to 600, a whole number"},
      {"drain.window_seconds=5s",
       "drain.window_seconds is \"5s\" in --set; allowed are 0 to 600, a whole number"},
      {"limits.streams_max=many",
       "limits.streams_max is \"many\" in --set; allowed are \"auto\" and 1 to 16000000, a whole "
       "number"},
      {"drain.window_seconds=auto",
       "drain.window_seconds is \"auto\" in --set; allowed are 0 to 600, a whole number"},
      {"admin.debug=yes", "admin.debug is \"yes\" in --set; allowed are true and false"},
      {"http.hosts=[\"a\"", "http.hosts in --set is not valid JSON: it ends too early"},
      {"http.hosts=a,,b",
       "an item of http.hosts is \"\" in --set; allowed are host names or addresses without a "
       "port, "
       "like \"events.example.com\""},
      {"topics=orders.>", "topics in --set is not valid JSON: unexpected \"orders.>\""},
      {"limits.owed_bytes_max=5000",
       "limits.owed_bytes_max is 5000 in --set; it must be at least limits.event_bytes_max "
       "(262144)"},
  }));
  INFO(assignment);
  const std::vector<std::string> overrides{assignment};
  const Loaded loaded = load(std::nullopt, overrides);
  REQUIRE(!loaded);
  CHECK(loaded.error()[0].message == wanted);
  CHECK(loaded.error()[0].file.empty());
  CHECK(loaded.error()[0].line == 0);
}
