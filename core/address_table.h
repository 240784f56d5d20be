// Counts how many streams each client address, or each topic, has open, over all workers, so that
// the cap per address or topic is exact. It is a fixed table of atomic counts.
//
// An address has two buckets of 15 rows, chosen by a keyed hash. It has one row, in either bucket:
//
//   bucket:  | lock | row | row | … | row |     row:  | tag, 40 bits | count, 24 bits |
//
// A row whose count is 0 is free, whatever its tag, so no clean-up is needed. enter() holds the
// locks of both buckets, in order, while it scans 30 words; so two threads cannot make two rows for
// one address. enter_again() and leave() take no lock: the count is kept above 0 by a stream of
// their caller, and enter() gives only rows with count 0 to another address. A count grows only by
// an exchange that compares it with the cap, so it never passes the cap.
//
// Two addresses that share a bucket and a tag share one count. That happens to one pair in about
// 10^11, and a client cannot search for such a pair without the key.
//
// A topic is counted in the same way, by its name: read `topic` for `address` above and below. A
// table counts either addresses or topics.
//
// Memory is touched as addresses arrive: at most 18 bytes for each of `addresses_max`.
//
// Any thread. The table is used only when a stream opens and when it closes. A cap per topic costs
// a lock only for the first stream of a topic on a worker; the worker keeps the topic's row.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/keyed_hash.h"
#include "core/reserved_array.h"

namespace crier {

class AddressTable {
 public:
  // The form that limits count by; see net/socket/peer_address.h.
  using Address = std::array<std::uint8_t, 16>;

  static constexpr std::uint32_t kCapMax = (std::uint32_t{1} << 24) - 1;

  // Makes room for `addresses_max` addresses at once: as many as there may be streams. Requires: 0
  // < addresses_max <= 2^28.
  AddressTable(std::size_t addresses_max, const HashKey& key);

  // Counts one more stream of the address and returns the address's row. Returns nothing if the
  // address has `cap` streams already. Also returns nothing if both its buckets are full, which up
  // to addresses_max addresses never cause in practice. Requires: 0 < cap <= kCapMax.
  std::optional<std::uint32_t> enter(const Address& address, std::uint32_t cap) {
    return enter(std::string_view(reinterpret_cast<const char*>(address.data()), address.size()),
                 cap);
  }
  // The same for a topic, by its name.
  std::optional<std::uint32_t> enter(std::string_view name, std::uint32_t cap);

  // Counts one more stream in `row`, without a lock. Returns false if the row has `cap` streams
  // already. Requires: a stream of the caller is counted in `row` during the call; 0 < cap <=
  // kCapMax.
  [[nodiscard]] bool enter_again(std::uint32_t row, std::uint32_t cap);

  // Undoes one enter() or enter_again(). Requires: that call has counted a stream in `row`, and was
  // not undone before.
  void leave(std::uint32_t row);

  // Returns the number of streams counted in `row` at this moment.
  std::uint32_t count(std::uint32_t row) const;
  // Returns how many rows have a count above 0. Visits the whole table.
  std::size_t rows_in_use() const;

 private:
  using Word = std::atomic<std::uint64_t>;

  struct Found {
    std::optional<std::size_t> match;
    std::optional<std::size_t> free;
    std::size_t used = 0;
  };
  Found scan(std::size_t bucket, std::uint64_t tag) const;
  std::size_t bucket_of(std::uint64_t hash) const;
  static bool add_below(Word& word, std::uint32_t cap);

  HashKey key_;
  std::size_t buckets_;
  ReservedArray<Word> words_;
};

}  // namespace crier
