// What the command process and the client processes tell one another, in one anonymous mapping.
//
// Each client process writes only its own ClientState; the command process writes Window before it
// publishes and reads everything else. Numbers one process counts and another may read are relaxed
// atomics, as in core/counter.h.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "cmd/bench/histogram.h"
#include "core/counter.h"

namespace crier::bench {

inline constexpr std::uint32_t kGroupsMax = 4;
inline constexpr std::uint32_t kProcessesPerGroup = 64;
inline constexpr std::uint32_t kClientsMax = 80;          // Processes, all groups together.
inline constexpr std::uint32_t kEventsPerCommand = 8192;  // Events of one group in one command.

inline std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// The events of the command that runs: numbers first … first + kEventsPerCommand - 1 of a group,
// and when each was handed to the publish socket.
struct Window {
  std::atomic<std::uint32_t> first{1};
  std::array<std::atomic<std::uint64_t>, kEventsPerCommand> sent_ns{};
};

// How often one client process received an event, and when last.
struct Arrival {
  std::atomic<std::uint32_t> count{0};
  std::atomic<std::uint64_t> last_ns{0};
};

struct alignas(64) ClientState {
  std::atomic<std::uint32_t> wanted{0};  // Streams this process shall have opened or failed to.

  Counter opened;
  Counter refused;     // Connect failed, or the answer was not 200.
  Counter ended;       // Streams the server closed after their head.
  Counter received;    // Events, duplicates included.
  Counter bytes;       // After the head.
  Counter lost;        // Events skipped that the stream was owed.
  Counter duplicates;  // Numbers not above the one before.
  Counter strays;      // Another group's or topic's event, or one from outside the window.
  std::atomic<std::uint64_t> last_opened_ns{0};
  std::atomic<int> last_errno{0};

  std::array<Arrival, kEventsPerCommand> arrivals{};
  Histogram latency;  // Publish to arrival, each delivery.
};

struct SharedState {
  std::array<Window, kGroupsMax> windows;
  std::array<ClientState, kClientsMax> clients;
};

}  // namespace crier::bench
