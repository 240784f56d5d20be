#include "cmd/client/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/text/escape.h"
#include "core/text/utf8.h"

namespace crier::cmd {

std::string printable(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, utf8_step(text).bytes);
    // The text is not put in quotes, so quotes and backslashes need no escape.
    const bool plain =
        piece == "\"" || piece == "\\" || (keep == Keep::lines && (piece == "\n" || piece == "\t"));
    out.append(plain ? std::string(piece) : escaped_for_log(piece));
    text.remove_prefix(piece.size());
  }
  return out;
}

void need_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

bool print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return true;
  }
  print_error(std::string("crier: cannot write to standard output: ") + std::strerror(errno) +
              "\n");
  return false;
}

void print_error(std::string_view text) {
  // A failure is ignored: there is no other place to report it.
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace crier::cmd
