// A journal that keeps nothing beyond the process. It numbers events without holes and commits them
// within append(). Only the log's history in memory retains them.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broadcast/log/journal.h"

namespace crier::broadcast {

class MemoryJournal final : public Journal {
 public:
  Result<void> load(const Take& /*take*/) override { return {}; }
  void connect(JournalClient& client) override { client_ = &client; }
  std::optional<Appended> append(std::span<const PublishEvent> group, Instant accepted) override;
  void trim(std::uint64_t /*through*/) override {}
  void finish() override {}

 private:
  JournalClient* client_ = nullptr;
  std::uint64_t last_ = 0;                // The last sequence given to an event.
  std::vector<std::uint64_t> sequences_;  // The sequences of the last group.
};

}  // namespace crier::broadcast
