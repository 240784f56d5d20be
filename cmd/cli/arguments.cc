#include "cmd/cli/arguments.h"

#include <algorithm>
#include <cstddef>

#include "cmd/cli/help.h"
#include "cmd/system/version.h"
#include "core/check.h"
#include "core/text/decimal.h"

namespace crier::cmd {
namespace {

Invocation print(std::string text) {
  return {Invocation::Then::print, std::nullopt, std::move(text)};
}

Invocation misuse(const Command* command, const std::string& problem) {
  const std::string name = command == nullptr ? "crier" : "crier " + std::string(command->name);
  return {Invocation::Then::misuse, std::nullopt,
          name + ": " + problem + "\nSee `" + name + " --help`.\n"};
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view best = closest(word, candidates);
  return best.empty() ? "" : "; did you mean " + std::string(best) + "?";
}

bool asks_for_help(std::string_view word) {
  return word == "--help" || word == "-h";
}

// Reads the words of one command, left to right.
class CommandLine {
 public:
  CommandLine(const Command& command, std::span<const std::string_view> words)
      : command_(command), words_(words) {}

  Invocation parse() {
    bool options_ended = false;
    while (at_ < words_.size()) {
      const std::string_view word = words_[at_++];
      if (options_ended || word == "-" || !word.starts_with('-')) {
        operands_.emplace_back(word);
      } else if (word == "--") {
        options_ended = true;
      } else if (asks_for_help(word)) {
        return print(command_help(command_));
      } else if (std::string problem = take_option(word); !problem.empty()) {
        return misuse(&command_, problem);
      }
    }
    if (std::string problem = check_operands(); !problem.empty()) return misuse(&command_, problem);
    return {Invocation::Then::run, Arguments(command_, std::move(operands_), std::move(options_)),
            ""};
  }

 private:
  // Each returns what is wrong, or nothing.
  std::string take_option(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Option* option = find_option(command_, name);
    if (option == nullptr) return unknown_option(name);
    const bool again =
        std::ranges::find(options_, option->name, &Arguments::Given::first) != options_.end();
    if (again && !option->repeatable) return std::string(name) + " is given twice";
    std::string value;
    if (equals != std::string_view::npos) {
      if (option->kind == OptionKind::flag) return std::string(name) + " takes no value";
      value = word.substr(equals + 1);
    } else if (option->kind != OptionKind::flag) {
      if (at_ == words_.size() || words_[at_].starts_with("--")) {
        return std::string(name) + " needs a value: " + std::string(option->value);
      }
      value = words_[at_++];
    }
    if (option->kind == OptionKind::number && !parse_decimal<std::uint64_t>(value)) {
      return std::string(name) + " needs a whole number, not `" + value + "`";
    }
    options_.emplace_back(option->name, std::move(value));
    return "";
  }

  std::string unknown_option(std::string_view name) const {
    std::vector<std::string_view> names = {"--help"};
    for (const Option& option : command_.options) names.push_back(option.name);
    std::string problem = "there is no option " + std::string(name) + did_you_mean(name, names);
    if (command_.operands_max > 0 && !name.starts_with("--")) {
      problem += " (put `--` before an argument that begins with `-`)";
    }
    return problem;
  }

  std::string check_operands() const {
    if (operands_.size() >= command_.operands_min && operands_.size() <= command_.operands_max) {
      return "";
    }
    const std::string usage = "; usage: " + usage_line(command_);
    if (operands_.size() < command_.operands_min) return "an argument is missing" + usage;
    return "`" + operands_[command_.operands_max] + "` is one argument too many" + usage;
  }

  const Command& command_;
  std::span<const std::string_view> words_;
  std::size_t at_ = 0;
  std::vector<std::string> operands_;
  std::vector<Arguments::Given> options_;
};

Invocation unknown_command(std::string_view word) {
  std::vector<std::string_view> names = {"--help", "--version"};
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view kind = word.starts_with('-') ? "option" : "command";
  return misuse(nullptr, "there is no " + std::string(kind) + " " + std::string(word) +
                             did_you_mean(word, names));
}

}  // namespace

Arguments::Arguments(const Command& command, std::vector<std::string> operands,
                     std::vector<Given> options)
    : command_(&command), operands_(std::move(operands)), options_(std::move(options)) {}

const std::string* Arguments::find(std::string_view option) const {
  CRIER_CHECK(find_option(*command_, option) != nullptr);
  const auto found = std::ranges::find(options_, option, &Given::first);
  return found == options_.end() ? nullptr : &found->second;
}

bool Arguments::has(std::string_view option) const {
  return find(option) != nullptr;
}

std::string Arguments::text(std::string_view option, std::string_view otherwise) const {
  const std::string* value = find(option);
  return value == nullptr ? std::string(otherwise) : *value;
}

std::vector<std::string> Arguments::texts(std::string_view option) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : options_) {
    if (name == option) values.push_back(value);
  }
  return values;
}

std::optional<std::uint64_t> Arguments::number(std::string_view option) const {
  const std::string* value = find(option);
  return value == nullptr ? std::nullopt : parse_decimal<std::uint64_t>(*value);
}

Invocation parse_arguments(std::span<const std::string_view> words) {
  if (words.empty()) {
    return {Invocation::Then::misuse, std::nullopt,
            "crier: a command is missing\n\n" + global_help()};
  }
  const std::string_view first = words.front();
  const auto rest = words.subspan(1);
  if (asks_for_help(first)) return print(global_help());
  if (first == "--version") return print("crier " + std::string(version()) + "\n");
  if (first == "help") {
    if (rest.empty()) return print(global_help());
    const Command* command = find_command(rest.front());
    return command == nullptr ? unknown_command(rest.front()) : print(command_help(*command));
  }
  const Command* command = find_command(first);
  return command == nullptr ? unknown_command(first) : CommandLine(*command, rest).parse();
}

}  // namespace crier::cmd
