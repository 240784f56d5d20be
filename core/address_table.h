// How many streams each client address has open, over all workers: a fixed table of atomic counts,
// so that the cap per address is exact.
//
// An address has two buckets of 15 rows, chosen by a keyed hash, and lives in one row of either:
//
//   bucket:  | lock | row | row | … | row |     row:  | tag, 40 bits | count, 24 bits |
//
// A row whose count is 0 is free, whatever its tag says: nothing has to be tidied up, and no dead
// row ever fills the table. enter() holds the locks of both buckets (in order, for a scan of 30
// words), so two threads cannot make two rows for one address. leave() takes no lock: it subtracts
// one from a count that its own caller keeps above 0, and such a row is never given to another
// address. Between two enters counts therefore only fall, and none can pass the cap.
//
// Two addresses that share both a bucket and a tag share a count: once in some 10^11 pairs, and
// nobody without the key can look for them. Memory is touched as addresses come, at most 18 bytes
// for each that the table was made for.
//
// Any thread. Touched when a stream opens and when it closes, at no other time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/keyed_hash.h"
#include "core/reserved_array.h"

namespace crier {

class AddressTable {
 public:
  using Address = std::array<std::uint8_t, 16>;  // As limits see it: see net/socket/peer_address.h.

  static constexpr std::uint32_t kCapMax = (std::uint32_t{1} << 24) - 1;

  // Room for so many addresses at once: as many as there may be streams.
  // Requires: 0 < addresses_max <= 2^28.
  AddressTable(std::size_t addresses_max, const HashKey& key);

  // Counts one more stream of the address and says in which row; nothing when it has `cap` already
  // (or, which no load up to addresses_max brings about, when both its buckets are full). Requires:
  // 0 < cap <= kCapMax.
  std::optional<std::uint32_t> enter(const Address& address, std::uint32_t cap);

  // Takes back one enter(). Requires: it returned `row`, and was not taken back before.
  void leave(std::uint32_t row);

  // Streams counted in `row` at this moment.
  std::uint32_t count(std::uint32_t row) const;
  // Rows with a count above 0; visits the whole table.
  std::size_t rows_in_use() const;

 private:
  using Word = std::atomic<std::uint64_t>;
  class TwoLocks;

  struct Found {
    std::optional<std::size_t> match;
    std::optional<std::size_t> free;
    std::size_t used = 0;
  };
  Found scan(std::size_t bucket, std::uint64_t tag) const;
  std::size_t bucket_of(std::uint64_t hash) const;

  HashKey key_;
  std::size_t buckets_;
  ReservedArray<Word> words_;
};

}  // namespace crier
