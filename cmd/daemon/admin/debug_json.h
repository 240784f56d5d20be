// The JSON of /debug/workers, /debug/streams, /debug/trace and /debug/log. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/control/publish_traces.h"
#include "cmd/daemon/link/worker_queries.h"

namespace crier::cmd {

// {"workers":[…]}, in the order of the workers. `processor` and `node` are null for a worker that
// is not pinned.
std::string workers_json(const std::vector<WorkerRow>& workers);

// How far the stream is behind, with the events that its worker has not offered it yet; nothing:
// the log would have to be searched for that.
std::optional<broadcast::Behind> behind_of(const StreamRow& row, const broadcast::Log& log);

// 0 if there is no such moment, or if it is not past.
double seconds_since(const std::optional<Instant>& then, Instant now);

// {"streams":[…],"next":"…"}. `next` is the `after` of the next request, and null on the last page.
// It is text, because a cursor may be larger than the integers that JavaScript reads exactly. The
// log tells how far each stream is behind, except one that continues from it and has a pattern.
std::string streams_json(const StreamPage& page, const broadcast::Log& log, Instant now);

// {"every":N,"traces":[…]}, the newest first, at most `limit`. Times that end with _ns are
// nanoseconds since the publish was accepted; null: that has not happened, or did not.
std::string traces_json(const PublishTraces& traces, const Epoch& epoch, std::size_t limit);

// {"rules":[…]}. A topic or address that a rule does not name is null.
std::string debug_rules_json(std::span<const DebugSwitch::Row> rows, Instant now);

}  // namespace crier::cmd
