#include "core/counter.h"

#include <thread>

#include "tests/support/catch.h"

namespace crier {

TEST_CASE("a counter is read while another thread counts, and never falls") {
  Counter counter;
  std::thread writer([&counter] {
    for (int i = 0; i < 100'000; ++i) counter.add();
  });
  bool rising = true;
  std::uint64_t last = 0;
  while (last < 100'000) {
    const std::uint64_t now = counter.read();
    rising = rising && now >= last;
    last = now;
  }
  writer.join();
  CHECK(rising);
  counter.add(5);
  CHECK(counter.read() == 100'005);
  counter.set(3);
  CHECK(counter.read() == 3);
}

TEST_CASE("a histogram's bounds are inclusive, and what is above them is counted apart") {
  static constexpr std::array<std::uint64_t, 2> kBounds{10, 20};
  Histogram<2> histogram{kBounds};
  for (const std::uint64_t value : {0U, 10U, 11U, 20U, 21U}) histogram.observe(value);
  for (int i = 0; i < 3; ++i) histogram.observe(1'000);
  CHECK(histogram.bucket(0) == 2);
  CHECK(histogram.bucket(1) == 2);
  CHECK(histogram.bucket(2) == 4);
  CHECK(histogram.sum() == 62 + 3'000);
}

TEST_CASE("values observed together are counted as they are one by one") {
  static constexpr std::array<std::uint64_t, 3> kBounds{10, 20, 30};
  Histogram<3> one_by_one{kBounds};
  Histogram<3> together{kBounds};
  {
    Histogram<3>::Several several(together);
    for (const std::uint64_t value : {40U, 31U, 30U, 25U, 21U, 20U, 0U, 10U, 11U, ~0U, 5U}) {
      one_by_one.observe(value);
      several.observe(value);
    }
  }
  {
    const Histogram<3>::Several none(together);
  }
  for (std::size_t i = 0; i <= kBounds.size(); ++i)
    CHECK(together.bucket(i) == one_by_one.bucket(i));
  CHECK(together.sum() == one_by_one.sum());
}

}  // namespace crier
