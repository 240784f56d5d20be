#include "cmd/cli/commands.h"

#include <algorithm>
#include <string_view>

#include "cmd/cli/help.h"
#include "cmd/cli/report.h"
#include "config/knob.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kBashBegin =
    R"(# Completes command lines of crier: `crier completion bash`.
_crier() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  # Bash takes the = of --option=value for a word of its own.
  if [[ $cur == '=' || $prev == '=' ]]; then
    if [[ $cur == '=' ]]; then cur=; else prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
    [[ $prev == --* ]] || return
  fi
)";
constexpr std::string_view kBashEnd = R"(  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _crier crier
)";

constexpr std::string_view kFileAfter = " [FILE]";  // After words to choose from.

bool is_file(std::string_view value) {
  return value == "FILE" || value == "PATH";
}

// Turns "bash|zsh", "[bash|zsh]" or "bash|zsh [FILE]" into "bash zsh". Empty if the first operand
// is not a word to choose.
std::string choices(const Command& command) {
  std::string words(command.operands.substr(0, command.operands.find(' ')));
  if (words.starts_with('[')) words = words.substr(1, words.size() - 2);
  const auto is_choice = [](char c) { return (c >= 'a' && c <= 'z') || c == '|' || c == '-'; };
  if (!std::ranges::all_of(words, is_choice)) return {};
  std::ranges::replace(words, '|', ' ');
  return words;
}

std::string names_of_commands() {
  std::string names;
  for (const Command& command : commands()) names.append(command.name).append(" ");
  return names + "help";
}

// "http.listen= http.hosts= …", for --set.
std::string keys() {
  std::string words;
  for (const config::Knob<config::Config>& knob : config::knobs()) {
    words.append(words.empty() ? "" : " ").append(knob.key).append("=");
  }
  return words;
}

// --- bash ----------------------------------------------------------------------------------------

void append_bash_command(std::string& out, const Command& command) {
  std::string words = choices(command);
  out.append("      ").append(command.name).append(")\n        case $prev in\n");
  for (const Option& option : command.options) {
    words.append(words.empty() ? "" : " ").append(option.name);
    if (option.kind == OptionKind::flag) continue;
    out.append("          ").append(option.name).append(") ");
    if (is_file(option.value)) out += "compopt -o default; ";
    out += option.value == "KEY=VALUE" ? "compopt -o nospace; words=$keys ;;\n" : "return ;;\n";
  }
  words.append(words.empty() ? "" : " ").append(kHelpOption.name);
  out += "          *) words='" + words + "' ;;\n        esac\n";
  if (is_file(command.operands) || command.operands.ends_with(kFileAfter)) {
    out += "        [[ $cur == -* ]] || compopt -o default\n";
  }
  out += "        ;;\n";
}

// --- zsh -----------------------------------------------------------------------------------------

// Escapes text for single quotes, and colons and brackets for _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '\n') {
      out += ' ';
    } else {
      if (c == '\\' || c == ':' || c == '[' || c == ']') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string_view zsh_action(std::string_view value) {
  if (is_file(value)) return "_files";
  return value == "KEY=VALUE" ? "{compadd -S \"\" -- $keys}" : "";
}

void append_zsh_command(std::string& out, const Command& command) {
  out.append("        ").append(command.name).append(")\n          _arguments");
  for (const Option& option : command.options) {
    out.append(" \\\n            '").append(option.repeatable ? "*" : "").append(option.name);
    if (option.kind != OptionKind::flag) out += '=';
    out += "[" + zsh_text(option.help) + "]";
    if (option.kind != OptionKind::flag) {
      out += ":" + zsh_text(option.value) + ":" + std::string(zsh_action(option.value));
    }
    out += "'";
  }
  out += " \\\n            '(- *)--help[" + zsh_text(kHelpOption.help) + "]'";
  if (const std::string words = choices(command); !words.empty()) {
    out += " \\\n            '1: :(" + words + ")'";
    if (command.operands.ends_with(kFileAfter)) out += " '2: :_files'";
  } else if (is_file(command.operands)) {
    out += " \\\n            '1: :_files'";
  }
  out += "\n          ;;\n";
}

}  // namespace

int completion(const Arguments& arguments) {
  const std::string& shell = arguments.operands()[0];
  if (shell == "bash") return print_result(bash_completion());
  if (shell == "zsh") return print_result(zsh_completion());
  return misused(arguments, "there are completions for bash and zsh, not for `" + shell + "`");
}

std::string bash_completion() {
  std::string out(kBashBegin);
  out += "  local keys='" + keys() + "'\n  local commands='" + names_of_commands() + "'\n";
  out += "  if [[ $COMP_CWORD -eq 1 ]]; then\n    words=\"$commands --help --version\"\n  else\n";
  out += "    case ${COMP_WORDS[1]} in\n";
  for (const Command& command : commands()) append_bash_command(out, command);
  out += "      help) words=$commands ;;\n    esac\n  fi\n";
  return out.append(kBashEnd);
}

std::string zsh_completion() {
  std::string out =
      "#compdef crier\n# Completes command lines of crier: `crier completion zsh`.\n_crier() {\n"
      "  local curcontext=\"$curcontext\" state line\n  typeset -A opt_args\n"
      "  local -a commands=(\n";
  for (const Command& command : commands()) {
    out.append("    '").append(command.name).append(":").append(zsh_text(command.summary));
    out += "'\n";
  }
  out += "    'help:print what a command does'\n  )\n  local -a keys=(" + keys() + ")\n";
  out +=
      "  _arguments -C '(- *)--help[print help]' '(- *)--version[print the version]' \\\n"
      "    '1: :->command' '*:: :->rest'\n"
      "  case $state in\n"
      "    command) _describe -t commands command commands ;;\n"
      "    rest)\n"
      "      case $words[1] in\n";
  for (const Command& command : commands()) append_zsh_command(out, command);
  out +=
      "        help) _describe -t commands command commands ;;\n"
      "      esac\n      ;;\n  esac\n}\n"
      "if [ \"$funcstack[1]\" = _crier ]; then _crier \"$@\"; else compdef _crier crier; fi\n";
  return out;
}

}  // namespace crier::cmd
