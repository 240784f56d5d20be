// The numbers of one worker. The worker counts; the exporter reads from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "broadcast/streams/stream.h"
#include "core/counter.h"

namespace crier::broadcast {

// Microseconds.
inline constexpr std::array<std::uint64_t, 20> kLatencyBounds = {
    10,        50,        100,       250,        500,        1'000,     2'500,
    5'000,     10'000,    25'000,    50'000,     100'000,    250'000,   500'000,
    1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

// Milliseconds.
inline constexpr std::array<std::uint64_t, 14> kDurationBounds = {
    100,       1'000,     5'000,      15'000,     60'000,     300'000,     900'000,
    1'800'000, 3'600'000, 14'400'000, 43'200'000, 86'400'000, 259'200'000, 604'800'000};

// Events.
inline constexpr std::array<std::uint64_t, 8> kLagBounds = {0,   1,     10,    100,
                                                            500, 1'000, 5'000, 50'000};

// Milliseconds.
inline constexpr std::array<std::uint64_t, 9> kLagAgeBounds = {0,     10,     100,    500,    1'000,
                                                               5'000, 10'000, 30'000, 300'000};

// Microseconds.
inline constexpr std::array<std::uint64_t, 11> kRoundTripBounds = {
    100, 500, 1'000, 5'000, 10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000};

// Bytes.
inline constexpr std::array<std::uint64_t, 7> kUnsentBounds = {0,      1'024,   4'096,    16'384,
                                                               65'536, 262'144, 1'048'576};

// Microseconds.
inline constexpr std::array<std::uint64_t, 13> kFanoutBounds = {
    10,     100,     500,     1'000,     5'000,      10'000,    25'000,
    50'000, 100'000, 500'000, 1'000'000, 10'000'000, 60'000'000};
inline constexpr std::array<std::uint64_t, 12> kOpeningBounds = {
    10, 50, 250, 1'000, 5'000, 10'000, 50'000, 100'000, 500'000, 1'000'000, 5'000'000, 60'000'000};

// Events.
inline constexpr std::array<std::uint64_t, 8> kBatchBounds = {1, 2, 5, 10, 50, 100, 500, 1'000};

// Milliseconds. The clock of a stream has steps of 10 ms.
inline constexpr std::array<std::uint64_t, 9> kResumeBounds = {10,    50,     100,    500,   1'000,
                                                               5'000, 10'000, 30'000, 60'000};

using Latency = Histogram<kLatencyBounds.size()>;

struct WorkerStats {
  Counter streams;        // Gauge: slots taken, from the table.
  Counter streams_owing;  // Gauge: streams that are owed something or are replaying.
  // Gauge: streams in each of kOpenStates, as the last round of the sweep counted them.
  std::array<Counter, kOpenStates.size()> in_state;
  Counter queue_bytes;  // Gauge: bytes owed in rings.
  Counter ring_bytes;   // Gauge: storage of the rings, without the frames.
  Counter opened;
  Counter resumed;
  std::array<Counter, kNamesOf<EndReason>.size()> ended;
  Counter canaries_opened;  // Of these: streams on sockets with options on trial.
  std::array<Counter, kNamesOf<EndReason>.size()> canaries_ended;
  Counter frames_sent;  // Frames handed to the kernel whole: chunks, crier's own events included.
  Counter events_delivered;  // Of those, events of the log.
  Counter bytes_sent;
  Counter heartbeats;
  Counter blocked_by_socket;  // Writes cut short by a full socket buffer,
  Counter blocked_by_rate;    // and by an empty token bucket.
  Counter replay_frames;      // Frames that came from the history.
  Counter replays_waiting;    // Gauge.
  Counter overflows;          // Rings that were full, whatever the policy then did.
  Counter gave_way;           // Of these, for what all streams together were owed.
  Counter frames_dropped;     // By the policy drop-oldest.
  // Events that the policy conflate dropped from rings, for a newer one of their topic.
  Counter events_superseded;
  std::array<Counter, kNamesOf<GapReason>.size()> gaps;
  Counter batches;      // Taken from the inbox.
  Counter lost_pauses;  // Times this worker lagged so far that the history had moved on.
  // From an event's acceptance to its own write, of events accepted while the stream was open.
  Latency latency{kLatencyBounds};
  Histogram<kDurationBounds.size()> duration{kDurationBounds};
  // Once for each batch.
  Histogram<kBatchBounds.size()> batch_events{kBatchBounds};
  // Once for each topic of a batch: from the acceptance of its first event to the offer of its last
  // one to the last stream of the topic.
  Histogram<kFanoutBounds.size()> fanout{kFanoutBounds};
  // Once for each stream: from its request to its opening, and from there, if it resumes, to the
  // last event of the history that it was owed.
  Histogram<kOpeningBounds.size()> opening{kOpeningBounds};
  Histogram<kResumeBounds.size()> resuming{kResumeBounds};
  // Of the streams that the sweep samples.
  Histogram<kLagBounds.size()> lag{kLagBounds};
  Histogram<kLagAgeBounds.size()> lag_age{kLagAgeBounds};
  Histogram<kRoundTripBounds.size()> round_trip{kRoundTripBounds};
  Histogram<kUnsentBounds.size()> unsent{kUnsentBounds};
};

}  // namespace crier::broadcast
