// Tells by their numbers which of a stream's events were skipped, repeated or late.
//
// One per stream, 16 bytes. A value; one thread.
#pragma once

#include <cstdint>

namespace crier::bench {

class EventOrder {
 public:
  enum class Kind : std::uint8_t {
    next,       // Newer than all before. The numbers between were skipped.
    duplicate,  // Received before.
    late,       // Skipped before: it is out of order, not lost.
    too_old,    // A duplicate or late: what became of its number is not remembered.
  };

  // Events up to `newest` are not owed: the stream opens after them.
  void begin_after(std::uint32_t newest) {
    newest_ = newest;
    received_ = ~std::uint64_t{0};
  }

  std::uint32_t newest() const { return newest_; }

  Kind note(std::uint32_t event) {
    if (event > newest_) {
      skip_through(event);
      received_ |= 1;
      return Kind::next;
    }
    const std::uint32_t age = newest_ - event;
    if (age >= kRemembered) return Kind::too_old;
    if ((received_ >> age & 1) != 0) return Kind::duplicate;
    received_ |= std::uint64_t{1} << age;
    return Kind::late;
  }

  // Counts the events after newest() up to `event` as skipped. Requires: event >= newest().
  void skip_through(std::uint32_t event) {
    const std::uint32_t step = event - newest_;
    received_ = step < kRemembered ? received_ << step : 0;
    newest_ = event;
  }

 private:
  static constexpr std::uint32_t kRemembered = 64;

  std::uint64_t received_ = ~std::uint64_t{0};  // Bit i: newest_ - i was received.
  std::uint32_t newest_ = 0;
};

}  // namespace crier::bench
