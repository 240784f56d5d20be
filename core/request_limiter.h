// Limits the requests of each client address, over all workers, and shuts out for a while an
// address that goes on asking: the breaker.
//
//            ┌── allowed ──┐
//            ▼             │ 3 refusals in a row
//   closed: the bucket decides ────────────────────► open: each request is refused
//            ▲                                        │    ▲
//            │ allowed                breaker_seconds │    │ refused
//            └────────────────────── half-open: the bucket decides on one request
//
// It is a fixed table of rows in sets of seven, each set with a lock. The set of an address is
// chosen by a keyed hash, so that a client cannot aim at the row of another one. If a set is full,
// the address is forgotten whose bucket has been full the longest, which changes nothing for it;
// addresses whose breaker is open are forgotten last. A forgotten address has a full bucket again.
//
// Memory is touched as addresses arrive, at most 2.2 MB in all, and none while nothing is limited.
//
// Any thread; a call holds the lock of one set while it looks at seven rows.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/cost_bucket.h"
#include "core/instant.h"
#include "core/keyed_hash.h"
#include "core/reserved_array.h"

namespace crier {

struct RequestLimit {
  CostRate rate;                      // Unlimited: every request is allowed.
  std::uint32_t breaker_seconds = 0;  // 0: no breaker.

  bool breaks() const { return !rate.unlimited() && breaker_seconds > 0; }
  friend bool operator==(const RequestLimit&, const RequestLimit&) = default;
};

class RequestLimiter {
 public:
  // The form that limits count by; see net/socket/peer_address.h.
  using Address = std::array<std::uint8_t, 16>;

  static constexpr std::size_t kAddressesMax = 65'536;
  static constexpr std::uint32_t kRefusalsToOpen = 3;  // In a row.

  enum class Verdict : std::uint8_t {
    allowed,
    refused,  // By the bucket.
    opened,   // By the bucket, and the breaker has opened.
    open,     // By the breaker.
  };

  // Requires: addresses_max > 0.
  RequestLimiter(std::size_t addresses_max, const HashKey& key);

  // Counts a request of the address and judges it.
  Verdict ask(const Address& address, const RequestLimit& limit, Instant now);

  // Whether the breaker of the address is open; counts nothing.
  bool is_open(const Address& address, const RequestLimit& limit, Instant now);

 private:
  struct Row {
    std::uint64_t tag = 0;  // Of the address; 0: none.
    CostBucket bucket;
    Instant opened_until;        // The end of the breaker; 0: closed.
    std::uint32_t refusals = 0;  // In a row, while closed.

    // Not if more than breaker_seconds are left: they have been lowered since.
    bool is_open(const RequestLimit& limit, Instant now) const {
      const std::uint64_t longest_us = (std::uint64_t{limit.breaker_seconds} + 1) * 1'000'000;
      return limit.breaks() && now < opened_until && opened_until.us - now.us <= longest_us;
    }
  };
  struct Set {
    std::atomic<std::uint64_t> lock{0};
    std::array<Row, 7> rows;
  };

  std::uint64_t tag_of(const Address& address) const;
  Set& set_of(std::uint64_t tag);

  HashKey key_;
  ReservedArray<Set> sets_;
};

}  // namespace crier
