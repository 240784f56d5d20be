// Which publishes were answered before, so that a publisher that did not see the answer may ask
// again.
//
// A key is scoped by the publisher's uid. It is remembered once its events are committed; keys on
// their way there are EventIntake's. Same key and content: the first answer again, and nothing
// is published; same key, other content: refused. Remembered for a window bounded in time and
// count; the oldest leaves first. Neither key nor content is kept, only a keyed hash of 128 bits of
// each.
//
// Belongs to the control loop. Time is an argument that does not go back, neither from find() to
// find() nor from remember() to remember().
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "broadcast/log/hash_index.h"
#include "core/instant.h"
#include "core/keyed_hash.h"
#include "core/slow_check.h"

namespace crier::broadcast {

using Fingerprint = WideHash;

// What a publish was told: one event, or how many lines of NDJSON.
struct FirstAnswer {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint32_t accepted = 0;
  friend bool operator==(const FirstAnswer&, const FirstAnswer&) = default;
};

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;

// 1 to 255 bytes of printable ASCII, as in a header's value.
bool valid_idempotency_key(std::string_view key);

enum class KeyStatus : std::uint8_t {
  unknown,    // Publish, then remember().
  same,       // Give `answer` again.
  different,  // The key was used for something else: 422.
};

struct KeyLookup {
  KeyStatus status = KeyStatus::unknown;
  FirstAnswer answer;  // When `same`.
};

class IdempotencyKeys {
 public:
  // With keys_max 0 nothing is remembered.
  IdempotencyKeys(const HashKey& hash_key, std::size_t keys_max, std::uint32_t seconds_max)
      : hash_key_(hash_key), keys_max_(keys_max), seconds_max_(seconds_max) {}

  std::size_t size() const { return size_; }

  // Of content that consists of these parts: ("a", "bc") differs from ("ab", "c").
  Fingerprint fingerprint(std::initializer_list<std::string_view> parts) const;

  // Of a publisher's key. Requires: valid_idempotency_key(key).
  Fingerprint scoped(std::uint32_t uid, std::string_view key) const;

  // `key`, here and below: scoped().
  KeyLookup find(const Fingerprint& key, const Fingerprint& content, Instant now);

  // Requires: find() says `unknown`.
  void remember(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
                Instant now);

 private:
  struct Entry {
    Fingerprint key;
    Fingerprint content;
    FirstAnswer answer;
    Instant remembered;
  };

  std::optional<std::uint32_t> index_of(const Fingerprint& key) const;
  void drop_expired(Instant now);
  void drop_oldest();
  bool consistent() const;

  HashKey hash_key_;
  std::size_t keys_max_;
  std::uint32_t seconds_max_;
  std::vector<Entry> entries_;  // A ring of keys_max_; its memory comes as it fills.
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;
  HashIndex index_;
  SlowCheckPace checks_;
};

}  // namespace crier::broadcast
