// Generates the text that --help and a misused command line print from the table of commands.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cmd/cli/command_table.h"

namespace crier::cmd {

// The option that every command has.
inline constexpr Option kHelpOption = {"--help", OptionKind::flag, "", "print this text"};

std::string global_help();
std::string command_help(const Command& command);

// The command's summary as a sentence.
std::string sentence(const Command& command);

// "crier publish [OPTION]… TOPIC [DATA|-]"
std::string usage_line(const Command& command);

// The candidate that `word` was probably meant to be, or an empty view.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace crier::cmd
