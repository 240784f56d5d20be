#include "cmd/journal/sqlite.h"

#include <cerrno>
#include <utility>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

// Before SQLite's first use: no lock around, and no count of, every allocation.
bool prepare_sqlite() {
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  return sqlite3_initialize() == SQLITE_OK;
}

bool is_no_space(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

StoreError error_of(sqlite3* handle, std::string_view what) {
  const int code = sqlite3_extended_errcode(handle);
  const int base = code & 0xff;
  // What the system said, where the system was asked.
  const int system =
      base == SQLITE_IOERR || base == SQLITE_CANTOPEN ? sqlite3_system_errno(handle) : 0;
  StoreError error;
  if (base == SQLITE_FULL || is_no_space(system)) {
    error.kind = StoreFailure::no_space;
  } else if (base == SQLITE_CORRUPT || base == SQLITE_NOTADB) {
    error.kind = StoreFailure::damaged;
  } else if (base == SQLITE_BUSY || base == SQLITE_LOCKED) {
    error.kind = StoreFailure::locked;
  }
  error.detail = std::string(what) + ": " + sqlite3_errmsg(handle);
  error.detail += " (code " + std::to_string(code);
  if (system != 0) error.detail += ", " + net::errno_text(system);
  error.detail += ")";
  return error;
}

}  // namespace

StoreError system_error(const std::string& what) {
  const int error = errno;
  return {.kind = is_no_space(error) ? StoreFailure::no_space : StoreFailure::io_error,
          .detail = what + ": " + net::errno_text(error)};
}

Stored<Database> Database::open(const std::string& path, const char* vfs) {
  static const bool prepared = prepare_sqlite();
  if (!prepared) return std::unexpected(StoreError{.detail = "SQLite does not start"});
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, vfs);
  Database database;
  database.handle_.reset(handle);
  if (handle == nullptr) return std::unexpected(StoreError{.detail = "no memory for SQLite"});
  if (code != SQLITE_OK) return std::unexpected(database.error("open " + path));
  return database;
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_close_v2(handle);
}

StoreError Database::error(std::string_view what) const {
  return error_of(handle_.get(), what);
}

Stored<void> Database::run(const char* sql, std::string_view what) const {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(error(what.empty() ? sql : what));
  }
  return {};
}

Stored<Statement> Statement::prepare(const Database& database, const char* sql) {
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v3(database.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) {
    StoreError error = database.error(sql);
    // The statement is right, so the tables are not what they were.
    if (code == SQLITE_ERROR) error.kind = StoreFailure::damaged;
    return std::unexpected(std::move(error));
  }
  Statement statement;
  statement.handle_.reset(handle);
  return statement;
}

Statement& Statement::bind(std::uint64_t value) {
  const auto number = static_cast<std::int64_t>(value);
  CRIER_CHECK(sqlite3_bind_int64(handle_.get(), ++bound_, number) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_bytes(std::string_view bytes) {
  // A null pointer would be SQL's NULL.
  const char* data = bytes.empty() ? "" : bytes.data();
  CRIER_CHECK(sqlite3_bind_blob64(handle_.get(), ++bound_, data, bytes.size(), SQLITE_STATIC) ==
              SQLITE_OK);
  return *this;
}

Stored<bool> Statement::next() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = error_of(sqlite3_db_handle(handle_.get()), sqlite3_sql(handle_.get()));
  reset();
  return std::unexpected(std::move(error));
}

Stored<void> Statement::run() {
  auto row = next();
  if (!row) return std::unexpected(std::move(row.error()));
  CRIER_CHECK(!*row);
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  bound_ = 0;
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Stored<void> prepare_all(const Database& database,
                         std::span<const std::pair<Statement&, const char*>> statements) {
  for (const auto& [statement, sql] : statements) {
    auto prepared = Statement::prepare(database, sql);
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    statement = std::move(*prepared);
  }
  return {};
}

}  // namespace crier::cmd
