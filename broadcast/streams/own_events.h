// The events crier itself sends: `crier.open`, `crier.gap`, `crier.end`. As SSE text, not yet
// framed.
//
// Only true resume positions are ever sent as ids: a client that reconnects with one gets
// everything after it, or is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

// How long a client is asked to wait before it reconnects: 2 s ± 50 %, spread so that a crowd that
// was cut off together does not come back together.
inline constexpr std::uint32_t kRetryMsMin = 1'000;
inline constexpr std::uint32_t kRetryMsMax = 3'000;

void append_open_event(std::string& out, std::string_view position_id, std::uint32_t retry_ms);
void append_gap_event(std::string& out, const Gap& gap, const Epoch& epoch);
void append_end_event(std::string& out, EndReason reason, std::uint32_t retry_ms);

// 2 KB of comment for clients that hold back the first bytes of a response.
void append_padding(std::string& out);

}  // namespace crier::broadcast
