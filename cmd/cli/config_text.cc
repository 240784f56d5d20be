#include "cmd/cli/commands.h"

#include <string>
#include <string_view>

#include "cmd/cli/help.h"
#include "cmd/cli/report.h"
#include "cmd/client/terminal.h"
#include "config/reference.h"

namespace crier::cmd {

int config_text(const Arguments& arguments) {
  struct Text {
    std::string_view option;
    std::string (*generate)();
  };
  static constexpr Text kTexts[] = {{"--schema", &config::json_schema},
                                    {"--example", &config::commented_example},
                                    {"--reference", &config::reference_text},
                                    {"--man", &configuration_page}};
  const Text* chosen = nullptr;
  for (const Text& text : kTexts) {
    if (!arguments.has(text.option)) continue;
    if (chosen != nullptr) return misused(arguments, "only one of the options can be given");
    chosen = &text;
  }
  if (chosen == nullptr) {
    print_error("crier config: one of the options must be given\n\n" +
                command_help(arguments.command()));
    return kExitMisused;
  }
  return print_result(chosen->generate());
}

}  // namespace crier::cmd
