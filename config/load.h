// Makes a Config from a file and the command line, or a list of everything that is wrong.
//
// The file is JSON, with // and /* */ comments, in UTF-8. Nothing is corrected in silence: unknown
// and repeated keys, wrong types, fractions, negative numbers, values out of range and settings
// that contradict each other are refused, all of them in one go, each with its line and what is
// allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace crier::config {

struct Problem {
  std::string key;         // In full, e.g. `limits.owed_bytes_max`; empty: the file as a whole.
  std::string file;        // Empty: the value came from --set.
  std::uint32_t line = 0;  // From 1; 0: no line.
  std::string message;     // The whole sentence, to print after "crier: ".
};

using Loaded = std::expected<Config, std::vector<Problem>>;

// Larger files are refused; so is nesting deeper than any key needs.
inline constexpr std::size_t kConfigBytesMax = 1024 * 1024;
inline constexpr std::size_t kConfigDepthMax = 8;

// Reads the file, if one is named, then applies `overrides`, each KEY=VALUE: strings without
// quotes, lists as JSON or separated by commas, `topics` as JSON. Of one key given twice here, the
// last counts.
[[nodiscard]] Loaded load(const std::optional<std::string>& file,
                          std::span<const std::string> overrides = {});

// The same for text that has been read; `file_name`, not empty, is used in messages only.
[[nodiscard]] Loaded load_text(std::string_view text, const std::string& file_name,
                               std::span<const std::string> overrides = {});

}  // namespace crier::config
