#include "config/reference.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "config/differences.h"
#include "config/knob.h"
#include "config/load.h"
#include "tests/support/catch.h"

using namespace crier::config;
using Json = nlohmann::json;

TEST_CASE("the commented example loads as the defaults and has every key") {
  const std::string example = commented_example();
  const Loaded loaded = load_text(example, "example.json");
  REQUIRE(loaded);
  CHECK(compare(Config(), *loaded).empty());
  const Json plain = Json::parse(example, nullptr, true, /*ignore_comments=*/true);
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    CHECK(plain.at(std::string(section_of(knob.key))).contains(std::string(name_of(knob.key))));
    CHECK(example.find(knob.help.substr(0, 20)) != std::string::npos);
  }
  std::istringstream lines(example);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("the row of topics in the example is one that loads") {
  const std::string example = commented_example();
  const std::size_t begin = example.find("{\"match\"");
  REQUIRE(begin != std::string::npos);
  const std::string row = example.substr(begin, example.find('\n', begin) - begin);
  const Loaded loaded = load_text("{\"topics\": [" + row + "]}", "row.json");
  REQUIRE(loaded);
  CHECK(loaded->topics[0].match == "orders.>");
}

TEST_CASE("the schema says of every key what the table says") {
  const Json schema = Json::parse(json_schema());
  CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema.at("additionalProperties") == false);
  const Json defaults = Json::parse(dump_json(Config()));
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    const std::string section(section_of(knob.key));
    const std::string name(name_of(knob.key));
    const Json& object = schema.at("properties").at(section);
    CHECK(object.at("additionalProperties") == false);
    const Json& entry = object.at("properties").at(name);
    CHECK(entry.at("description") == knob.help);
    CHECK(entry.at("default") == defaults.at(section).at(name));
    const Json& number = knob.or_auto ? entry.at("anyOf").at(1) : entry;
    CHECK(number.contains("minimum") == (knob.kind == Kind::number));
    if (knob.kind == Kind::number) CHECK(number.at("maximum") == knob.range.max);
    if (knob.or_auto) CHECK(entry.at("anyOf").at(0) == Json{{"const", "auto"}});
    if (knob.kind == Kind::choice) CHECK(entry.at("enum").size() == knob.choices.size());
  }
  const Json& rows = schema.at("properties").at("topics");
  CHECK(rows.at("maxItems") == crier::kTopicRowsMax);
  CHECK(rows.at("items").at("required") == Json{"match"});
  for (const Knob<TopicRow>& knob : topic_knobs()) {
    CHECK(rows.at("items").at("properties").contains(std::string(knob.key)));
  }
}

TEST_CASE("what is dumped loads as what was dumped") {
  Config config;
  config.limits.streams_max = 7;
  config.publish.mode.bits = 0604;
  config.http.origins = {"https://a", "https://b:1"};
  config.overflow.policy = crier::OverflowPolicy::disconnect;
  TopicRow row;
  row.match = "a.>";
  row.subscribe = false;
  row.bytes_max = 9;
  config.topics = {row};
  const Loaded loaded = load_text(dump_json(config), "dump.json");
  REQUIRE(loaded);
  CHECK(compare(config, *loaded).empty());
  CHECK(loaded->publish.mode.bits == 0604);
}

TEST_CASE("the manual has every key with its default and what is allowed") {
  const std::string text = reference_text();
  const std::string man = reference_man();
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    CHECK(text.find(std::string(knob.key) + "\n    ") != std::string::npos);
    CHECK(man.find("\n.B " + std::string(knob.key) + "\n") != std::string::npos);
  }
  for (const Knob<TopicRow>& knob : topic_knobs()) {
    CHECK(text.find("topics[]." + std::string(knob.key) + "\n    ") != std::string::npos);
  }
  CHECK(text.find(
            "drain.window_seconds\n"
            "    Seconds within which a shutdown ends all open streams: 1000 a second, or more if "
            "the window\n"
            "    is too short for that. A stream that is slow to take what it is owed is cut a "
            "second after\n"
            "    the last stream was ended, or when the window ends.\n"
            "    Default 5. Allowed are 0 to 600. Applied on reload.\n") != std::string::npos);
  CHECK(man.find("\\(dqcatch\\-up\\(dq") != std::string::npos);
}
