#include "cmd/daemon/health.h"

#include <string>
#include <vector>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct HealthFixture {
  HealthFixture() { counts.streams_max = 10; }

  void look(const std::vector<std::uint64_t>& workers, std::uint64_t ms, bool shared = false) {
    health.look({.workers = workers, .shared = shared}, options_refused, at_ms(ms));
  }
  bool ready(std::uint64_t ms) const { return health.why_not_ready(at_ms(ms)).empty(); }

  RecordingSink out;
  broadcast::SharedCounts counts{16, HashKey{}};
  std::uint64_t options_refused = 0;
  Health health{out, counts, "the limit"};
};

TEST_CASE("a lack of descriptors is logged at once, then at intervals") {
  HealthFixture fixture;
  const auto& lines = fixture.out.lines;
  fixture.look({0}, 1'000);
  CHECK(lines.empty());
  fixture.look({3}, 1'250);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("warning") != std::string::npos);
  CHECK(lines[0].find("LimitNOFILE=") != std::string::npos);
  CHECK(lines[0].find("times=3") != std::string::npos);

  for (std::uint64_t ms = 1'500; ms < 11'250; ms += 250) fixture.look({ms / 250}, ms);
  CHECK(lines.size() == 1);
  fixture.look({103}, 11'250);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].find("times=100") != std::string::npos);
  fixture.look({103}, 60'000);
  CHECK(lines.size() == 2);
}

TEST_CASE("workers that share a socket lack descriptors only while all of them do") {
  HealthFixture fixture;
  const auto ready_with = [&](const std::vector<std::uint64_t>& workers, std::uint64_t ms) {
    fixture.look(workers, ms, true);
    return fixture.ready(ms);
  };
  CHECK(ready_with({0, 0}, 1'000));
  CHECK(ready_with({50, 0}, 2'000));   // The second worker accepts connections,
  CHECK(ready_with({50, 30}, 3'000));  // and now the first one does.
  CHECK(fixture.out.lines.empty());
  CHECK_FALSE(ready_with({52, 31}, 4'000));
  CHECK(fixture.out.lines.size() == 1);
}

TEST_CASE("readiness returns some time after the last sign of a shortage") {
  HealthFixture fixture;
  fixture.look({0}, 1'000);
  CHECK(fixture.ready(1'000));
  fixture.look({1}, 2'000);
  fixture.look({2}, 3'000);  // No second line so soon after the first.
  CHECK(fixture.health.why_not_ready(at_ms(12'999)) ==
        "no descriptor or memory for new connections");
  CHECK(fixture.ready(13'000));
}

TEST_CASE("a daemon that was full is not ready at once") {
  HealthFixture fixture;
  fixture.counts.streams = 10;
  CHECK_FALSE(fixture.ready(900));
  fixture.look({0}, 1'000);
  fixture.counts.streams = 9;
  CHECK(fixture.health.why_not_ready(at_ms(2'999)).starts_with("full: "));
  CHECK(fixture.ready(3'000));
  CHECK(fixture.out.lines.empty());
}

TEST_CASE("refused socket options are logged when their number grows") {
  HealthFixture fixture;
  fixture.look({0}, 1'000);
  fixture.options_refused = 7;
  fixture.look({0}, 1'250);
  fixture.look({0}, 1'500);
  REQUIRE(fixture.out.lines.size() == 1);
  CHECK(fixture.out.lines[0].find("a reload tries again") != std::string::npos);
  CHECK(fixture.ready(1'500));
}

}  // namespace
}  // namespace crier::cmd
