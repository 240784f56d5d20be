// Remembers which publishes were answered, so that a publisher that did not see the answer can
// safely repeat the request.
//
// A key is scoped by the publisher's uid. It is remembered when its events are committed; until
// then EventIntake (cmd/daemon/control) holds it. A request with the same key and content gets the
// first answer again and publishes nothing. The same key with other content is refused. Keys are
// remembered for a bounded time and up to a bounded number; the oldest leaves first. Neither keys
// nor contents are kept, only a keyed hash of 128 bits of each.
//
// Belongs to the control loop. Time is an argument; it must not go back from one find() to the
// next, nor from one remember() to the next.
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

// The answer to a publish of one event or of several lines of NDJSON.
struct FirstAnswer {
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint32_t accepted = 0;
  friend bool operator==(const FirstAnswer&, const FirstAnswer&) = default;
};

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;

// Returns true for 1 to 255 bytes of printable ASCII, as a header's value may be.
bool valid_idempotency_key(std::string_view key);

enum class KeyStatus : std::uint8_t {
  unknown,    // The key is new: publish, then call remember().
  same,       // The request is a repeat: give `answer` again.
  different,  // The key was used with other content: answer 422.
};

struct KeyLookup {
  KeyStatus status = KeyStatus::unknown;
  FirstAnswer answer;  // Set with `same`.
};

class IdempotencyKeys {
 public:
  // With keys_max 0, no key is remembered.
  IdempotencyKeys(const HashKey& hash_key, std::size_t keys_max, std::uint32_t seconds_max)
      : hash_key_(hash_key), keys_max_(keys_max), seconds_max_(seconds_max) {}

  std::size_t size() const { return size_; }

  // Returns the fingerprint of content that consists of these parts: ("a", "bc") differs from
  // ("ab", "c").
  Fingerprint fingerprint(std::initializer_list<std::string_view> parts) const;

  // Returns the fingerprint of a key of this publisher. Requires: valid_idempotency_key(key).
  Fingerprint scoped(std::uint32_t uid, std::string_view key) const;

  // Looks up a key, which scoped() made, and compares the content.
  KeyLookup find(const Fingerprint& key, const Fingerprint& content, Instant now);

  // Remembers the answer to a key, which scoped() made. Requires: find() returns `unknown` for it.
  void remember(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
                Instant now);

  // Remembers the answer to a key that a journal has kept, and that may be known: then the new
  // answer counts. If `then` is before the time of the newest key, that time counts.
  void restore(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
               Instant then);

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
  // A ring of keys_max_ entries; it grows as it fills for the first time.
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;
  HashIndex index_;
  SlowCheckPace checks_;
};

}  // namespace crier::broadcast
