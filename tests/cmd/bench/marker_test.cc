#include "cmd/bench/marker.h"

#include <vector>

#include "tests/support/catch.h"

using crier::bench::Mark;
using crier::bench::marked_data;
using crier::bench::MarkScanner;

TEST_CASE("marks are found wherever the reads are cut") {
  const Mark first{.group = 3, .event = 0x0abcdef, .topic = 127'482};
  const Mark second{.group = 0, .event = 1, .topic = 0};
  const std::string whole = "5a\r\nid: x-1\ndata: " + marked_data(first, 40) + "\n\n\r\n" +
                            marked_data(second, 0) + "\n\n";

  for (std::size_t one = 0; one <= whole.size(); ++one) {
    for (std::size_t two = one; two <= whole.size(); ++two) {
      MarkScanner scanner;
      std::vector<Mark> found;
      const auto keep = [&](Mark mark) { found.push_back(mark); };
      scanner.feed(std::string_view(whole).substr(0, one), keep);
      scanner.feed(std::string_view(whole).substr(one, two - one), keep);
      scanner.feed(std::string_view(whole).substr(two), keep);
      INFO("cuts at " << one << " and " << two);
      REQUIRE(found == std::vector<Mark>{first, second});
    }
  }
}

TEST_CASE("marked data has the size asked for, but never cuts the mark") {
  CHECK(marked_data({}, 0).size() == crier::bench::kMarkBytes);
  CHECK(marked_data({}, 4096).size() == 4096);
}
