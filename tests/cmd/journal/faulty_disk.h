// A disk under SQLite whose calls can fail, and that can lose its power: what was written since a
// file's last sync is then there, or not, write by write.
//
// It is a VFS of SQLite (https://www.sqlite.org/vfs.html) over the default one.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace crier::cmd {

class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  const char* name() const { return name_.c_str(); }

  // The call after `calls` further ones (writes, syncs, truncations) fails with this code of
  // SQLite, and so do all later ones if `stays` is true.
  void fail_after(std::uint64_t calls, int code, bool stays);
  void work();  // No call fails any more.
  void be_slow(std::chrono::milliseconds each_call) { each_call_ = each_call; }
  bool failed() const;

  // Requires: no file is open.
  void lose_power(std::mt19937& dice);

 private:
  struct Write {
    sqlite3_int64 offset = 0;
    std::string before, after;
    sqlite3_int64 size_before = 0, size_after = 0;
  };
  struct File {
    sqlite3_file base;
    FaultyDisk* disk;
    const char* path;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);
  static const sqlite3_io_methods& methods();
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  int next_call();
  void note(File& file, sqlite3_int64 offset, std::string after, sqlite3_int64 size_after);

  sqlite3_vfs vfs_;
  std::string name_;
  mutable std::mutex mutex_;
  std::uint64_t calls_left_ = 0;
  int code_ = SQLITE_OK;
  bool stays_ = false;
  bool failed_ = false;
  std::atomic<std::chrono::milliseconds> each_call_ = std::chrono::milliseconds(0);
  std::map<std::string, std::vector<Write>> unsynced_;
};

}  // namespace crier::cmd
