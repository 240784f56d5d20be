// SQLite's handles as objects, and its errors as values.
//
// An error says whether space is missing, the file is damaged, another process has it, or the
// system failed. Nothing here retries.
//
// Belongs to one thread at a time; SQLite's own locks are off.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace crier::cmd {

enum class StoreFailure : std::uint8_t { no_space, io_error, damaged, locked };

struct StoreError {
  StoreFailure kind = StoreFailure::io_error;
  std::string detail;  // What failed, in SQLite's words and the system's.
};

// What a system call other than SQLite's failed with: errno.
StoreError system_error(const std::string& what);

template <typename T>
using Stored = std::expected<T, StoreError>;  // Of what is in the file.

// Closing leaves a write-ahead log as it is: after an error nothing more may be written.
class Database {
 public:
  Database() = default;
  // Opens a file, which must exist, for reading and writing. `vfs` null: the default one.
  [[nodiscard]] static Stored<Database> open(const std::string& path, const char* vfs);

  // Runs statements without values or results. An error says `what`, or else the statements.
  [[nodiscard]] Stored<void> run(const char* sql, std::string_view what = {}) const;
  // The error of the last call that failed.
  StoreError error(std::string_view what) const;
  bool out_of_memory() const { return sqlite3_errcode(handle_.get()) == SQLITE_NOMEM; }
  sqlite3* raw() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// A prepared statement. The database must outlive it.
class Statement {
 public:
  Statement() = default;
  [[nodiscard]] static Stored<Statement> prepare(const Database& database, const char* sql);

  // Values are bound from the first on; the bytes must live until the statement has run.
  Statement& bind(std::uint64_t value);
  Statement& bind_bytes(std::string_view bytes);

  // Steps to the next row; false: there is none, and the statement is ready to be bound again.
  [[nodiscard]] Stored<bool> next();
  // Runs a statement that gives no row.
  [[nodiscard]] Stored<void> run();
  // Ends the statement before its last row.
  void reset();

  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_.get(), column));
  }
  // Valid until the next step. Without memory for it the bytes are empty.
  std::string_view bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int bound_ = 0;
};

// Prepares several.
[[nodiscard]] Stored<void> prepare_all(
    const Database& database, std::span<const std::pair<Statement&, const char*>> statements);

}  // namespace crier::cmd
