// Limits log lines: at most N lines of a kind per second, then one count of those left out. Period
// tells when a second is over, LinesPerSecond counts the lines of one kind within it.
//
//   if (second.over(now)) { …log lines.left_out()…; lines.told(); lines.begin(); }
//   if (lines.take(lines_max)) …write the line…
//
// Several kinds of lines may share a Period. Values; each belongs to one thread.
#pragma once

#include <cstdint>

#include "core/instant.h"

namespace crier {

class Period {
 public:
  explicit constexpr Period(std::uint64_t seconds = 1) : micros_(seconds * 1'000'000) {}

  // Returns true at the first call, and then once each time a whole period has passed since the
  // last true. Begins a new period then.
  constexpr bool over(Instant now) {
    if (now < ends_) return false;
    ends_ = Instant{now.us + micros_};
    return true;
  }

 private:
  std::uint64_t micros_;
  Instant ends_;
};

class LinesPerSecond {
 public:
  // Returns true if a line may be written. Counts the line as written or as left out.
  constexpr bool take(std::uint32_t lines_max) {
    if (written_ < lines_max) {
      ++written_;
      return true;
    }
    ++left_out_;
    return false;
  }
  // Counts lines that were lost later, for example because a queue was full.
  constexpr void leave_out(std::uint64_t lines = 1) { left_out_ += lines; }

  // Returns how many lines were left out since told() was last called.
  constexpr std::uint64_t left_out() const { return left_out_; }
  // Sets that count to 0.
  constexpr void told() { left_out_ = 0; }

  // Begins a new second.
  constexpr void begin() { written_ = 0; }

 private:
  std::uint32_t written_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace crier
