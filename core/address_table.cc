#include "core/address_table.h"

#include <algorithm>

#include "core/check.h"
#include "core/word_lock.h"

namespace crier {
namespace {

constexpr std::size_t kBucketWords = 16;  // Two cache lines: the lock and 15 rows.
constexpr unsigned kCountBits = 24;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
static_assert(AddressTable::kCapMax == kCountMask);

// An odd number, 2^64 divided by the golden ratio: it derives the second bucket from the same hash.
constexpr std::uint64_t kSecondChoice = 0x9e3779b97f4a7c15;

std::uint64_t count_in(std::uint64_t row) {
  return row & kCountMask;
}

}  // namespace

// The table has twice as many rows as addresses_max. With half of the rows in use, hardly any
// address finds both of its buckets full.
AddressTable::AddressTable(std::size_t addresses_max, const HashKey& key)
    : key_(key), buckets_((addresses_max * 2 + kBucketWords - 2) / (kBucketWords - 1)) {
  CRIER_CHECK(addresses_max > 0);
  CRIER_CHECK(addresses_max <= std::size_t{1} << 28);
  words_ = ReservedArray<Word>(buckets_ * kBucketWords);
}

std::optional<std::uint32_t> AddressTable::enter(std::string_view name, std::uint32_t cap) {
  CRIER_CHECK(cap > 0);
  CRIER_CHECK(cap <= kCapMax);
  const std::uint64_t hash = keyed_hash(key_, name);
  const std::uint64_t tag = hash << kCountBits;
  const std::size_t a = bucket_of(hash);
  const std::size_t b = bucket_of(hash * kSecondChoice);

  // The lower one first, so that two threads never wait for each other.
  const WordLock first(words_[std::min(a, b)]);
  std::optional<WordLock> second;
  if (a != b) second.emplace(words_[std::max(a, b)]);
  const Found in_a = scan(a, tag);
  const Found in_b = scan(b, tag);
  if (const auto row = in_a.match ? in_a.match : in_b.match) {
    if (!add_below(words_[*row], cap)) return std::nullopt;
    return static_cast<std::uint32_t>(*row);
  }
  const auto row = in_a.used <= in_b.used ? in_a.free : in_b.free;
  if (!row) return std::nullopt;
  const std::uint64_t before = words_[*row].exchange(tag | 1, std::memory_order_acq_rel);
  CRIER_CHECK(count_in(before) == 0);
  return static_cast<std::uint32_t>(*row);
}

bool AddressTable::enter_again(std::uint32_t row, std::uint32_t cap) {
  CRIER_CHECK(cap <= kCapMax);
  CRIER_CHECK(count(row) > 0);
  return add_below(words_[row], cap);
}

bool AddressTable::add_below(Word& word, std::uint32_t cap) {
  std::uint64_t before = word.load(std::memory_order_relaxed);
  do {
    if (count_in(before) >= cap) return false;
  } while (!word.compare_exchange_weak(before, before + 1, std::memory_order_acq_rel,
                                       std::memory_order_relaxed));
  return true;
}

void AddressTable::leave(std::uint32_t row) {
  CRIER_CHECK(row % kBucketWords != 0);
  const std::uint64_t before = words_[row].fetch_sub(1, std::memory_order_acq_rel);
  CRIER_CHECK(count_in(before) > 0);
}

std::uint32_t AddressTable::count(std::uint32_t row) const {
  CRIER_CHECK(row % kBucketWords != 0);
  return static_cast<std::uint32_t>(count_in(words_[row].load(std::memory_order_relaxed)));
}

std::size_t AddressTable::rows_in_use() const {
  std::size_t used = 0;
  for (std::size_t bucket = 0; bucket < words_.capacity(); bucket += kBucketWords) {
    used += scan(bucket, 0).used;
  }
  return used;
}

// A row with the address's tag matches even at count 0, so an address never gets a second row.
AddressTable::Found AddressTable::scan(std::size_t bucket, std::uint64_t tag) const {
  Found found;
  for (std::size_t i = bucket + 1; i < bucket + kBucketWords; ++i) {
    const std::uint64_t row = words_[i].load(std::memory_order_relaxed);
    if (row - count_in(row) == tag && !found.match) found.match = i;
    if (count_in(row) > 0) {
      ++found.used;
    } else if (!found.free) {
      found.free = i;
    }
  }
  return found;
}

// Returns the index of the bucket's first word.
std::size_t AddressTable::bucket_of(std::uint64_t hash) const {
  return ((hash >> 32) * buckets_ >> 32) * kBucketWords;
}

}  // namespace crier
