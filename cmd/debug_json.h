// The JSON of /debug/workers, /debug/streams, /debug/topics and /debug/log. Pure functions.
//
// /debug/workers is {"workers":[…]}. Of the others each page is {"streams":[…],"next":"…"} or
// {"topics":[…],"next":"…"}; `next` goes into the next request's `after`, and is null on the last
// page. It is text: a cursor may be larger than the integers that JavaScript reads exactly.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log.h"
#include "cmd/debug_switch.h"
#include "cmd/worker_queries.h"
#include "core/event_id.h"

namespace crier::cmd {

// In the order of the workers; `processor` and `node` are null where one is not pinned.
std::string workers_json(const std::vector<WorkerRow>& workers);

std::string streams_json(const StreamPage& page);

// `subscribers` in the order of the page's topics; what it lacks is null.
std::string topics_json(const broadcast::TopicPage& page, const Epoch& epoch,
                        const std::vector<std::uint64_t>& subscribers);

// {"rules":[…]}; what a rule does not ask for is null.
std::string debug_rules_json(std::span<const DebugSwitch::Row> rows, Instant now);

}  // namespace crier::cmd
