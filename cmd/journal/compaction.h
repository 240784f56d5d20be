// What is left to do of a compaction: batches without an event that lives, and without a key that
// still counts, go; those that are mostly dead are written again.
//
// Belongs to the thread of its store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broadcast/log/log_survey.h"
#include "cmd/journal/batch_scan.h"

namespace crier::cmd {

class Compaction {
 public:
  // Keys of batches that were accepted before `keys_from_ms` (since 1970) no longer count.
  Compaction(broadcast::Survey survey, std::uint64_t keys_from_ms);

  std::uint64_t through() const { return survey_.through; }
  // The bytes of what is remembered; empty once they are written.
  const std::string& remembered() const { return remembered_; }
  void remembered_is_written() { remembered_.clear(); }

  // Whether each sequence from `first` to `last` lives.
  bool all_live(std::uint64_t first, std::uint64_t last) const;
  // Returns the body to write in its place, empty if nothing of it counts; nothing: it stays.
  // Requires: the batch is good.
  std::optional<std::string> rewritten(const StoredBatch& batch) const;

  std::uint64_t at = 0;  // Batches up to this sequence are done.

 private:
  bool lives(std::uint64_t sequence) const;

  broadcast::Survey survey_;
  std::string remembered_;
  std::uint64_t keys_from_ms_;
};

}  // namespace crier::cmd
