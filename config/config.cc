#include "config/config.h"

#include <array>

namespace crier::config {

std::span<const std::string_view> names_of(OverflowPolicy /*selects*/) {
  static constexpr std::array<std::string_view, 3> kNames{"catch-up", "disconnect", "drop-oldest"};
  return kNames;
}

std::span<const std::string_view> names_of(RefuseWith /*selects*/) {
  static constexpr std::array<std::string_view, 2> kNames{"stream", "status"};
  return kNames;
}

std::span<const std::string_view> names_of(Patterns /*selects*/) {
  static constexpr std::array<std::string_view, 2> kNames{"deny", "allow"};
  return kNames;
}

std::span<const std::string_view> names_of(OwnDescriptorTable /*selects*/) {
  static constexpr std::array<std::string_view, 3> kNames{"auto", "on", "off"};
  return kNames;
}

std::span<const std::string_view> names_of(LogLevel /*selects*/) {
  static constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames;
}

std::span<const std::string_view> names_of(LogFormat /*selects*/) {
  static constexpr std::array<std::string_view, 3> kNames{"text", "logfmt", "json"};
  return kNames;
}

std::span<const std::string_view> names_of(Steering /*selects*/) {
  static constexpr std::array<std::string_view, 2> kNames{"off", "cpu"};
  return kNames;
}

std::span<const std::string_view> names_of(KernelTuning /*selects*/) {
  static constexpr std::array<std::string_view, 3> kNames{"off", "check", "apply"};
  return kNames;
}

}  // namespace crier::config
