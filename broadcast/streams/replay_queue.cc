#include "broadcast/streams/replay_queue.h"

#include "core/check.h"

namespace crier::broadcast {

void ReplayQueue::add(StreamToken stream, std::uint64_t address_hash) {
  Line& line = lines_[address_hash];
  if (line.streams.empty() && !line.busy) ready_.push_back(address_hash);
  line.streams.push_back(stream);
  ++waiting_;
}

std::optional<StreamToken> ReplayQueue::next() {
  if (ready_.empty()) return std::nullopt;
  const std::uint64_t address = ready_.front();
  ready_.pop_front();
  Line& line = lines_.at(address);
  CRIER_CHECK(!line.busy);
  CRIER_CHECK(!line.streams.empty());
  const StreamToken stream = line.streams.front();
  line.streams.pop_front();
  line.busy = true;
  --waiting_;
  const bool added = in_flight_.emplace(key(stream), address).second;
  CRIER_CHECK(added);
  return stream;
}

void ReplayQueue::put_back(StreamToken stream) {
  const auto flight = in_flight_.find(key(stream));
  CRIER_CHECK(flight != in_flight_.end());
  Line& line = lines_.at(flight->second);
  CRIER_CHECK(line.busy);
  line.busy = false;
  line.streams.push_front(stream);
  ready_.push_front(flight->second);
  ++waiting_;
  in_flight_.erase(flight);
}

void ReplayQueue::answered(StreamToken stream) {
  const auto flight = in_flight_.find(key(stream));
  CRIER_CHECK(flight != in_flight_.end());
  const auto line = lines_.find(flight->second);
  CRIER_CHECK(line->second.busy);
  line->second.busy = false;
  if (line->second.streams.empty()) {
    lines_.erase(line);
  } else {
    ready_.push_back(flight->second);
  }
  in_flight_.erase(flight);
}

}  // namespace crier::broadcast
