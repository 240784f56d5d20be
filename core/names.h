// Names for the values of an enum: the words that people read or write in the configuration, in
// events, in log lines and as labels of metrics. The names are listed once, beside the enum and in
// its order:
//
//   enum class Patterns : std::uint8_t { deny, allow };
//   constexpr std::array<std::string_view, 2> names_of(Patterns /*selects*/) {
//     return {"deny", "allow"};
//   }
//
// Constants; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "core/check.h"

namespace crier {

template <typename Enum>
inline constexpr auto kNamesOf = names_of(Enum{});

template <typename Enum>
  requires std::is_enum_v<Enum>
constexpr std::string_view to_string(Enum value) {
  CRIER_CHECK(static_cast<std::size_t>(value) < kNamesOf<Enum>.size());
  return kNamesOf<Enum>[static_cast<std::size_t>(value)];
}

}  // namespace crier
