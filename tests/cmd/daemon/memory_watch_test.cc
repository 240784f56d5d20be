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
  std::atomic<MemoryStage> stage{MemoryStage::ok};
  std::uint64_t history = 0;
  MemoryUse kernel;
  int kernel_reads = 0;
  MemoryWatch watch{{out, stage,
                     [this](MemoryReading& reading) {
                       reading.set(MemoryPart::streams, kMiB);
                       reading.set(MemoryPart::history, history);
                     },
                     [this] {
                       ++kernel_reads;
                       return kernel;
                     }},
                    100 * kMiB};
};

TEST_CASE("the larger of the account and the anonymous memory counts, and the sockets") {
  MemoryReading reading;
  reading.set(MemoryPart::streams, 10);
  reading.set(MemoryPart::requests, 20);
  CHECK(reading.used() == 30);
  reading.set(MemoryPart::anonymous, 25);
  CHECK(reading.used() == 30);
  reading.set(MemoryPart::anonymous, 35);
  CHECK(reading.used() == 35);
  reading.set(MemoryPart::sockets, 7);
  CHECK(reading.used() == 42);
  CHECK(kNamesOf<MemoryPart>[reading.largest()] == "anonymous");
}

TEST_CASE("each change of the stage is told to the workers and in one line") {
  MemoryWatchFixture f;
  f.history = 73 * kMiB;
  f.look(1'000);
  CHECK(f.out.lines.empty());
  f.history = 86 * kMiB;  // Part of the account, so it is seen at once.
  f.look(1'250);
  CHECK(f.stage == MemoryStage::refuse_streams);
  REQUIRE(f.out.lines.size() == 1);
  CHECK_THAT(f.out.lines[0],
             StartsWith("warning memory is short") &&
                 ContainsSubstring("stage=refuse_streams before=ok") &&
                 ContainsSubstring("effect=\"replays wait and new streams are refused\"") &&
                 ContainsSubstring("used_mib=87 limit_mib=100 largest_part=history "
                                   "largest_part_mib=86"));
  f.look(1'500);
  CHECK(f.out.lines.size() == 1);
  f.history = 10 * kMiB;
  f.look(2'000);
  f.look(11'999);
  CHECK(f.out.lines.size() == 1);
  f.look(12'000);
  CHECK(f.stage == MemoryStage::ok);
  REQUIRE(f.out.lines.size() == 2);
  CHECK_THAT(f.out.lines[1], StartsWith("info memory is less short") &&
                                 ContainsSubstring("stage=ok before=refuse_streams"));
}

TEST_CASE("the kernel's figures are read once a second, and at each look while memory is short") {
  MemoryWatchFixture f;
  for (std::uint64_t ms = 1'000; ms < 3'000; ms += 250) f.look(ms);
  CHECK(f.kernel_reads == 2);
  f.kernel = {.anonymous = 70 * kMiB, .sockets = 6 * kMiB};
  f.look(3'000);
  CHECK(f.stage == MemoryStage::warn);
  f.look(3'250);
  f.look(3'500);
  CHECK(f.kernel_reads == 5);
}

}  // namespace
}  // namespace crier::cmd
