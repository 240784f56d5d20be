#include "core/index_pool.h"

#include <set>
#include <vector>

#include "core/random.h"
#include "tests/support/catch.h"

namespace crier {

TEST_CASE("the lowest free index is rented first, and the end follows the highest") {
  const std::size_t capacity = GENERATE(std::size_t{1}, 63, 64, 65, 300, 5'000);
  FreeIndices indices(capacity);
  std::set<std::size_t> rented;
  Random random(capacity);
  for (int i = 0; i < 20'000; ++i) {
    // In alternate phases, more indices are rented than given back, or fewer.
    const bool rent = random.between(0, 9) < ((i / 4'000) % 2 == 0 ? 7U : 3U);
    if (rent) {
      std::size_t lowest = 0;
      for (auto at = rented.begin(); at != rented.end() && *at == lowest; ++at) ++lowest;
      const auto index = indices.rent();
      REQUIRE(index.has_value() == (lowest < capacity));
      if (index) REQUIRE(*index == lowest);
      if (index) rented.insert(*index);
    } else if (!rented.empty()) {
      const auto any = rented.lower_bound(random.between(0, static_cast<std::uint32_t>(capacity)));
      const std::size_t index = any == rented.end() ? *rented.rbegin() : *any;
      indices.give_back(index);
      rented.erase(index);
      REQUIRE(!indices.is_rented(index));
    }
    REQUIRE(indices.rented() == rented.size());
    REQUIRE(indices.end() == (rented.empty() ? 0 : *rented.rbegin() + 1));
  }
}

TEST_CASE("none_rented() is true exactly for ranges without a rented index") {
  FreeIndices indices(200);
  for (int i = 0; i < 130; ++i) REQUIRE(indices.rent().has_value());
  for (std::size_t i = 64; i < 130; ++i) indices.give_back(i);
  CHECK(!indices.none_rented(0, 64));
  CHECK(indices.none_rented(64, 200));
  CHECK(indices.end() == 64);
}

TEST_CASE("memory in which no object is rented is zero again") {
  struct Item {
    std::uint64_t value;
    std::uint64_t rest[7];
  };
  IndexPool<Item> pool(10'000);
  std::vector<std::uint32_t> indices;
  for (int i = 0; i < 10'000; ++i) {
    indices.push_back(*pool.rent());
    pool[indices.back()].value = 7;
  }
  CHECK(!pool.rent().has_value());
  for (const std::uint32_t index : indices) pool.give_back(index);
  CHECK(pool.rented() == 0);
  CHECK(pool.end() == 0);
  // The last group may share a page with other memory.
  for (std::size_t i = 0; i < 9'000; ++i) REQUIRE(pool[i].value == 0);
}

}  // namespace crier
