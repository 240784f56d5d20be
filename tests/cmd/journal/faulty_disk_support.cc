#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <utility>

#include "core/check.h"
#include "net/socket/fd.h"
#include "tests/cmd/journal/faulty_disk.h"

namespace crier::cmd {

FaultyDisk::FaultyDisk() : vfs_(*sqlite3_vfs_find(nullptr)) {
  static int number = 0;
  name_ = "faulty-" + std::to_string(++number);
  vfs_.szOsFile += static_cast<int>(sizeof(File));
  vfs_.zName = name_.c_str();
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  CRIER_CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&vfs_);
}

void FaultyDisk::fail_after(std::uint64_t calls, int code, bool stays) {
  const std::lock_guard lock(mutex_);
  calls_left_ = calls;
  code_ = code;
  stays_ = stays;
  failed_ = false;
}

void FaultyDisk::work() {
  const std::lock_guard lock(mutex_);
  code_ = SQLITE_OK;
}

bool FaultyDisk::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

int FaultyDisk::next_call() {
  std::this_thread::sleep_for(each_call_.load());
  const std::lock_guard lock(mutex_);
  if (code_ == SQLITE_OK) return SQLITE_OK;
  if (calls_left_ > 0) {
    --calls_left_;
    return SQLITE_OK;
  }
  failed_ = true;
  return stays_ ? code_ : std::exchange(code_, SQLITE_OK);
}

void FaultyDisk::note(File& file, sqlite3_int64 offset, std::string after,
                      sqlite3_int64 size_after) {
  Write write;
  sqlite3_file* real = file.real();
  real->pMethods->xFileSize(real, &write.size_before);
  write.offset = offset;
  // What is overwritten, or cut off.
  sqlite3_int64 end = offset + static_cast<sqlite3_int64>(after.size());
  if (size_after < write.size_before) end = write.size_before;
  if (offset < write.size_before) {
    write.before.resize(static_cast<std::size_t>(std::min(end, write.size_before) - offset));
    real->pMethods->xRead(real, write.before.data(), static_cast<int>(write.before.size()), offset);
  }
  write.after = std::move(after);
  write.size_after = size_after < 0 ? std::max(write.size_before, end) : size_after;
  const std::lock_guard lock(mutex_);
  unsynced_[file.path].push_back(std::move(write));
}

void FaultyDisk::lose_power(std::mt19937& dice) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, writes] : std::exchange(unsynced_, {})) {
    const net::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file) continue;  // It was removed.
    const auto put = [&](const std::string& bytes, sqlite3_int64 offset, sqlite3_int64 size) {
      CRIER_CHECK(::pwrite(file.get(), bytes.data(), bytes.size(), offset) ==
                  static_cast<ssize_t>(bytes.size()));
      CRIER_CHECK(::ftruncate(file.get(), size) == 0);
    };
    for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
      put(write->before, write->offset, write->size_before);
    }
    const auto survives = static_cast<std::uint32_t>(dice() % 101);
    for (const Write& write : writes) {
      if (dice() % 100 >= survives) continue;
      // A disk writes sectors: a write may be there in part.
      std::string bytes = write.after;
      if (dice() % 8 == 0) bytes.resize(bytes.size() / 512 / 2 * 512);
      if (write.size_after < write.size_before) {
        CRIER_CHECK(::ftruncate(file.get(), write.size_after) == 0);
      } else {
        CRIER_CHECK(::pwrite(file.get(), bytes.data(), bytes.size(), write.offset) >= 0);
      }
    }
  }
}

const sqlite3_io_methods& FaultyDisk::methods() {
  static const sqlite3_io_methods all = [] {
    sqlite3_io_methods own{};
    own.iVersion = 1;  // Without shared memory: a journal is of one process.
    own.xClose = [](sqlite3_file* file) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xClose(real);
    };
    own.xRead = [](sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xRead(real, to, size, offset);
    };
    own.xWrite = [](sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
      File& own_file = of(file);
      if (const int code = own_file.disk->next_call(); code != SQLITE_OK) return code;
      const std::string bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
      own_file.disk->note(own_file, offset, bytes, -1);
      return own_file.real()->pMethods->xWrite(own_file.real(), from, size, offset);
    };
    own.xTruncate = [](sqlite3_file* file, sqlite3_int64 size) {
      File& own_file = of(file);
      if (const int code = own_file.disk->next_call(); code != SQLITE_OK) return code;
      own_file.disk->note(own_file, size, {}, size);
      return own_file.real()->pMethods->xTruncate(own_file.real(), size);
    };
    own.xSync = [](sqlite3_file* file, int /*flags*/) {
      File& own_file = of(file);
      if (const int code = own_file.disk->next_call(); code != SQLITE_OK) return code;
      const std::lock_guard lock(own_file.disk->mutex_);
      own_file.disk->unsynced_[own_file.path].clear();
      return SQLITE_OK;
    };
    own.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xFileSize(real, size);
    };
    own.xLock = [](sqlite3_file* file, int how) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xLock(real, how);
    };
    own.xUnlock = [](sqlite3_file* file, int how) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xUnlock(real, how);
    };
    own.xCheckReservedLock = [](sqlite3_file* file, int* out) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xCheckReservedLock(real, out);
    };
    own.xFileControl = [](sqlite3_file* file, int what, void* argument) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xFileControl(real, what, argument);
    };
    own.xSectorSize = [](sqlite3_file* file) {
      sqlite3_file* real = of(file).real();
      return real->pMethods->xSectorSize(real);
    };
    // Nothing is promised, such as that a write is there as a whole or that order is kept.
    own.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    return own;
  }();
  return all;
}

int FaultyDisk::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
  File& own = of(file);
  own.base.pMethods = nullptr;
  own.disk = static_cast<FaultyDisk*>(vfs->pAppData);
  own.path = path == nullptr ? "" : path;
  const int code = real->xOpen(real, path, own.real(), flags, out);
  if (code == SQLITE_OK) own.base.pMethods = &methods();
  return code;
}

}  // namespace crier::cmd
