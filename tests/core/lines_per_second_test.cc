#include "core/lines_per_second.h"

#include <vector>

#include "tests/support/catch.h"

namespace crier {
namespace {

TEST_CASE("a period begins at the first call after the one before is over") {
  struct Call {
    std::uint64_t us;
    bool over;
  };
  struct Row {
    std::uint64_t seconds;
    std::vector<Call> calls;
  };
  const Row rows[] = {
      {1, {{0, true}, {0, false}, {999'999, false}, {1'000'000, true}, {1'999'999, false}}},
      {1, {{7'250'000, true}, {8'249'999, false}, {8'250'000, true}}},
      // A late call begins one period; it does not make up for missed ones.
      {1, {{0, true}, {5'500'000, true}, {6'000'000, false}, {6'500'000, true}}},
      {10, {{1'250'000, true}, {11'249'999, false}, {11'250'000, true}, {12'250'000, false}}},
  };
  for (const Row& row : rows) {
    Period period(row.seconds);
    for (const Call& call : row.calls) {
      CAPTURE(row.seconds, call.us);
      CHECK(period.over(Instant{call.us}) == call.over);
    }
  }
}

TEST_CASE("a second has a bounded number of lines, and the others are counted") {
  struct Row {
    std::uint32_t lines_max;
    std::uint32_t wanted;
    std::uint32_t written;
    std::uint64_t left_out;
  };
  const Row rows[] = {{2, 0, 0, 0},       {2, 1, 1, 0}, {2, 2, 2, 0}, {2, 3, 2, 1},
                      {2, 1'000, 2, 998}, {0, 1, 0, 1}, {0, 3, 0, 3}, {1'000, 999, 999, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.lines_max, row.wanted);
    LinesPerSecond lines;
    std::uint32_t written = 0;
    for (std::uint32_t i = 0; i < row.wanted; ++i) written += lines.take(row.lines_max);
    CHECK(written == row.written);
    CHECK(lines.left_out() == row.left_out);
  }
}

TEST_CASE("a new second has room for lines, and the count stays until told() is called") {
  LinesPerSecond lines;
  CHECK(lines.take(1));
  CHECK_FALSE(lines.take(1));
  lines.begin();
  CHECK(lines.left_out() == 1);
  CHECK(lines.take(1));
  lines.leave_out();
  CHECK(lines.left_out() == 2);
  lines.told();
  CHECK(lines.left_out() == 0);
  CHECK_FALSE(lines.take(1));
  CHECK(lines.take(2));  // The limit may change within a second.
}

}  // namespace
}  // namespace crier
