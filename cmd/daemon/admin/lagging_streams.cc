#include "cmd/daemon/admin/lagging_streams.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cmd/daemon/admin/debug_json.h"

namespace crier::cmd {

std::vector<LaggingFigures> LaggingStreams::sample() {
  if (!std::exchange(asking_, true)) {
    workers_.list_lagging(kShown,
                          [this, stops = stops_](std::optional<std::vector<LaggingStream>> found) {
                            asking_ = false;
                            if (found && stops == stops_) found_ = figures_of(*found);
                          });
  }
  return found_;
}

void LaggingStreams::stop() {
  found_ = {};
  ++stops_;
}

std::vector<LaggingFigures> LaggingStreams::figures_of(
    const std::vector<LaggingStream>& found) const {
  std::vector<LaggingFigures> all;
  for (const LaggingStream& stream : found) {
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
    figures.lag_seconds = seconds_since(behind->oldest, now_());
  }
  std::ranges::sort(all, std::ranges::greater(), &LaggingFigures::lag_seconds);
  return all;
}

}  // namespace crier::cmd
