#include "cmd/daemon/admin/lagging_streams.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cmd/daemon/admin/debug_json.h"

namespace crier::cmd {

std::vector<LaggingFigures> LaggingStreams::sample(Instant now) {
  std::vector<LaggingFigures> all;
  for (const LaggingStream& stream : found_) {
    const StreamRow& row = stream.row;
    const auto behind = behind_of(row, log_);
    if (behind && behind->events == 0) continue;  // It waits for a replay of nothing.
    LaggingFigures& figures = all.emplace_back();
    figures.worker = stream.worker;
    figures.address = row.address;
    figures.topic = row.topics.front().text;
    figures.topics = row.topics.size();
    figures.trace_id = row.trace_id;
    figures.owed_bytes = row.owed_bytes;
    if (!behind) continue;
    figures.lag_events = behind->events;
    figures.lag_seconds = seconds_since(behind->oldest, now);
  }
  std::ranges::sort(all, std::ranges::greater(), &LaggingFigures::lag_seconds);
  if (!std::exchange(asking_, true)) {
    workers_.list_lagging(kShown, [this](std::optional<std::vector<LaggingStream>> found) {
      asking_ = false;
      if (found) found_ = std::move(*found);
    });
  }
  return all;
}

}  // namespace crier::cmd
