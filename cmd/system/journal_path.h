// Where the journal's file is if journal.path does not name it: the daemon and `crier journal` must
// agree.
//
// It is `journal.db` in the directory that a service manager names in $STATE_DIRECTORY (the first
// one, if it names several). Otherwise root has it in /var/lib/crier, and another user in
// $XDG_STATE_HOME/crier, or in ~/.local/state/crier.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/result.h"

namespace crier::cmd {

// The surroundings on which the path depends. An empty string counts as not set.
struct JournalSurroundings {
  uid_t uid = 0;
  std::string state_directory;  // $STATE_DIRECTORY
  std::string xdg_state_home;   // $XDG_STATE_HOME
  std::string home;             // $HOME
  std::string var_lib = "/var/lib";

  static JournalSurroundings of_process();
};

// Empty if the user has no home.
std::string default_journal_path(const JournalSurroundings& = JournalSurroundings::of_process());

// Makes the directory of a default path, with those above it, for its user alone. Errors: os.
[[nodiscard]] Result<void> make_journal_directory(const std::string& path);

}  // namespace crier::cmd
