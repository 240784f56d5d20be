// The options of a worker's Broadcaster. They change only between two turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broadcast/log/closed_topics.h"
#include "broadcast/log/topic_class.h"
#include "core/counter.h"
#include "core/frame.h"
#include "core/keyed_hash.h"
#include "core/memory_pressure.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

// How long a drain goes on after the last crier.end, so that slow clients can take what they are
// owed.
inline constexpr std::uint32_t kDrainLastMs = 1'000;

struct WorkerOptions {
  // Fixed for the worker's life.
  Epoch epoch;
  HashKey topic_key;  // The log's key.
  std::uint64_t random_seed = 0;
  // The generation of the first StreamToken; later ones count on from it and wrap.
  std::uint32_t first_generation = 1;
  std::size_t streams_max = 0;        // Slots of this worker.
  std::size_t topics_max = 0;         // Topics and patterns that streams of this worker may have.
  std::size_t patterns_max = 10'000;  // Patterns among these. 10,000 take at most 1.5 ms per event.
  std::uint32_t ring_frames_max = 1'024;   // A power of two, at least owed_events_max.
  std::size_t ring_bytes_max = 64u << 20;  // Storage of rings; see RingPool.
  std::uint32_t workers = 1;               // How many workers share owed_total_bytes_max.
  const FrameAccount* frames = nullptr;  // The memory of the log's frames; must outlive the worker.
  // The memory of retained frames; must outlive the worker.
  const Counter* history_bytes = nullptr;
  // The topics that are closed; null: none is. Must outlive the worker.
  const ClosedTopics* closed = nullptr;
  // How short memory is; null: never. Must outlive the worker.
  const MemoryShortage* memory = nullptr;
  std::shared_ptr<const TopicClasses> classes;  // A stream keeps the number of its row.

  // These may change while streams are open.
  std::uint32_t owed_events_max = 1'024;
  std::uint32_t owed_bytes_max = 1u << 20;
  std::uint64_t owed_total_bytes_max = 128u << 20;  // See OwedBound.
  std::uint32_t owing_seconds_max = 30;
  std::uint32_t heartbeat_seconds = 15;
  std::uint32_t stream_seconds_max = 0;  // 0: no limit.
  std::size_t replay_bytes_in_flight_max = 16u << 20;

  bool memory_is_at(MemoryStage stage) const { return memory != nullptr && memory->is_at(stage); }
  bool any_closed() const { return closed != nullptr && closed->size() > 0; }
  // Whether the topic was closed by an event up to `position`. Requires: any_closed().
  bool closed_by(std::uint64_t position, std::uint64_t topic_hash) const {
    const Closing closing = closed->find(topic_hash);
    return closing && closing.sequence <= position;
  }
};

}  // namespace crier::broadcast
