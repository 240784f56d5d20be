#include "cmd/daemon/limit_watch.h"

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

struct LimitWatchFixture {
  void look(std::uint64_t ms, bool full = false) { watch.look(times, full, at_ms(ms)); }

  RecordingSink out;
  LimitTimes times;
  LimitWatch watch{out, [](Limit limit) -> std::optional<std::uint64_t> {
                     if (limit == Limit::class_streams_max) return std::nullopt;
                     return 7'000 + static_cast<std::uint64_t>(limit);
                   }};
};

TEST_CASE("a full daemon is one warning, however many come and go, and one line when it is over") {
  LimitWatchFixture fixture;
  const auto& lines = fixture.out.lines;
  fixture.look(1'000);
  CHECK(lines.empty());
  for (std::uint64_t ms = 2'000; ms <= 60'000; ms += 250) {
    fixture.times.add(Limit::streams_max, 3);
    fixture.look(ms, ms % 1'000 == 0);
  }
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0],
             StartsWith("warning limit reached limit=limits.streams_max value=7000 effect=") &&
                 ContainsSubstring(
                     "raise limits.streams_max, or where the system allows less, LimitNOFILE="));
  fixture.look(69'999);
  CHECK(lines.size() == 1);
  fixture.look(70'000);
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[1], StartsWith("info limit no longer reached") &&
                           ContainsSubstring("times=699") &&
                           ContainsSubstring("duration_seconds=58"));
  fixture.look(90'000);
  CHECK(lines.size() == 2);
  fixture.look(91'000, true);  // Full again; no stream was refused yet.
  CHECK(lines.size() == 3);
}

TEST_CASE("each limit has episodes of its own") {
  LimitWatchFixture fixture;
  for (std::size_t i = 0; i < kNamesOf<Limit>.size(); ++i) {
    fixture.times.add(static_cast<Limit>(i), 1);
    fixture.look(1'000 + i);
    REQUIRE(fixture.out.lines.size() == i + 1);
    const bool one_value = static_cast<Limit>(i) != Limit::class_streams_max;
    CHECK_THAT(fixture.out.lines.back(),
               ContainsSubstring("limit=" + std::string(kNamesOf<Limit>[i]) +
                                 (one_value ? " value=" + std::to_string(7'000 + i) : " effect=")));
  }
  fixture.look(60'000);
  CHECK(fixture.out.lines.size() == 2 * kNamesOf<Limit>.size());
}

}  // namespace
}  // namespace crier::cmd
