// What the command process and the client processes tell one another, in anonymous mappings.
//
// Each client process writes only its own ClientState, but for `wanted`; the command process writes
// that and Window, and reads everything at any time. Numbers that one process counts and another
// may read are relaxed atomics, as in core/counter.h. Zero bytes are such objects without content:
// shared_memory.h.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "cmd/bench/histogram.h"
#include "core/counter.h"

namespace crier::bench {

inline constexpr std::uint32_t kGroupsMax = 16;  // A mark has one hex digit for it.
inline constexpr std::uint32_t kProcessesPerGroup = 64;
inline constexpr std::uint32_t kEventsPerCommand = 1U << 20;  // Events of one group in one command.
inline constexpr std::uint32_t kSlicesMax = 128;

inline std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// The events of the command that runs: numbers first … first + kEventsPerCommand - 1 of a group,
// of which those below next were published.
struct Window {
  std::atomic<std::uint32_t> first{0};
  std::atomic<std::uint32_t> next{0};
  std::atomic<std::uint32_t> answered{0};  // At kFinish: those below it were answered, too.
  std::atomic<std::uint64_t> began_ns{0};
  std::atomic<std::uint64_t> slice_ns{0};  // Length of a time slice; 0: no slices.
  // When each event was due, which is not later than when it was handed to the publish socket.
  std::array<std::atomic<std::uint64_t>, kEventsPerCommand> due_ns{};
};

struct alignas(64) ClientState {
  std::atomic<std::uint32_t> wanted{0};  // Streams this process shall have opened or failed to.

  std::atomic<std::uint32_t> commands_done{0};  // Of kBegin and kFinish.

  Counter opened;
  Counter refused;                      // Connect failed, or the answer was no stream.
  std::atomic<std::uint64_t> ended{0};  // Streams the server closed after their head,
  Counter ended_received;               // and those of `received` that they had of the command.
  Counter received;                     // Events, each once.
  Counter bytes;                        // After the head.
  Counter lost;                         // Events skipped that the stream was owed.
  Counter lost_first;                   // The same before its first event, and after its last.
  Counter lost_last;
  Counter duplicates;  // Received before, or so old that it is not known.
  Counter too_old;     // Those of them that are not known; they may be late.
  Counter late;        // Out of order: counted as lost before they came.
  Counter strays;      // Another group's or topic's event, or one that was not published.
  std::atomic<std::uint64_t> last_opened_ns{0};
  std::array<char, 256> refusal{};              // Why the first stream was refused,
  std::atomic<std::uint32_t> refusal_bytes{0};  // so long once it is known.

  // The last arrival of each event.
  std::array<std::atomic<std::uint64_t>, kEventsPerCommand> arrived_ns{};
  Histogram latency;  // From when the event was due to its arrival; each delivery.
  std::array<Histogram, kSlicesMax> slices;  // The same by the time at which the event was due.
};

}  // namespace crier::bench
