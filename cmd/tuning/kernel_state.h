// Compares the kernel's parameters with what the configuration needs.
//
// Reads and writes /proc/sys below `root`: a test has its own. Blocking; a few dozen small files.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/kernel.h"
#include "core/names.h"
#include "core/result.h"

namespace crier::cmd {

enum class Verdict : std::uint8_t {
  fine,
  below,     // Worse than wanted.
  unneeded,  // This configuration does not depend on it.
  absent,    // This kernel, or this container, does not have it.
  odd,       // Its text has an unknown form; left alone.
};
constexpr std::array<std::string_view, 5> names_of(Verdict /*selects*/) {
  return {"ok", "change", "unneeded", "absent", "odd"};
}

struct Examined {
  const config::KernelParameter* parameter = nullptr;  // Never null.
  std::optional<config::Goal> goal;                    // Nothing: unneeded.
  std::string current;                                 // Empty: absent.
  Verdict verdict = Verdict::absent;
};

// Returns true if the parameter is worse than wanted and sysctl(8) can change it. Open files are
// not such a parameter: their limit belongs to a process.
bool falls_short(const Examined& examined);

// One for each row of the table, in its order.
std::vector<Examined> examine(const config::KernelNeed& need, const std::string& root = "");

// Fields separated by one blank, without the line end; nothing if there is no such parameter.
std::optional<std::string> read_parameter(std::string_view name, const std::string& root = "");

// Writes the value. Errors: os, also if the kernel then shows another value. Requires: not
// kOpenFiles.
[[nodiscard]] Result<void> write_parameter(std::string_view name, const std::string& value,
                                           const std::string& root = "");

// The command, or the setting of the unit, that changes the parameter. Requires: verdict is below.
std::string how_to_change(const Examined& examined);

// The lines of a file for sysctl.d(5) that has everything this configuration needs.
std::string sysctl_file(const std::vector<Examined>& all);

}  // namespace crier::cmd
