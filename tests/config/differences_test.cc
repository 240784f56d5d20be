#include "config/differences.h"

#include <algorithm>

#include "config/knob.h"
#include "tests/support/catch.h"

using namespace crier::config;

TEST_CASE("equal configurations differ in nothing") {
  CHECK(compare(Config(), Config()).empty());
}

TEST_CASE("a reload tells what changed, from what to what, and what waits for a restart") {
  const Config running;
  Config wanted;
  wanted.http.listen = "0.0.0.0:80";
  wanted.log.level = crier::Level::debug;
  wanted.topics.emplace_back().match = "a";
  const std::vector<Difference> found = compare(running, wanted);
  REQUIRE(found.size() == 3);
  CHECK(found[0].key == "http.listen");
  CHECK(found[0].running == "127.0.0.1:8080");
  CHECK(found[0].wanted == "0.0.0.0:80");
  CHECK(!found[0].live);
  CHECK(found[1].key == "log.level");
  CHECK(found[1].running == "info");
  CHECK(found[1].live);
  CHECK(found[2].key == "topics");
  CHECK(found[2].running == "[]");
  CHECK(found[2].wanted == "[{\"match\":\"a\"}]");
  CHECK(!found[2].live);
}

TEST_CASE("a reload applies what can be applied and nothing else") {
  Config running;
  Config wanted;
  for (const Knob<Config>& knob : knobs()) {
    if (knob.kind == Kind::number) knob.set(wanted, knob.range.max);
  }
  wanted.limits.events_burst = 1;
  wanted.topics.emplace_back().match = "a";
  REQUIRE(apply_live(running, wanted));
  const std::vector<Difference> left = compare(running, wanted);
  CHECK(!left.empty());
  CHECK(std::ranges::none_of(left, &Difference::live));
  const Config defaults;
  for (const Knob<Config>& knob : knobs()) {
    INFO(knob.key);
    const Config& from = knob.applies == Applies::live ? wanted : defaults;
    CHECK((knob.get(running) == knob.get(from)));
  }
  CHECK(running.topics.empty());
}
