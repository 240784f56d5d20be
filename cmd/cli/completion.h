// `crier completion`: what completes command lines of crier in bash and zsh, generated from the
// tables of commands and of the configuration.
#pragma once

#include <string>

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int completion(const Arguments& arguments);

// To be sourced, or for /usr/share/bash-completion/completions/crier. Needs bash 4, and nothing of
// the package bash-completion.
std::string bash_completion();

// For a directory of zsh's fpath, as _crier, or to be sourced after compinit.
std::string zsh_completion();

}  // namespace crier::cmd
