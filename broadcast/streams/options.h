// What a worker's broadcasting is configured with. Changed between two turns only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broadcast/log/topic_class.h"
#include "core/counter.h"
#include "core/frame.h"
#include "core/keyed_hash.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

struct WorkerOptions {
  // Fixed for the worker's life.
  Epoch epoch;
  HashKey topic_key;  // The log's own.
  std::uint64_t random_seed = 0;
  std::uint32_t first_generation = 1;      // Of StreamToken; counts on from it and wraps.
  std::size_t streams_max = 0;             // Slots of this worker.
  std::size_t topics_max = 0;              // Topics and patterns with a stream of this worker.
  std::size_t patterns_max = 10'000;       // Patterns, of these: at most 1.5 ms an event.
  std::uint32_t ring_frames_max = 1'024;   // A power of two, at least owed_events_max.
  std::size_t ring_bytes_max = 64u << 20;  // Of rings' storage: see RingPool.
  std::uint32_t workers = 1;               // That share owed_total_bytes_max.
  const FrameAccount* frames = nullptr;    // Of the log, as is the next; both outlive it.
  const Counter* history_bytes = nullptr;
  std::shared_ptr<const TopicClasses> classes;  // A stream remembers its row's number.

  // May change while streams are open.
  std::uint32_t owed_events_max = 1'024;
  std::uint32_t owed_bytes_max = 1u << 20;
  std::uint64_t owed_total_bytes_max = 128u << 20;  // See OwedBound.
  std::uint32_t owing_seconds_max = 30;
  std::uint32_t heartbeat_seconds = 15;
  std::uint32_t stream_seconds_max = 0;  // 0: none.
  std::size_t replay_bytes_in_flight_max = 16u << 20;
};

}  // namespace crier::broadcast
