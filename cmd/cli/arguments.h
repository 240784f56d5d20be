// Parses the command line. command_table.cc has everything that it may hold.
//
// Options may stand anywhere, as `--name VALUE` or `--name=VALUE`; `--` ends them; `-` is an
// operand.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/cli/command_table.h"

namespace crier::cmd {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitMisused = 2;
// EX_CONFIG of sysexits.h: another start would end likewise (RestartPreventExitStatus= of the
// unit).
inline constexpr int kExitMisconfigured = 78;

// The operands and options of one command. Requires, for each option asked for: the command's row
// in the table has it.
class Arguments {
 public:
  // The option's name in the table, its value.
  using Given = std::pair<std::string_view, std::string>;

  Arguments(const Command& command, std::vector<std::string> operands, std::vector<Given> options);

  const Command& command() const { return *command_; }
  const std::vector<std::string>& operands() const { return operands_; }

  bool has(std::string_view option) const;
  // The option's value, or `otherwise` when it was not given.
  std::string text(std::string_view option, std::string_view otherwise = {}) const;
  // Every value of a repeatable option, in order.
  std::vector<std::string> texts(std::string_view option) const;
  // The value of an option of kind `number`; parse_arguments() has checked it.
  std::optional<std::uint64_t> number(std::string_view option) const;

 private:
  const std::string* find(std::string_view option) const;

  const Command* command_;
  std::vector<std::string> operands_;
  std::vector<Given> options_;
};

// The next step for a command line.
struct Invocation {
  enum class Then : std::uint8_t {
    run,    // `arguments` is set: run its command.
    print,  // `text` was asked for: print it, exit kExitOk.
    misuse  // `text` says what is wrong and where help is: print it to stderr, exit kExitMisused.
  };
  Then then = Then::misuse;
  std::optional<Arguments> arguments;
  std::string text;
};

// `words` are the arguments after the program's name.
Invocation parse_arguments(std::span<const std::string_view> words);

}  // namespace crier::cmd
