// The one table of commands and their options: parsing, help, the manual page, completions and
// dispatch all read it.
//
// To add an option, add a row. To add a command, add its options, its row and `int name(const
// Arguments&)`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace crier::cmd {

class Arguments;

enum class OptionKind : std::uint8_t {
  flag,
  text,
  number,  // Decimal digits, below 2^64.
};

struct Option {
  std::string_view name;  // "--socket"
  OptionKind kind = OptionKind::flag;
  std::string_view value;  // The name of the value in help: "PATH". Empty for a flag.
  std::string_view help;   // Lines separated by '\n'.
  bool repeatable = false;
};

inline constexpr std::size_t kAnyNumber = static_cast<std::size_t>(-1);

struct Command {
  std::string_view name;
  // For the usage line: "TOPIC [DATA|-]". In lower case, as in "bash|zsh" and "[config|http]", the
  // words to choose from.
  std::string_view operands;
  std::string_view summary;  // One line, for the list of commands.
  std::string_view notes;  // Paragraphs below the options in the command's own help; may be empty.
  std::size_t operands_min = 0;
  std::size_t operands_max = 0;
  std::span<const Option> options;
  int (*run)(const Arguments&) = nullptr;  // Returns the exit code.
};

std::span<const Command> commands();

// Null if there is none of that name.
const Command* find_command(std::string_view name);
const Option* find_option(const Command& command, std::string_view name);

}  // namespace crier::cmd
