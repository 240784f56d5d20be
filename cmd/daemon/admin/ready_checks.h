// What /readyz looks at, and what a request has left out.
//
// Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier::cmd {

enum class ReadyCheck : std::uint8_t { draining, memory, journal, full, descriptors };
constexpr std::array<std::string_view, 5> names_of(ReadyCheck /*selects*/) {
  return {"draining", "memory", "journal", "full", "descriptors"};
}

class ReadyChecks {
 public:
  void add(ReadyCheck check) { bits_ |= bit(check); }
  bool has(ReadyCheck check) const { return (bits_ & bit(check)) != 0; }

 private:
  static unsigned bit(ReadyCheck check) { return 1U << static_cast<unsigned>(check); }

  unsigned bits_ = 0;
};

}  // namespace crier::cmd
