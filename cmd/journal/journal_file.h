// What a journal's file must be before SQLite may open it, and how a new one is made: under another
// name, so that a file with the journal's name is always whole.
//
// Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <utility>

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

// Gives the write-ahead log its full size on the disk, zeros at its end: a sync then waits for the
// pages alone, and not for what the file system keeps of a file that grows. SQLite ends at them.
// Does what it can: without it, a commit is slower.
void preallocate_wal(const std::string& path, std::size_t bytes);

// Tells a file from any other that has, or had, its name; zeros: there is none.
using FileNumber = std::pair<dev_t, ino_t>;
FileNumber number_of(const std::string& path);

// Follows a symbolic link: SQLite has its write-ahead log beside the file, not beside the link.
// Error: the link leads to nothing.
[[nodiscard]] Result<std::string> real_path(const std::string& path);

// `<path>-wal`, SQLite's write-ahead log, and `<path>.head`.
std::string wal_of(const std::string& path);
std::string head_of(const std::string& path);

}  // namespace crier::cmd
