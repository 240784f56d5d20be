#include "cmd/system/journal_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace crier::cmd {
namespace {

constexpr const char* kName = "/journal.db";

std::string text_of(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

JournalSurroundings JournalSurroundings::of_process() {
  return {.uid = ::geteuid(),
          .state_directory = text_of("STATE_DIRECTORY"),
          .xdg_state_home = text_of("XDG_STATE_HOME"),
          .home = text_of("HOME")};
}

std::string default_journal_path(const JournalSurroundings& where) {
  if (!where.state_directory.empty()) {
    return where.state_directory.substr(0, where.state_directory.find(':')) + kName;
  }
  if (where.uid == 0) return where.var_lib + "/crier" + kName;
  if (where.xdg_state_home.starts_with('/')) return where.xdg_state_home + "/crier" + kName;
  if (where.home.starts_with('/')) return where.home + "/.local/state/crier" + kName;
  return {};
}

Result<void> make_journal_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    const std::string directory = path.substr(0, end);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(Errc::os, "cannot make " + directory +
                                " for the journal: " + std::strerror(errno) + "; set journal.path");
    }
  }
  return {};
}

}  // namespace crier::cmd
