#include "cmd/serve.h"

#include "cmd/terminal.h"

namespace crier::cmd {

int serve(const Arguments& arguments) {
  return failed(arguments, "serve is not built in yet");
}

}  // namespace crier::cmd
