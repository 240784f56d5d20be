#include "cmd/connection_log.h"

#include <algorithm>
#include <cstddef>

namespace crier::cmd {
namespace {

constexpr std::uint64_t kSecondMicros = 1'000'000;
constexpr std::size_t kReasonsMax = 32;  // More than there are; a line stays readable.

}  // namespace

void ConnectionLog::tick(Instant now) {
  if (now.us < second_began_.us + kSecondMicros) return;
  flush();
  second_began_ = now;
  written_ = 0;
}

bool ConnectionLog::may_write(Instant now) {
  tick(now);
  if (written_ >= lines_per_second_) return false;
  ++written_;
  return true;
}

void ConnectionLog::opened(const StreamOpened& stream, Instant now) {
  if (!may_write(now)) {
    add_unlogged_opened(1, stream.resumed ? 1 : 0);
    return;
  }
  out_.info("stream opened", {{"stream", stream.stream_id},
                              {"trace_id", stream.trace_id},
                              {"peer", stream.peer},
                              {"topics", stream.topics},
                              {"resumed", stream.resumed}});
}

void ConnectionLog::ended(const StreamEnded& stream, Instant now) {
  if (may_write(now)) {
    out_.info("stream ended",
              {{"stream", stream.stream_id},
               {"trace_id", stream.trace_id},
               {"reason", stream.reason},
               {"bytes", stream.bytes},
               {"events", stream.events},
               {"seconds", static_cast<double>(stream.duration_us / 1'000) / 1'000}});
    return;
  }
  add_unlogged_ended(stream.reason, 1);
}

void ConnectionLog::add_unlogged_opened(std::uint64_t streams, std::uint64_t resumed) {
  opened_ += streams;
  resumed_ += resumed;
}

void ConnectionLog::add_unlogged_ended(std::string_view reason, std::uint64_t streams) {
  if (streams == 0) return;
  ended_ += streams;
  const auto found = std::ranges::find(ended_by_reason_, reason,
                                       &std::pair<std::string, std::uint64_t>::first);
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
  out_.write(Level::info, "streams not logged one by one", fields);
  opened_ = resumed_ = ended_ = 0;
  ended_by_reason_.clear();
}

}  // namespace crier::cmd
