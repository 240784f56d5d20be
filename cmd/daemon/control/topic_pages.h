// Topics as JSON.
//
//   {"topic":"a.b","subscribers":3,"published":12,"events_per_second":0.250,
//    "history":{"events":10,"bytes":2048,"oldest_id":"…","newest_id":"…","evicted_through":"…"}}
//
// `subscribers` counts streams that name the topic exactly, not streams of patterns. `published`
// counts the events since the topic was listed. An id is null if there is no such event.
//
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/page_query.h"
#include "cmd/daemon/link/worker_queries.h"
#include "core/text/event_id.h"

namespace crier::cmd {

// Pure; any thread.
std::string topic_json(const Epoch& epoch, const broadcast::TopicInfo& topic,
                       std::uint64_t subscribers);

// {"topics":[…],"next":"…"}. `next` is the `after` of the next request, and null on the last page.
// Any page may have fewer topics than the request asks for, or none: a page looks at a bounded part
// of the table. Requires: a count for each topic. Pure; any thread.
std::string topic_page_json(const Epoch& epoch, const broadcast::TopicPage& page,
                            std::span<const std::uint64_t> subscribers);

// Makes the page of the log as it is now, when the workers have counted. `done` gets nothing if one
// of them did not answer in time. Control loop; `log` and `workers` must outlive the answer.
void make_topic_page(const broadcast::Log& log, WorkerQueries& workers, const PageQuery& query,
                     Instant now, std::function<void(std::optional<std::string>)> done);

}  // namespace crier::cmd
