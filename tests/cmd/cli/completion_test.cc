#include "cmd/cli/commands.h"

#include <array>
#include <cstdio>
#include <string>

#include "config/knob.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// The words that bash offers after these ones (as it splits them), sorted; "files" for file names.
std::string offered(const std::string& words) {
  const std::string script =
      bash_completion() +
      "files=; compopt() { [[ $2 == nospace ]] || files=files; }\n"
      "COMP_WORDS=(" +
      words +
      ")\n"
      "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_crier\n"
      "printf '%s\\n' \"${COMPREPLY[@]}\" $files | sed /^$/d | LC_ALL=C sort | paste -sd ' ' -\n";
  std::FILE* pipe = ::popen(("bash --norc -uc " + shell_quoted(script) + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 4'096> bytes{};
  while (std::fgets(bytes.data(), static_cast<int>(bytes.size()), pipe) != nullptr) {
    out += bytes.data();
  }
  CHECK(::pclose(pipe) == 0);
  return out.substr(0, out.find('\n'));
}

TEST_CASE("completions know every command, option and key") {
  const std::string bash = run_command({"completion", "bash"}).out;
  const std::string zsh = run_command({"completion", "zsh"}).out;
  CHECK(bash == bash_completion());
  CHECK(zsh == zsh_completion());
  CHECK_THAT(zsh, Catch::Matchers::StartsWith("#compdef crier\n"));
  for (const Command& command : commands()) {
    INFO(command.name);
    const std::string label = "\n" + std::string(command.name) + ")\n";
    for (const std::string& text : {bash, zsh}) {
      const std::size_t begin = text.find(" " + label.substr(1));
      REQUIRE(begin != std::string::npos);
      const std::string own = text.substr(begin, text.find("\n        ;;", begin) - begin);
      for (const Option& option : command.options)
        CHECK_THAT(own, ContainsSubstring(std::string(option.name)));
      CHECK_THAT(own, ContainsSubstring("--help"));
    }
    CHECK_THAT(zsh, ContainsSubstring("'" + std::string(command.name) + ":"));
  }
  for (const auto& knob : config::knobs()) {
    CHECK_THAT(bash, ContainsSubstring(std::string(knob.key) + "="));
    CHECK_THAT(zsh, ContainsSubstring(std::string(knob.key) + "="));
  }
}

struct Typed {
  const char* words;
  const char* offers;
};

TEST_CASE("bash offers the words that are valid there") {
  const auto row = GENERATE(values<Typed>({
      {"crier se", "serve"},
      {"crier s", "serve status subscribe"},
      {"crier --v", "--version"},
      {"crier xyz", ""},
      {"crier serve ''", "--config --help --set"},
      {"crier serve --c", "--config"},
      {"crier serve --config ''", "files"},
      {"crier serve --config =", "files"},
      {"crier serve --config = /etc/c", "files"},
      {"crier serve --set http.li", "http.listen="},
      {"crier serve --set = http.li", "http.listen="},
      {"crier serve --set http.listen =", ""},
      {"crier serve --set http.listen = 0.0", ""},
      {"crier publish news --so", "--socket"},
      {"crier publish --event ''", ""},
      {"crier check ''", "--help --set --verbose files"},
      {"crier check --v", "--verbose"},
      {"crier completion ''", "--help bash zsh"},
      {"crier manual ''", "--help config crier http metrics runbook"},
      {"crier journal ''", "--help --json --socket backup export files info new-epoch verify"},
      {"crier journal verify /var/l", "files"},
      {"crier help tu", "tune"},
      {"crier nonsense ''", ""},
  }));
  INFO(row.words);
  CHECK(offered(row.words) == row.offers);
}

TEST_CASE("a shell that is not known is refused") {
  const Ran ran = run_command({"completion", "fish"});
  CHECK(ran.code == kExitMisused);
  CHECK_THAT(ran.err, ContainsSubstring("bash and zsh, not for `fish`"));
}

}  // namespace
}  // namespace crier::cmd
