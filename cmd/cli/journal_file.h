// The actions of `crier journal` that read or change the file itself, while no daemon has it. Each
// returns the command's exit code. Main thread.
#pragma once

#include <string>

#include "cmd/cli/arguments.h"
#include "config/json_value.h"

namespace crier::cmd {

// Reads all of it and prints what it holds. Fails if anything is damaged or missing.
int verify_journal(const Arguments& arguments, const std::string& path);

// Prints every event as a line of JSON.
int export_journal(const Arguments& arguments, const std::string& path);

// Makes every id that was ever given one of an earlier epoch.
int begin_journal_epoch(const Arguments& arguments, const std::string& path);

// Prints one line a figure or, with --json, the object.
int print_figures(const Arguments& arguments, const config::Json& figures);

}  // namespace crier::cmd
