// Event ids, from which a subscriber resumes: `<epoch>-<sequence>`, e.g. `h5vq2mzkc7wna-1042`.
//
// The epoch names one life of the log, the sequence one event of that life. An id has exactly one
// spelling and every other spelling is refused, because ids are compared with the log's own:
// parse_event_id(text) followed by to_string() returns the same bytes. Values; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

// 64 random bits as 13 characters of lower-case base32 (RFC 4648, section 6, without padding). The
// first character carries the top four bits. A default epoch is that of the number 0.
class Epoch {
 public:
  static constexpr std::size_t kBytes = 13;

  Epoch() : Epoch(from_random(0)) {}
  // Makes an epoch of 64 random bits.
  static Epoch from_random(std::uint64_t random);
  // Returns nullopt for a text that from_random() does not make of any number.
  static std::optional<Epoch> parse(std::string_view text);

  // The view is valid as long as this epoch lives.
  std::string_view view() const { return {text_.data(), text_.size()}; }

  // The order has no meaning. It exists for sorted containers.
  friend auto operator<=>(const Epoch&, const Epoch&) = default;

 private:
  explicit Epoch(const std::array<char, kBytes>& text) : text_(text) {}

  std::array<char, kBytes> text_;
};

struct EventId {
  Epoch epoch;
  std::uint64_t sequence = 0;
  friend bool operator==(const EventId&, const EventId&) = default;
};

// The size of the longest id: epoch, hyphen, 20 digits.
inline constexpr std::size_t kEventIdBytesMax = Epoch::kBytes + 1 + 20;

// Returns nullopt for a text that no crier ever sent as an id. The sequence is decimal without
// leading zeros and fits 64 bits. Whether the log ever reached it is for the log to decide.
std::optional<EventId> parse_event_id(std::string_view text);

// Appends the id of an event.
void append_event_id(std::string& out, const Epoch& epoch, std::uint64_t sequence);
std::string to_string(const EventId& id);

}  // namespace crier
