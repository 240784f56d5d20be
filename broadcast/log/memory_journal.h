// A journal that keeps nothing beyond the process. It numbers events without holes and commits them
// within append(). Only the log's history in memory retains them.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broadcast/log/journal.h"

namespace crier::broadcast {

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(const JournalIdentity& identity = {}) : identity_(identity) {}

  const JournalIdentity& identity() const override { return identity_; }
  Result<void> load(JournalReader& reader) override;
  void connect(JournalClient& client) override { client_ = &client; }
  std::optional<Appended> append(const Group& group) override;
  void flush() override {}
  bool wants_survey() const override { return false; }
  void compact(Survey /*survey*/) override {}
  std::optional<JournalFailure> failing() const override { return std::nullopt; }
  void finish() override {}

 private:
  JournalIdentity identity_;
  JournalClient* client_ = nullptr;
  std::uint64_t last_ = 0;                // The last sequence given to an event.
  std::vector<std::uint64_t> sequences_;  // The sequences of the last group.
};

}  // namespace crier::broadcast
