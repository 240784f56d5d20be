#include "cmd/cli/help.h"

#include <algorithm>
#include <cstddef>

#include "cmd/system/version.h"
#include "core/text/edit_distance.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kHelpColumn = 26;

void append_indented(std::string& out, std::string_view text) {
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    if (from > 0) out.append(kHelpColumn, ' ');
    out.append(text.substr(from, end - from)).push_back('\n');
    from = end + 1;
  }
}

void append_row(std::string& out, std::string_view left, std::string_view right) {
  const std::size_t before = out.size();
  out.append("  ").append(left);
  const std::size_t width = out.size() - before;
  if (width + 2 > kHelpColumn) {
    out.append("\n").append(kHelpColumn, ' ');
  } else {
    out.append(kHelpColumn - width, ' ');
  }
  append_indented(out, right);
}

void append_option(std::string& out, const Option& option) {
  std::string left(option.name);
  if (option.kind != OptionKind::flag) left.append(" ").append(option.value);
  append_row(out, left, option.help);
}

}  // namespace

std::string usage_line(const Command& command) {
  std::string line = "crier " + std::string(command.name);
  if (!command.options.empty()) line += " [OPTION]…";
  if (!command.operands.empty()) line.append(" ").append(command.operands);
  return line;
}

std::string sentence(const Command& command) {
  std::string text(command.summary);
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text + ".";
}

std::string global_help() {
  std::string out =
      "crier " + std::string(version()) +
      ": broadcasts events to every browser and client that listens (Server-Sent Events).\n"
      "\n"
      "Usage: crier COMMAND [OPTION]…\n"
      "\n"
      "Commands:\n";
  for (const Command& command : commands()) append_row(out, command.name, command.summary);
  out += "\nOptions:\n";
  append_row(out, "--help", "print this text, or after a command what it does");
  append_row(out, "--version", "print the version");
  out +=
      "\nTo try it: `crier serve`, then `crier subscribe news` and `crier publish news Hello`.\n";
  return out;
}

std::string command_help(const Command& command) {
  std::string out = "Usage: " + usage_line(command) + "\n\n" + sentence(command);
  out += "\n\nOptions:\n";
  for (const Option& option : command.options) append_option(out, option);
  append_option(out, kHelpOption);
  if (!command.notes.empty()) out.append("\n").append(command.notes);
  return out;
}

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  // Longer words are not typing mistakes.
  constexpr std::size_t kWordBytesMax = 64;
  // A shorter beginning fits too many candidates.
  const std::size_t begun_bytes_min = word.starts_with('-') ? 4 : 2;
  if (word.size() > kWordBytesMax) return {};
  std::string_view best;
  std::size_t best_distance = 0;
  for (const std::string_view candidate : candidates) {
    if (word.size() >= begun_bytes_min && candidate.starts_with(word)) return candidate;
    const std::size_t distance = edit_distance(word, candidate);
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best_distance <= 2 && best_distance * 2 < best.size() ? best : std::string_view{};
}

}  // namespace crier::cmd
