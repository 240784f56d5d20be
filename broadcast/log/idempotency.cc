#include "broadcast/log/idempotency.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "core/check.h"

namespace crier::broadcast {
namespace {

template <typename T>
void append_bytes(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

}  // namespace

bool valid_idempotency_key(std::string_view key) {
  if (key.empty() || key.size() > kIdempotencyKeyBytesMax) return false;
  return std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Hashes the size and the hash of each part, so that the content is not copied.
Fingerprint IdempotencyKeys::fingerprint(std::initializer_list<std::string_view> parts) const {
  std::string sums;
  for (const std::string_view part : parts) {
    append_bytes(sums, part.size());
    append_bytes(sums, keyed_wide_hash(hash_key_, part));
  }
  return keyed_wide_hash(hash_key_, sums);
}

Fingerprint IdempotencyKeys::scoped(std::uint32_t uid, std::string_view key) const {
  CRIER_CHECK(valid_idempotency_key(key));
  std::string scope;
  append_bytes(scope, uid);
  return fingerprint({scope, key});
}

KeyLookup IdempotencyKeys::find(const Fingerprint& key, const Fingerprint& content, Instant now) {
  drop_expired(now);
  const auto at = index_of(key);
  if (!at) return {};
  const Entry& entry = entries_[*at];
  if (entry.content != content) return {KeyStatus::different, {}};
  return {KeyStatus::same, entry.answer};
}

void IdempotencyKeys::remember(const Fingerprint& key, const Fingerprint& content,
                               const FirstAnswer& answer, Instant now) {
  drop_expired(now);
  if (keys_max_ == 0) return;
  CRIER_CHECK(!index_of(key));
  if (size_ == keys_max_) drop_oldest();
  const std::size_t at = (oldest_ + size_) % keys_max_;
  if (at >= entries_.size()) entries_.emplace_back();
  entries_[at] = {key, content, answer, now};
  index_.insert(key.low, static_cast<std::uint32_t>(at));
  ++size_;
  if (checks_.due(size_)) CRIER_SLOW_CHECK(consistent());
}

void IdempotencyKeys::restore(const Fingerprint& key, const Fingerprint& content,
                              const FirstAnswer& answer, Instant then) {
  if (size_ > 0) then = std::max(then, entries_[(oldest_ + size_ - 1) % keys_max_].remembered);
  drop_expired(then);
  // The key had left when it was used again, and is here because the limits were raised. Its entry
  // stays under a fingerprint that no key and no other entry has.
  if (const auto at = index_of(key)) {
    index_.erase(key.low, *at);
    Entry& earlier = entries_[*at];
    earlier.key = {earlier.answer.first_sequence, ~key.high};
    index_.insert(earlier.key.low, *at);
  }
  remember(key, content, answer, then);
}

// For debug builds, O(n): index_ finds exactly the remembered keys, and these are ordered by age.
bool IdempotencyKeys::consistent() const {
  if (index_.size() != size_) return false;
  Instant before;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::size_t at = (oldest_ + i) % keys_max_;
    if (index_of(entries_[at].key) != at || entries_[at].remembered < before) return false;
    before = entries_[at].remembered;
  }
  return true;
}

std::optional<std::uint32_t> IdempotencyKeys::index_of(const Fingerprint& key) const {
  return index_.find(key.low, [&](std::uint32_t at) { return entries_[at].key == key; });
}

void IdempotencyKeys::drop_expired(Instant now) {
  const std::uint64_t window_us = std::uint64_t{seconds_max_} * 1'000'000;
  while (size_ > 0 && entries_[oldest_].remembered.us + window_us <= now.us) drop_oldest();
}

void IdempotencyKeys::drop_oldest() {
  index_.erase(entries_[oldest_].key.low, static_cast<std::uint32_t>(oldest_));
  --size_;
  // Starting at 0 again when empty keeps a quiet server from touching the whole ring.
  oldest_ = size_ == 0 ? 0 : (oldest_ + 1) % keys_max_;
}

}  // namespace crier::broadcast
