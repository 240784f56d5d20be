// Broadcaster continued: the caps that a stream must fit into, and the counts that enforce them.
// All workers share the counts, so each place that counts a stream here has one that counts it out.

#include <algorithm>
#include <vector>

#include "broadcast/streams/broadcaster.h"
#include "core/check.h"

namespace crier::broadcast {
namespace {

// Adds one to a count that all workers share, unless it has reached the cap. The count is never
// above the cap, not even for a moment in which another worker looks.
bool count_below(std::atomic<std::uint32_t>& count, std::uint32_t cap) {
  std::uint32_t before = count.load(std::memory_order_relaxed);
  do {
    if (before >= cap) return false;
  } while (!count.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::expected<StreamToken, Refused> Broadcaster::reserve(
    const std::optional<AddressTable::Address>& address, Instant now) {
  if (draining_) return std::unexpected(Refused::draining);
  if (options_.memory_is_at(MemoryStage::refuse_streams)) return std::unexpected(Refused::memory);
  if (!count_below(counts_.streams, counts_.streams_max.load(std::memory_order_relaxed))) {
    return std::unexpected(Refused::streams_max);
  }
  const auto token = streams_.reserve(now);
  if (!token) {
    counts_.streams.fetch_sub(1, std::memory_order_relaxed);
    return std::unexpected(Refused::streams_max);
  }
  Stream& stream = streams_[token->index];
  const std::uint32_t cap = counts_.streams_per_address_max.load(std::memory_order_relaxed);
  if (cap > 0 && address) {
    const auto row = counts_.addresses.enter(*address, cap);
    if (!row) {
      cancel(*token);
      return std::unexpected(Refused::streams_per_address_max);
    }
    stream.address = *row;
    stream.set(Stream::kAddressCounted);
  }
  return *token;
}

void Broadcaster::give_back_counts(Stream& stream) {
  if (stream.has(Stream::kAddressCounted)) {
    counts_.addresses.leave(stream.address);
    stream.clear(Stream::kAddressCounted);
  }
  counts_.streams.fetch_sub(1, std::memory_order_relaxed);
}

void Broadcaster::cancel(StreamToken token) {
  Stream* stream = streams_.find(token);
  CRIER_CHECK(stream != nullptr);
  CRIER_CHECK(stream->state == StreamState::reserved);
  give_back_counts(*stream);
  streams_.vacate(token.index);
}

// Lists the stream under its topics, within the caps on topics and on their streams. After an error
// it is listed and counted nowhere.
std::expected<void, Refused> Broadcaster::enter_topics(StreamIndex index,
                                                       std::span<const Selector> subscriptions) {
  if (!enter_rows(subscriptions)) return std::unexpected(Refused::class_streams_max);
  const auto joined = topics_.join(index, subscriptions);
  if (joined) return {};
  leave_rows(subscriptions);
  switch (joined.error()) {
    case IndexFull::patterns:
      return std::unexpected(Refused::patterns_max);
    case IndexFull::streams:
      return std::unexpected(Refused::streams_per_topic_max);
    case IndexFull::topics:
      break;
  }
  return std::unexpected(Refused::topics_max);
}

// Counts the stream in each row that covers one of its subscriptions. Returns false, counts it in
// none and notes the row if one of them is full.
bool Broadcaster::enter_rows(std::span<const Selector> subscriptions) {
  const TopicClasses& classes = *options_.classes;
  const std::vector<ClassIndex> rows = classes.capped_rows(subscriptions);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (count_below(counts_.streams_of_row[rows[i]], classes[rows[i]].streams_max)) continue;
    for (std::size_t entered = 0; entered < i; ++entered) {
      counts_.streams_of_row[rows[entered]].fetch_sub(1, std::memory_order_relaxed);
    }
    full_row_ = rows[i];
    return false;
  }
  return true;
}

void Broadcaster::leave_rows(std::span<const Selector> subscriptions) {
  for (const ClassIndex row : options_.classes->capped_rows(subscriptions)) {
    counts_.streams_of_row[row].fetch_sub(1, std::memory_order_relaxed);
  }
}

// Other workers count in the same places, so a count is at least what the slots of this worker
// need.
bool Broadcaster::counts_consistent() const {
  std::vector<std::uint32_t> rows;
  for (std::size_t index = 0; index < streams_.end(); ++index) {
    const auto slot = static_cast<StreamIndex>(index);
    const bool counted = streams_.taken(slot) && streams_[slot].has(Stream::kAddressCounted);
    if (counted) rows.push_back(streams_[slot].address);
  }
  std::ranges::sort(rows);
  for (auto row = rows.begin(); row != rows.end();) {
    const auto next = std::upper_bound(row, rows.end(), *row);
    if (counts_.addresses.count(*row) < static_cast<std::size_t>(next - row)) return false;
    row = next;
  }
  return counts_.streams.load(std::memory_order_relaxed) >= streams_.size();
}

}  // namespace crier::broadcast
