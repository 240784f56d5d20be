#include "broadcast/log/hash_index.h"

#include <map>
#include <random>

#include "tests/support/catch.h"

namespace crier::broadcast {

TEST_CASE("a hash index finds exactly what was inserted, also when hashes collide") {
  // 16 to 4,096 different hashes, which differ only in the low bits or only beyond them, so that
  // long runs of neighbours arise.
  const std::uint64_t hashes = GENERATE(16U, 300U, 4'096U);
  const std::uint64_t stride =
      GENERATE(std::uint64_t{1}, std::uint64_t{1} << 32, std::uint64_t{64});
  std::mt19937 random(static_cast<std::uint32_t>(hashes));
  HashIndex index;
  std::map<std::uint32_t, std::uint64_t> model;  // Number to hash.
  const auto find = [&](std::uint64_t hash, std::uint32_t number) {
    return index.find(hash, [&](std::uint32_t candidate) { return candidate == number; });
  };
  for (int i = 0; i < 3'000; ++i) {
    const auto number = static_cast<std::uint32_t>(random() % 400);
    const std::uint64_t hash = random() % hashes * stride;
    if (const auto known = model.find(number); known != model.end()) {
      REQUIRE(find(known->second, number) == number);
      index.erase(known->second, number);
      REQUIRE_FALSE(find(known->second, number));
      model.erase(known);
    } else {
      REQUIRE_FALSE(find(hash, number));
      index.insert(hash, number);
      model[number] = hash;
    }
    REQUIRE(index.size() == model.size());
  }
  for (const auto& [number, hash] : model) REQUIRE(find(hash, number) == number);
}

}  // namespace crier::broadcast
