// What a journal's file must be before SQLite may open it, and how a new one is made: under another
// name, so that a file with the journal's name is always whole.
//
// Any thread.
#pragma once

#include <string>

#include "cmd/journal/sqlite.h"
#include "cmd/journal/store_state.h"
#include "core/result.h"

namespace crier::cmd {

// Makes a file with this state, without batches, on the disk. A file of this name is overwritten.
[[nodiscard]] Stored<void> create_database(const std::string& path, const StoreState& state,
                                           const char* vfs);

// Returns true if there is a journal of a format that this program reads, false if there is nothing
// of that name. Errors: a sentence that says what to do.
[[nodiscard]] Result<bool> journal_exists(const std::string& path);

// Makes the names in the file's directory durable.
[[nodiscard]] bool sync_directory_of(const std::string& path);

// `<path>-wal`.
std::string wal_of(const std::string& path);

}  // namespace crier::cmd
