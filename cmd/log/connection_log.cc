#include "cmd/log/connection_log.h"

#include <algorithm>
#include <cstddef>

namespace crier::cmd {
namespace {

constexpr std::size_t kReasonsMax = 32;  // More than crier has; bounds the summary line.

}  // namespace

void ConnectionLog::tick(Instant now) {
  if (!second_.over(now)) return;
  flush();
  lines_.begin();
}

bool ConnectionLog::may_write(Instant now) {
  tick(now);
  return lines_.take(lines_per_second_);
}

void ConnectionLog::opened(const StreamOpened& stream, Instant now) {
  if (!may_write(now)) {
    add_unlogged_opened(1, stream.resumed ? 1 : 0);
    return;
  }
  out_.debug("stream opened", {{"session_id", stream.session_id},
                               {"trace_id", stream.trace_id},
                               {"address", stream.address},
                               {"topics", stream.topics},
                               {"resumed", stream.resumed}});
}

void ConnectionLog::ended(const StreamEnded& stream, Instant now) {
  if (!may_write(now)) {
    add_unlogged_ended(stream.reason, 1);
    return;
  }
  std::vector<Field> fields = {{"session_id", stream.session_id}, {"trace_id", stream.trace_id}};
  if (!stream.address.empty()) fields.push_back({"address", stream.address});
  fields.push_back({"topics", stream.topics});
  fields.push_back({"reason", stream.reason});
  fields.push_back({"duration_ms", stream.duration_us / 1'000});
  fields.push_back({"events", stream.events});
  fields.push_back({"wire_size_bytes", stream.bytes});
  out_.write(Level::debug, "stream ended", fields);
}

void ConnectionLog::add_unlogged_opened(std::uint64_t streams, std::uint64_t resumed) {
  opened_ += streams;
  resumed_ += resumed;
}

void ConnectionLog::add_unlogged_ended(std::string_view reason, std::uint64_t streams) {
  if (streams == 0) return;
  ended_ += streams;
  const auto found =
      std::ranges::find(ended_by_reason_, reason, &std::pair<std::string, std::uint64_t>::first);
  if (found != ended_by_reason_.end()) {
    found->second += streams;
  } else if (ended_by_reason_.size() < kReasonsMax) {
    ended_by_reason_.emplace_back(reason, streams);
  }
}

void ConnectionLog::flush() {
  if (opened_ == 0 && ended_ == 0) return;
  std::vector<std::string> keys;
  keys.reserve(ended_by_reason_.size());
  for (const auto& [reason, count] : ended_by_reason_) keys.push_back("ended_" + reason);
  std::vector<Field> fields = {{"opened", opened_}, {"resumed", resumed_}, {"ended", ended_}};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    fields.push_back({keys[i], ended_by_reason_[i].second});
  }
  out_.write(Level::debug, "streams not logged individually", fields);
  opened_ = resumed_ = ended_ = 0;
  ended_by_reason_.clear();
}

}  // namespace crier::cmd
