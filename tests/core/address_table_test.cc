#include "core/address_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

using crier::AddressTable;
using crier::HashKey;

namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};

AddressTable::Address address_of(std::uint64_t n) {
  AddressTable::Address address{};
  std::memcpy(address.data() + 4, &n, sizeof(n));
  return address;
}

}  // namespace

TEST_CASE("an address has as many streams as the cap allows, and one more after one has left") {
  AddressTable table(100, kKey);
  const auto here = address_of(1);
  std::vector<std::uint32_t> rows;
  for (int i = 0; i < 3; ++i) {
    const auto row = table.enter(here, 3);
    REQUIRE(row);
    rows.push_back(*row);
  }
  CHECK(std::ranges::count(rows, rows[0]) == 3);
  CHECK(table.count(rows[0]) == 3);
  CHECK_FALSE(table.enter(here, 3));
  CHECK(table.enter(address_of(2), 3));  // Another address has a count of its own.
  table.leave(rows[0]);
  CHECK(table.enter(here, 3) == rows[0]);
  CHECK_FALSE(table.enter(here, 3));
  CHECK(table.rows_in_use() == 2);
}

TEST_CASE("a lowered cap refuses until enough have left") {
  AddressTable table(10, kKey);
  const auto here = address_of(1);
  const std::uint32_t row = table.enter(here, 5).value();
  for (int i = 1; i < 5; ++i) REQUIRE(table.enter(here, 5));
  CHECK_FALSE(table.enter(here, 2));
  for (int i = 0; i < 3; ++i) table.leave(row);
  CHECK_FALSE(table.enter(here, 2));
  table.leave(row);
  CHECK(table.enter(here, 2) == row);
}

TEST_CASE("a caller that is counted in a row enters it again, up to the cap") {
  AddressTable table(10, kKey);
  const std::uint32_t row = table.enter("a.topic", 3).value();
  CHECK(table.enter_again(row, 3));
  CHECK(table.enter("a.topic", 3) == row);
  CHECK_FALSE(table.enter_again(row, 3));
  CHECK(table.count(row) == 3);
  table.leave(row);
  CHECK(table.enter_again(row, 3));
  CHECK(table.enter("another", 3) != row);
  for (int i = 0; i < 3; ++i) table.leave(row);
  CHECK(table.rows_in_use() == 1);
}

TEST_CASE("the table has room for addresses_max addresses") {
  const std::size_t addresses =
      GENERATE(values<std::size_t>({1, 2, 7, 15, 16, 31, 100, 5'000, 100'000}));
  INFO(addresses);
  AddressTable table(addresses, kKey);
  for (int life = 0; life < 3; ++life) {  // Rows of former addresses take no room.
    std::vector<std::uint32_t> rows;
    const std::uint64_t first = static_cast<std::uint64_t>(life) * addresses;
    for (std::uint64_t n = first; n < first + addresses; ++n) {
      if (const auto row = table.enter(address_of(n), 1)) rows.push_back(*row);
    }
    CHECK(rows.size() == addresses);
    CHECK(table.rows_in_use() == addresses);
    for (const std::uint32_t row : rows) table.leave(row);
    CHECK(table.rows_in_use() == 0);
  }
}

TEST_CASE("distinct addresses have distinct rows") {
  AddressTable table(20'000, kKey);
  std::vector<std::uint32_t> rows;
  for (std::uint64_t n = 0; n < 20'000; ++n) rows.push_back(table.enter(address_of(n), 1).value());
  std::ranges::sort(rows);
  CHECK(std::ranges::adjacent_find(rows) == rows.end());
}

TEST_CASE("a full table refuses further addresses") {
  AddressTable table(1, kKey);  // The table has one bucket.
  std::size_t admitted = 0;
  for (std::uint64_t n = 0; n < 100; ++n) admitted += table.enter(address_of(n), 1).has_value();
  CHECK(admitted == 15);
}

// Threads enter and leave a few addresses that share few buckets, so that rows are often freed and
// reused. A model counts each address separately; its count must never exceed the cap.
TEST_CASE("no interleaving admits more than the cap") {
  constexpr std::uint32_t kCap = 3;
  constexpr std::size_t kAddresses = 12;
  constexpr int kRounds = 20'000;
  AddressTable table(kAddresses, kKey);  // The table has two buckets.
  std::array<std::atomic<std::uint32_t>, kAddresses> open{};
  std::atomic<std::uint32_t> broken{0};
  std::atomic<std::uint64_t> admitted{0};

  const auto worker = [&](unsigned seed) {
    std::minstd_rand random(seed);
    struct Held {
      std::size_t address;
      std::uint32_t row;
    };
    std::vector<Held> held;
    for (int i = 0; i < kRounds; ++i) {
      const std::size_t n = random() % kAddresses;
      if (held.size() < 4 && !held.empty() && random() % 4 == 0) {
        const Held again = held[random() % held.size()];
        if (table.enter_again(again.row, kCap)) {
          if (open[again.address].fetch_add(1) >= kCap) broken.fetch_add(1);
          held.push_back(again);
        }
      } else if (held.size() < 4 && random() % 2 == 0) {
        if (const auto row = table.enter(address_of(n), kCap)) {
          if (open[n].fetch_add(1) >= kCap) broken.fetch_add(1);
          held.push_back({n, *row});
          admitted.fetch_add(1, std::memory_order_relaxed);
        }
      } else if (!held.empty()) {
        std::swap(held[random() % held.size()], held.back());
        open[held.back().address].fetch_sub(1);
        table.leave(held.back().row);
        held.pop_back();
      }
    }
    for (const Held& one : held) {
      open[one.address].fetch_sub(1);
      table.leave(one.row);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(worker, seed);
  for (std::thread& thread : threads) thread.join();

  CHECK(broken.load() == 0);
  CHECK(admitted.load() > kRounds / 4);
  CHECK(table.rows_in_use() == 0);
  for (std::size_t n = 0; n < kAddresses; ++n) {  // No row was lost: each cap has its full room.
    for (std::uint32_t i = 0; i < kCap; ++i) CHECK(table.enter(address_of(n), kCap));
    CHECK_FALSE(table.enter(address_of(n), kCap));
  }
}

TEST_CASE("the cap holds for all threads together") {
  for (std::uint64_t round = 0; round < 200; ++round) {
    AddressTable table(64, kKey);
    std::atomic<int> ready{0};
    std::atomic<std::uint32_t> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        ready.fetch_add(1);
        while (ready.load() < 4) std::this_thread::yield();
        for (int i = 0; i < 5; ++i) admitted += table.enter(address_of(round), 7).has_value();
      });
    }
    for (std::thread& thread : threads) thread.join();
    REQUIRE(admitted.load() == 7);
  }
}
