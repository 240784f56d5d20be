// An event that is followed through a worker for /debug/trace. Values; times are in nanoseconds of
// the monotonic clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace crier::cmd {

// How many publishes are followed at a time. Each has at most one task in a worker's inbox, and one
// answer in its outbox.
inline constexpr std::size_t kFollowedMax = 8;

// What control tells a worker, just before the batch with the event.
struct EventToFollow {
  std::uint64_t trace = 0;  // Names the trace.
  std::uint64_t sequence = 0;
  std::string topic;
};

// What the worker answers once it has offered the event to all streams that wanted it. Streams that
// were behind get it later, which does not count.
struct FollowedEvent {
  std::uint64_t trace = 0;
  std::uint64_t taken_ns = 0;        // The batch was taken out of the inbox.
  std::uint64_t first_write_ns = 0;  // The kernel had the event for the first stream, and
  std::uint64_t last_write_ns = 0;   // for the last one; both 0: for none.
  std::uint64_t streams = 0;         // For how many streams.
};

}  // namespace crier::cmd
