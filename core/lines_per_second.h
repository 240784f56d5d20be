// "So many lines a second, and then a count of what was left out": Period says when a second is
// over, LinesPerSecond counts the lines of one kind within it.
//
//   if (second.over(now)) { …tell lines.left_out()…; lines.begin(); }
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

  // True at the first call, and then once the period is over that began when it was last true.
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
  // May a line be written? Counts it as written, or as left out.
  constexpr bool take(std::uint32_t lines_max) {
    if (written_ < lines_max) {
      ++written_;
      return true;
    }
    ++left_out_;
    return false;
  }
  // Lines found no room on their way.
  constexpr void leave_out(std::uint64_t lines = 1) { left_out_ += lines; }

  // Lines left out since the last call of told().
  constexpr std::uint64_t left_out() const { return left_out_; }
  constexpr void told() { left_out_ = 0; }

  // A second begins.
  constexpr void begin() { written_ = 0; }

 private:
  std::uint32_t written_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace crier
