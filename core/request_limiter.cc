#include "core/request_limiter.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/word_lock.h"

namespace crier {

RequestLimiter::RequestLimiter(std::size_t addresses_max, const HashKey& key) : key_(key) {
  constexpr std::size_t kRows = std::tuple_size_v<decltype(Set::rows)>;
  CRIER_CHECK(addresses_max > 0);
  sets_ = ReservedArray<Set>((addresses_max + kRows - 1) / kRows);
}

RequestLimiter::Verdict RequestLimiter::ask(const Address& address, const RequestLimit& limit,
                                            Instant now) {
  if (limit.rate.unlimited()) return Verdict::allowed;
  const std::uint64_t tag = tag_of(address);
  Set& set = set_of(tag);
  const WordLock lock(set.lock);
  auto row = std::ranges::find(set.rows, tag, &Row::tag);
  if (row == set.rows.end()) {
    // A row without an address comes first.
    row = std::ranges::min_element(set.rows, {}, [&](const Row& each) {
      const bool open = each.is_open(limit, now);
      return std::pair(open, open ? each.opened_until.us : each.bucket.full_at_ns());
    });
    *row = {.tag = tag};
  }
  if (row->is_open(limit, now)) return Verdict::open;
  row->bucket.forget_debt(limit.rate, now);
  if (row->bucket.wait_ns(limit.rate, 1, now) == 0) {
    row->bucket.take(limit.rate, 1, now);
    row->opened_until = {};
    row->refusals = 0;
    return Verdict::allowed;
  }
  const bool half_open = row->opened_until.us > 0;
  if (!limit.breaks() || (!half_open && ++row->refusals < kRefusalsToOpen)) return Verdict::refused;
  row->refusals = 0;
  row->opened_until = {now.us + std::uint64_t{limit.breaker_seconds} * 1'000'000};
  return Verdict::opened;
}

bool RequestLimiter::is_open(const Address& address, const RequestLimit& limit, Instant now) {
  if (!limit.breaks()) return false;
  const std::uint64_t tag = tag_of(address);
  Set& set = set_of(tag);
  const WordLock lock(set.lock);
  const auto row = std::ranges::find(set.rows, tag, &Row::tag);
  return row != set.rows.end() && row->is_open(limit, now);
}

// Never 0.
std::uint64_t RequestLimiter::tag_of(const Address& address) const {
  const std::string_view bytes(reinterpret_cast<const char*>(address.data()), address.size());
  return keyed_hash(key_, bytes) | 1;
}

RequestLimiter::Set& RequestLimiter::set_of(std::uint64_t tag) {
  return sets_[(tag >> 32) * sets_.capacity() >> 32];
}

}  // namespace crier
