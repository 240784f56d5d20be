// A small file beside the journal's that holds the last sequence whose events were committed, and
// is the lock of both.
//
// SQLite drops the end of a damaged write-ahead log without a word, and its file may be missing:
// the database alone does not know that its newest rows are gone. This file does. It is written
// after each commit and never waited for: when the process dies, the kernel still has what was
// written; when the machine dies, an earlier sequence may be there, never a later one.
//
// Two slots are written in turn, so that one is whole at any moment. Belongs to one thread at a
// time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cmd/system/file_lock.h"
#include "core/result.h"
#include "core/text/event_id.h"

namespace crier::cmd {

struct CommittedHead {
  Epoch epoch;
  std::uint64_t last = 0;
};

class HeadFile {
 public:
  // Locks the file, and creates it if it is missing. Error address_in_use: another process has it.
  [[nodiscard]] static Result<HeadFile> open(const std::string& path);

  // Empties the file of a journal that this daemon does not use: events that are accepted meanwhile
  // are not in it, so its next start must begin a new epoch. Returns true if it has done so; false:
  // there is nothing to empty, or another process uses that journal.
  [[nodiscard]] static Result<bool> forget(const std::string& path);

  // What was written last; nothing: the file is new or damaged.
  const std::optional<CommittedHead>& found() const { return found_; }

  // Returns false if the system refused; errno says why.
  [[nodiscard]] bool write(const CommittedHead& head);
  // The same, and waits until it is on the disk.
  [[nodiscard]] bool write_synced(const CommittedHead& head);
  // Whether the file still has this name.
  bool is_at(const std::string& path) const;
  // Makes it another user's file, where this process may.
  void give_to(uid_t user, gid_t group) const;

 private:
  explicit HeadFile(FileLock lock) : lock_(std::move(lock)) {}
  void read();

  FileLock lock_;
  std::optional<CommittedHead> found_;
  unsigned slot_ = 0;  // The one to write next.
};

}  // namespace crier::cmd
