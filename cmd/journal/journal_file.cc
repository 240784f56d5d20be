#include "cmd/journal/journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "net/socket/fd.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kApplicationId = 0x6372696a;
constexpr std::uint32_t kFormat = 1;
// From the head of a SQLite file (https://www.sqlite.org/fileformat.html, section 1.3).
constexpr std::string_view kMagic = "SQLite format 3\0"sv;
constexpr std::size_t kVersionsAt = 18;
constexpr std::string_view kWithLog = "\2\2";  // A write-ahead log, to read it and to write it.
constexpr std::size_t kFormatAt = 60;
constexpr std::size_t kApplicationAt = 68;

constexpr const char* kTables =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA page_size = 4096;"
    "PRAGMA synchronous = FULL;"
    "BEGIN;"
    "CREATE TABLE batches(first INTEGER PRIMARY KEY, last INTEGER, time INTEGER, crc INTEGER,"
    " body BLOB);"
    "CREATE TABLE state(id INTEGER PRIMARY KEY, body BLOB);"
    "CREATE TABLE remembered(id INTEGER PRIMARY KEY, body BLOB);"
    "COMMIT;";

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes.substr(0, 4)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

std::unexpected<Error> refused(const std::string& path, const std::string& why) {
  return fail(Errc::os, "the journal " + path + " " + why);
}

}  // namespace

std::string wal_of(const std::string& path) {
  return path + "-wal";
}

std::string head_of(const std::string& path) {
  return path + ".head";
}

FileNumber number_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? FileNumber{info.st_dev, info.st_ino} : FileNumber{};
}

Result<std::string> real_path(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const auto real = std::filesystem::canonical(path, error);
  if (!error) return real.string();
  return fail(Errc::os, "the journal " + path + " is a symbolic link to nothing: mount the file " +
                            "system of its file, or remove the link");
}

Result<bool> journal_exists(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return net::os_failure("cannot look at the journal " + path);
  }
  if (!S_ISREG(info.st_mode)) return refused(path, "is not a file: name another journal.path");
  if (::geteuid() != 0 && info.st_uid != ::geteuid()) {
    return refused(path, "belongs to user " + std::to_string(info.st_uid) +
                             ", and this process runs as user " + std::to_string(::geteuid()) +
                             ": give it the file with chown, or name another journal.path");
  }
  const net::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return refused(path, "cannot be opened for writing: " + net::errno_text(errno) +
                             "; the file, its directory and its file system must be writable");
  }
  std::array<char, 100> bytes{};
  const ssize_t size = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (size < 0) return net::os_failure("cannot read the journal " + path);
  const std::string_view head(bytes.data(), bytes.size());
  if (!head.starts_with(kMagic) || !head.substr(kVersionsAt).starts_with(kWithLog) ||
      big_endian(head.substr(kApplicationAt)) != kApplicationId) {
    return refused(path,
                   "is no journal of crier, or damaged at its beginning: move it away to begin a "
                   "new one, or put a backup in its place");
  }
  if (const std::uint32_t format = big_endian(head.substr(kFormatAt)); format != kFormat) {
    return refused(path, "has format " + std::to_string(format) + ", and this crier reads format " +
                             std::to_string(kFormat) +
                             ": start the version of crier that wrote it, or move the file away");
  }
  return true;
}

bool sync_directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const net::Fd directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory && ::fsync(directory.get()) == 0;
}

Stored<void> create_database(const std::string& path, const StoreState& state, const char* vfs) {
  ::unlink(path.c_str());
  ::unlink(wal_of(path).c_str());
  ::unlink((path + "-journal").c_str());
  const net::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(system_error("create " + path));
  auto database = Database::open(path, vfs);
  if (!database) return std::unexpected(std::move(database.error()));
  const std::string numbers = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(kFormat) + ";";
  const std::string bytes = to_bytes(state);
  if (auto made = database->run(kTables); !made) return made;
  if (auto made = database->run(numbers.c_str()); !made) return made;
  auto insert = Statement::prepare(*database, "INSERT INTO state VALUES(1, ?)");
  if (!insert) return std::unexpected(std::move(insert.error()));
  if (auto made = insert->bind_bytes(bytes).run(); !made) return made;
  auto done = database->run("PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)");
  ::unlink(wal_of(path).c_str());  // It is empty.
  return done;
}

void preallocate_wal(const std::string& path, std::size_t bytes) {
  const net::Fd file(::open(wal_of(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) return;
  // Not with fallocate(): the first write to what that gives is noted by the file system, too.
  static constexpr std::array<char, 65'536> kZeros{};
  for (auto at = static_cast<std::size_t>(info.st_size); at < bytes;) {
    const ssize_t put = ::pwrite(file.get(), kZeros.data(), std::min(bytes - at, kZeros.size()),
                                 static_cast<off_t>(at));
    if (put <= 0) break;
    at += static_cast<std::size_t>(put);
  }
  ::fsync(file.get());
}

}  // namespace crier::cmd
