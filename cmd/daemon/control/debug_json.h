// The JSON of /debug/workers, /debug/streams and /debug/log. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/link/worker_queries.h"

namespace crier::cmd {

// {"workers":[…]}, in the order of the workers; `processor` and `node` are null where one is not
// pinned.
std::string workers_json(const std::vector<WorkerRow>& workers);

// {"streams":[…],"next":"…"}; `next` goes into the next request's `after`, and is null on the last
// page. It is text: a cursor may be larger than the integers that JavaScript reads exactly.
std::string streams_json(const StreamPage& page);

// {"rules":[…]}; what a rule does not ask for is null.
std::string debug_rules_json(std::span<const DebugSwitch::Row> rows, Instant now);

}  // namespace crier::cmd
