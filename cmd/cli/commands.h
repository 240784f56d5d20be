// The commands, and the texts that two of them print. Each command returns its exit code.
// command_table.cc has their arguments. Main thread.
#pragma once

#include <string>

#include "cmd/cli/arguments.h"

namespace crier::cmd {

// The daemon, from its start to the end of its drain.
int serve(const Arguments& arguments);

// Does what serve() does before it listens.
int check(const Arguments& arguments);

// Sends events to the daemon's publish socket.
int publish(const Arguments& arguments);

// Has the daemon close a topic.
int close_topic(const Arguments& arguments);

// Prints the events of topics, and connects again when the stream breaks.
int subscribe(const Arguments& arguments);

// A short summary of a running daemon, from its admin endpoint.
int status(const Arguments& arguments);

// Shows a running daemon's figures as they change, on the whole terminal.
int top(const Arguments& arguments);

// Has a running daemon log some streams one by one for a while, through its admin endpoint.
int debug(const Arguments& arguments);

// Looks at, copies, checks and changes the journal's file.
int journal(const Arguments& arguments);

// Puts load on a daemon and reports what became of it.
int bench(const Arguments& arguments);

// Shows what a configuration needs of the kernel's parameters, raises them, puts them back.
int tune(const Arguments& arguments);

// Prints the texts generated from the tables of the configuration.
int config_text(const Arguments& arguments);

// Prints command_page(), configuration_page(), http_page(), runbook_page() or metrics_page().
int manual(const Arguments& arguments);

// Prints bash_completion() or zsh_completion().
int completion(const Arguments& arguments);

// crier(1) and crier.json(5) for man(1), generated from the tables of commands and of the
// configuration.
std::string command_page();
std::string configuration_page();
// crier-http(7) and crier-runbook(7), made of texts in deploy/ when crier is built.
std::string http_page();
std::string runbook_page();
// crier-metrics(7), from the catalogue.
std::string metrics_page();

// Completes command lines of crier; generated from the same tables. Needs bash 4, and nothing of
// the package bash-completion: to be sourced, or for /usr/share/bash-completion/completions/crier.
std::string bash_completion();

// The same for a directory of zsh's fpath, as _crier, or to be sourced after compinit.
std::string zsh_completion();

}  // namespace crier::cmd
