// Writes the events that crier itself sends, `crier.open`, `crier.gap`, `crier.closed` and
// `crier.end`, as SSE text that is not yet framed. (A stream that is there when a topic is closed,
// or resumes from before that, gets `crier.closed` from the log.)
//
// An id in these events is always a true resume position: a client that reconnects with it gets
// everything after it, or is told that events are missing.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

// How long a client is asked to wait before it reconnects: 2 s ± 50 %, at random, so that many
// clients that were cut off together do not return together.
inline constexpr std::uint32_t kRetryMsMin = 1'000;
inline constexpr std::uint32_t kRetryMsMax = 3'000;
// The same while memory is short: 30 s ± 50 %.
inline constexpr std::uint32_t kLongRetryMsMin = 15'000;
inline constexpr std::uint32_t kLongRetryMsMax = 45'000;

void append_open_event(std::string& out, std::string_view position_id, std::uint32_t retry_ms);
void append_gap_event(std::string& out, const Gap& gap, const Epoch& epoch);
void append_closed_event(std::string& out, std::string_view topic, std::string_view position_id);
void append_end_event(std::string& out, std::string_view reason, std::uint32_t retry_ms);

// Appends 2 KB of comment, for clients that hold back the first bytes of a response.
void append_padding(std::string& out);

}  // namespace crier::broadcast
