// What a journal counts that is not `memory`. Its owner's loop counts; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broadcast/log/journal.h"
#include "core/counter.h"
#include "core/names.h"

namespace crier::broadcast {

// What is wrong with a publisher's key is no failure of the journal, and has no name here.
constexpr std::array<std::string_view, 3> names_of(JournalFailure /*selects*/) {
  return {"no_space", "io_error", "unavailable"};
}

}  // namespace crier::broadcast

namespace crier::cmd {

// Microseconds, from handing a batch to the writer until its commit is known.
inline constexpr std::array<std::uint64_t, 6> kCommitBounds = {500,    2'500,   10'000,
                                                               50'000, 250'000, 2'500'000};

struct JournalStats {
  Histogram<kCommitBounds.size()> commits{kCommitBounds};
  Counter events;          // Committed.
  Counter written_bytes;   // Of batches.
  Counter last_commit_us;  // How long the last commit took; a gauge.
  Counter batch_bytes;     // Of batches in the file, about; a gauge.
  Counter file_bytes;      // Of all its files; a gauge.
  Counter pending_bytes;   // Appended and not committed; a gauge.
  Counter loaded_events;   // At the start.
  Counter holes;           // At the start: damaged places, which may hide events.
  std::array<Counter, kNamesOf<broadcast::JournalFailure>.size()> failed;  // Groups.
};

// Of one whose events other nodes have, too.
struct NatsJournalStats {
  JournalStats common;
  Counter foreign;   // Messages that are no valid events.
  Counter repeated;  // Events whose key the stream knew.
  Counter late;      // Events that came after their group had failed.
  Counter away;      // How often NATS was lost.
  Counter behind;    // Messages of the stream that have not come; a gauge.
};

}  // namespace crier::cmd
