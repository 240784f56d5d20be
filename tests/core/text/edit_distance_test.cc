#include "core/text/edit_distance.h"

#include <string_view>

#include "tests/support/catch.h"

using namespace crier;

TEST_CASE("the distance is the least number of bytes to insert, remove or replace") {
  struct Row {
    std::string_view a, b;
    std::size_t distance;
  };
  const auto row = GENERATE(values<Row>({{"", "", 0},
                                         {"", "abc", 3},
                                         {"abc", "abc", 0},
                                         {"abc", "abd", 1},
                                         {"abc", "ac", 1},
                                         {"ab", "ba", 2},
                                         {"kitten", "sitting", 3}}));
  CAPTURE(row.a, row.b);
  CHECK(edit_distance(row.a, row.b) == row.distance);
  CHECK(edit_distance(row.b, row.a) == row.distance);
}
