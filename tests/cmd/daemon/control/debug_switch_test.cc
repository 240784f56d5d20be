#include "cmd/daemon/control/debug_switch.h"

#include <string>
#include <vector>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

constexpr Instant at_second(std::uint64_t second) {
  return Instant{second * 1'000'000};
}

DebugWish wish_of(std::string_view query) {
  const auto wish = parse_debug_wish(query);
  REQUIRE(wish);
  return *wish;
}

struct SwitchFixture {
  RecordingSink log;
  std::vector<DebugRules> told;
  DebugSwitch debug{log, [this](const DebugRules& rules) { told.push_back(rules); }};
};

TEST_CASE("a wish names a topic, addresses or both, and a time") {
  CHECK(wish_of("topic=a.%3E").rule.topic == "a.>");
  CHECK(wish_of("topic=a").seconds == 300);
  const DebugWish both = wish_of("address=10.0.0.0/8&topic=a&seconds=3600");
  CHECK(both.rule.topic == "a");
  CHECK(both.rule.addresses->text() == "10.0.0.0/8");
  CHECK(both.seconds == 3'600);
  for (const char* query :
       {"", "seconds=5", "topic=", "topic=a..b", "topic=a&topic=b", "topic=a&x=1", "topic=a%zz",
        "topic=a&seconds=0", "topic=a&seconds=3601", "topic=a&seconds=5m", "address=10.0.0.0/33",
        "address=", "address=::1&address=::1"}) {
    CAPTURE(query);
    const auto wish = parse_debug_wish(query);
    REQUIRE_FALSE(wish);
    CHECK(wish.error().status == 400);
  }
}

TEST_CASE("a rule's id is read, and nothing else") {
  CHECK(*parse_debug_id("id=7") == std::optional<std::uint32_t>(7));
  CHECK(*parse_debug_id("") == std::nullopt);
  for (const char* query : {"id=", "id=a", "x=1", "id=1&id=2", "id=1&x"}) {
    CHECK_FALSE(parse_debug_id(query));
  }
}

TEST_CASE("a rule begins and ends with a line, and workers are told of both") {
  SwitchFixture f;
  const auto* row = f.debug.switch_on(wish_of("topic=a&seconds=10"), "uid 0", at_second(100));
  REQUIRE(row != nullptr);
  CHECK(row->rule.id == 1);
  REQUIRE(f.told.size() == 1);
  CHECK(f.told[0]->at(0).topic == "a");
  REQUIRE(f.log.lines.size() == 1);
  CHECK(f.log.lines[0].starts_with(
      "info debugging of single streams switched on rule=1 topic=a by=\"uid 0\" "
      "duration_seconds=10 ends=2"));

  // The same rule again: it lasts another ten seconds.
  CHECK(f.debug.switch_on(wish_of("topic=a&seconds=10"), "uid 1", at_second(105))->rule.id == 1);
  CHECK(f.debug.rows().size() == 1);
  f.debug.tick(at_second(114));
  CHECK(f.debug.rows().size() == 1);
  f.debug.tick(at_second(115));
  CHECK(f.debug.rows().empty());
  CHECK(f.told.back()->empty());
  CHECK(f.log.lines.back() ==
        "info debugging of single streams switched off rule=1 by=expiry");
  const std::size_t told = f.told.size();
  f.debug.tick(at_second(116));
  CHECK(f.told.size() == told);
}

TEST_CASE("there are sixteen rules at most, and each can be ended alone") {
  SwitchFixture f;
  for (std::size_t i = 0; i < kDebugRulesMax; ++i) {
    CHECK(f.debug.switch_on(wish_of("topic=t" + std::to_string(i)), "x", at_second(1)) != nullptr);
  }
  CHECK(f.debug.switch_on(wish_of("topic=more"), "x", at_second(1)) == nullptr);
  CHECK(f.debug.switch_on(wish_of("topic=t3"), "x", at_second(1)) != nullptr);
  CHECK(f.debug.switch_off(99, "x") == 0);
  CHECK(f.debug.switch_off(4, "x") == 1);
  CHECK(f.debug.switch_on(wish_of("topic=more"), "x", at_second(1))->rule.id == 17);
  CHECK(f.debug.switch_off(std::nullopt, "x") == kDebugRulesMax);
  CHECK(f.told.back()->empty());
}

}  // namespace
}  // namespace crier::cmd
