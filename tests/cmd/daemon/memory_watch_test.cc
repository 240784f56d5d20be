#include "cmd/daemon/memory_watch.h"

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

constexpr std::uint64_t kMiB = 1 << 20;

struct MemoryWatchFixture {
  void look(std::uint64_t ms) { watch.look(at_ms(ms)); }

  RecordingSink out;
  MemoryShortage shortage;
  std::uint64_t history = 0;
  MemoryUse kernel;
  MemoryWatch watch{{out, shortage,
                     [this](MemoryReading& reading) {
                       reading.set(MemoryPart::streams, kMiB);
                       reading.set(MemoryPart::history, history);
                     },
                     [this] { return kernel; }},
                    100 * kMiB};
};

TEST_CASE("anonymous memory counts as far as the account does not explain it") {
  MemoryReading reading;
  reading.set(MemoryPart::streams, 10);
  reading.set(MemoryPart::requests, 20);
  reading.set(MemoryPart::sockets, 7);
  reading.set_anonymous(25);
  CHECK(reading.used() == 37);
  reading.set_anonymous(80);
  CHECK(reading.used() == 87);
  CHECK(reading.of(MemoryPart::other) == 50);
  CHECK(reading.largest() == MemoryPart::other);
}

TEST_CASE("each change of the stage is told to the workers and in one line") {
  MemoryWatchFixture f;
  f.history = 73 * kMiB;
  f.look(1'000);
  CHECK(f.out.lines.empty());
  f.history = 86 * kMiB;  // Part of the account, so it is seen at once.
  f.look(1'250);
  CHECK(f.shortage.stage == MemoryStage::refuse_streams);
  REQUIRE(f.out.lines.size() == 1);
  CHECK_THAT(f.out.lines[0],
             StartsWith("warning memory is short") &&
                 ContainsSubstring("stage=refuse_streams before=ok") &&
                 ContainsSubstring(
                     "effect=\"the history shrinks, replays wait, and new streams are refused\"") &&
                 ContainsSubstring("used_mib=87 limit_mib=100 largest_part=history "
                                   "largest_part_mib=86"));
  f.look(1'500);
  CHECK(f.out.lines.size() == 1);
  f.history = 10 * kMiB;
  f.look(2'000);
  f.look(11'999);
  CHECK(f.out.lines.size() == 1);
  f.look(12'000);
  CHECK(f.shortage.stage == MemoryStage::ok);
  REQUIRE(f.out.lines.size() == 2);
  CHECK_THAT(f.out.lines[1], StartsWith("info memory is less short") &&
                                 ContainsSubstring("stage=ok before=refuse_streams"));
}

TEST_CASE("what only the kernel sees counts at the next look") {
  MemoryWatchFixture f;
  f.look(1'000);
  CHECK(f.shortage.stage == MemoryStage::ok);
  f.kernel = {.anonymous = 70 * kMiB, .sockets = 6 * kMiB};
  f.look(1'250);
  CHECK(f.shortage.stage == MemoryStage::warn);
}

TEST_CASE("the less memory is left, the sooner the next look is due") {
  struct Row {
    std::uint64_t used_mib;
    std::uint64_t due_after_ms;
  };
  for (const Row row : {Row{2, 98}, Row{50, 50}, Row{90, 10}, Row{98, 4}, Row{300, 4}}) {
    CAPTURE(row.used_mib);
    MemoryWatchFixture f;
    f.kernel.anonymous = row.used_mib * kMiB;
    f.look(1'000);
    CHECK_FALSE(f.watch.is_due(at_ms(1'000 + row.due_after_ms - 1)));
    CHECK(f.watch.is_due(at_ms(1'000 + row.due_after_ms)));
  }
}

TEST_CASE("where much is left, the timer is enough, and without a limit no look is due") {
  MemoryWatchFixture f;
  for (const std::uint64_t limit : {10'000 * kMiB, std::uint64_t{0}}) {
    MemoryWatch watch({f.out, f.shortage, [](MemoryReading&) {}, [] { return MemoryUse{}; }},
                      limit);
    watch.look(at_ms(1'000));
    CHECK_FALSE(watch.is_due(at_ms(1'249)));
    CHECK(watch.is_due(at_ms(1'250)) == (limit != 0));
  }
}

TEST_CASE("figures that cannot be read stay as they were") {
  MemoryWatchFixture f;
  f.kernel = {.anonymous = 80 * kMiB, .sockets = 6 * kMiB};
  f.look(1'000);
  CHECK(f.shortage.stage == MemoryStage::refuse_streams);
  f.kernel = {};
  for (std::uint64_t ms = 1'250; ms < 30'000; ms += 250) f.look(ms);
  CHECK(f.shortage.stage == MemoryStage::refuse_streams);
}

TEST_CASE("streams end only while memory is short now, and only if they are what fills it") {
  MemoryWatchFixture f;
  f.kernel = {.anonymous = 86 * kMiB, .sockets = 6 * kMiB};
  f.look(1'000);
  CHECK(f.shortage.stage == MemoryStage::end_streams);
  CHECK(f.shortage.level == MemoryStage::refuse_streams);
  f.kernel = {.anonymous = 80 * kMiB, .sockets = 12 * kMiB};
  f.look(1'250);
  CHECK(f.shortage.level == MemoryStage::end_streams);
  f.kernel = {.anonymous = 60 * kMiB, .sockets = 12 * kMiB};
  f.look(1'500);
  CHECK(f.shortage.stage == MemoryStage::end_streams);
  CHECK(f.shortage.level == MemoryStage::ok);
}

}  // namespace
}  // namespace crier::cmd
