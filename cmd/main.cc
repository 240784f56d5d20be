// Picks the command from the table and runs it.
#include <csignal>
#include <cstdio>
#include <string_view>
#include <vector>

#include "cmd/cli/arguments.h"
#include "cmd/client/terminal.h"
#include "core/out_of_memory.h"

int main(int argc, char** argv) {
  using crier::cmd::Invocation;
  crier::end_when_out_of_memory();
  std::signal(SIGXFSZ, SIG_IGN);  // A write beyond LimitFSIZE= (ulimit -f) then fails: EFBIG.
  crier::cmd::need_standard_streams();
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Invocation invocation = crier::cmd::parse_arguments(words);
  switch (invocation.then) {
    case Invocation::Then::run: {
      const crier::cmd::Arguments& arguments = *invocation.arguments;
      return arguments.command().run(arguments);
    }
    case Invocation::Then::print:
      return crier::cmd::print_out(invocation.text) ? crier::cmd::kExitOk : crier::cmd::kExitFailed;
    case Invocation::Then::misuse:
      crier::cmd::print_error(invocation.text);
      break;
  }
  return crier::cmd::kExitMisused;
}
