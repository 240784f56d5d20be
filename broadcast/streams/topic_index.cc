#include "broadcast/streams/topic_index.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/topic.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kBucketsAtFirst = 16;

constexpr std::uint32_t kSinglesAtFirst = 4;

void resize_singles(TopicEntry& row, std::uint32_t capacity) {
  auto* list = new StreamIndex[capacity];
  std::ranges::copy(row.single_streams(), list);
  if (row.singles_capacity > 0) delete[] row.singles.many;
  row.singles.many = list;
  row.singles_capacity = capacity;
}

void add_single(TopicEntry& row, StreamIndex stream) {
  if (row.singles_size == 0 && row.singles_capacity == 0) {
    row.singles.one = stream;
    row.singles_size = 1;
    return;
  }
  if (row.singles_size >= std::max(row.singles_capacity, 1U)) {
    resize_singles(row, std::max(kSinglesAtFirst, row.singles_capacity * 2));
  }
  row.singles.many[row.singles_size++] = stream;
}

// Moves the last entry to `position`; returns it. What a crowd needed is given back as it leaves.
StreamIndex remove_single(TopicEntry& row, std::uint32_t position) {
  CRIER_CHECK(position < row.singles_size);
  StreamIndex* list = row.singles_capacity == 0 ? &row.singles.one : row.singles.many;
  const StreamIndex moved = list[--row.singles_size];
  list[position] = moved;
  if (row.singles_capacity > kSinglesAtFirst && row.singles_size <= row.singles_capacity / 4) {
    resize_singles(row, row.singles_capacity / 2);
  }
  return moved;
}

// The same for storage of a list of multis.
void give_back_storage(std::vector<MultiMember>& list) {
  if (list.capacity() <= kSinglesAtFirst || list.size() > list.capacity() / 4) return;
  std::vector<MultiMember> smaller;
  smaller.reserve(list.capacity() / 2);
  smaller.assign(list.begin(), list.end());
  list.swap(smaller);
}

void release(TopicEntry& row) {
  delete[] row.name;
  if (row.singles_capacity > 0) delete[] row.singles.many;
  delete row.multis;
  row = TopicEntry{};
}

}  // namespace

TopicIndex::TopicIndex(StreamTable& streams, const HashKey& topic_key, std::size_t rows_max,
                       std::size_t patterns_max)
    : streams_(streams),
      topic_key_(topic_key),
      rows_(rows_max),
      buckets_(kBucketsAtFirst, kNone),
      patterns_max_(patterns_max) {}

TopicIndex::~TopicIndex() {
  for (std::size_t row = 0; row < rows_.end(); ++row) {
    if (rows_.is_rented(row)) release(rows_[row]);
  }
}

std::optional<TopicEntryIndex> TopicIndex::find(std::string_view topic) const {
  return find(keyed_hash(topic_key_, topic), topic);
}

std::optional<TopicEntryIndex> TopicIndex::find(std::uint64_t hash, std::string_view topic) const {
  for (std::size_t at = bucket_of(hash); buckets_[at] != kNone; at = bucket_of(at + 1)) {
    const TopicEntry& row = rows_[buckets_[at]];
    if (row.hash == hash && row.topic() == topic) return buckets_[at];
  }
  return std::nullopt;
}

std::expected<TopicEntryIndex, IndexFull> TopicIndex::find_or_add(std::string_view name) {
  CRIER_CHECK(name.size() <= 255);
  const std::uint64_t hash = keyed_hash(topic_key_, name);
  if (const auto found = find(hash, name)) return *found;
  const bool pattern = is_pattern(name);
  if (pattern && patterns_.size() >= patterns_max_) return std::unexpected(IndexFull::patterns);
  const auto index = rows_.rent();
  if (!index) return std::unexpected(IndexFull::topics);
  TopicEntry& row = rows_[*index];
  row = TopicEntry{};
  row.hash = hash;
  row.name = new char[name.size()];
  std::memcpy(row.name, name.data(), name.size());
  row.name_size = static_cast<std::uint8_t>(name.size());
  row.work = kNone;
  row.pattern = pattern;
  if (row.pattern) patterns_.add(name, *index);
  insert_bucket(*index);
  return *index;
}

void TopicIndex::drop_if_unused(TopicEntryIndex index) {
  TopicEntry& row = rows_[index];
  if (row.singles_size > 0 || row.multi_size() > 0) return;
  if (row.pattern) patterns_.remove(row.topic());
  erase_bucket(index);
  release(row);
  rows_.give_back(index);
}

std::expected<void, IndexFull> TopicIndex::join(StreamIndex index,
                                                std::span<const std::string_view> subscriptions) {
  CRIER_CHECK(!subscriptions.empty());
  if (subscriptions.size() == 1 && !is_pattern(subscriptions[0])) {
    return join_single(index, subscriptions[0]);
  }
  Stream& stream = streams_[index];
  StreamExtra& extra = stream.extra == kNone ? streams_.add_extra(stream) : *streams_.extra(stream);
  extra.subscriptions.reserve(subscriptions.size());
  ++multis_;
  for (const std::string_view name : subscriptions) {
    const auto row = find_or_add(name);
    if (!row) {
      leave_multis(index, extra);
      return std::unexpected(row.error());
    }
    auto*& multis = rows_[*row].multis;
    if (multis == nullptr) multis = new std::vector<MultiMember>();
    const auto ordinal = static_cast<std::uint32_t>(extra.subscriptions.size());
    extra.subscriptions.push_back({*row, static_cast<std::uint32_t>(multis->size())});
    multis->push_back({index, ordinal});
  }
  return {};
}

std::expected<void, IndexFull> TopicIndex::join_single(StreamIndex index, std::string_view topic) {
  const auto row = find_or_add(topic);
  if (!row) return std::unexpected(row.error());
  Stream& stream = streams_[index];
  stream.topic = *row;
  stream.topic_position = rows_[*row].singles_size;
  add_single(rows_[*row], index);
  return {};
}

void TopicIndex::leave(StreamIndex index) {
  Stream& stream = streams_[index];
  if (stream.topic != kNone) leave_single(stream);
  StreamExtra* extra = streams_.extra(stream);
  if (extra != nullptr && !extra->subscriptions.empty()) leave_multis(index, *extra);
}

void TopicIndex::leave_single(Stream& stream) {
  const TopicEntryIndex row = std::exchange(stream.topic, kNone);
  const StreamIndex moved = remove_single(rows_[row], stream.topic_position);
  streams_[moved].topic_position = stream.topic_position;
  drop_if_unused(row);
}

void TopicIndex::leave_multis(StreamIndex index, StreamExtra& extra) {
  for (const Subscription& subscription : extra.subscriptions) {
    std::vector<MultiMember>& list = *rows_[subscription.row].multis;
    CRIER_CHECK(list[subscription.position].stream == index);
    const MultiMember moved = list.back();
    list[subscription.position] = moved;
    list.pop_back();
    give_back_storage(list);
    streams_.extra(streams_[moved.stream])->subscriptions[moved.ordinal].position =
        subscription.position;
    drop_if_unused(subscription.row);
  }
  extra.subscriptions.clear();
  --multis_;
}

std::vector<std::string_view> TopicIndex::subscriptions(const Stream& stream) const {
  std::vector<std::string_view> names;
  if (stream.topic != kNone) names.push_back(rows_[stream.topic].topic());
  if (const StreamExtra* extra = streams_.extra(stream); extra != nullptr) {
    for (const Subscription& subscription : extra->subscriptions) {
      names.push_back(rows_[subscription.row].topic());
    }
  }
  return names;
}

void TopicIndex::insert_bucket(TopicEntryIndex row) {
  if (rows_.rented() * 2 > buckets_.size()) grow_buckets();
  std::size_t at = bucket_of(rows_[row].hash);
  while (buckets_[at] != kNone) {
    if (buckets_[at] == row) return;  // grow_buckets() has put it there.
    at = bucket_of(at + 1);
  }
  buckets_[at] = row;
}

void TopicIndex::grow_buckets() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (std::size_t row = 0; row < rows_.end(); ++row) {
    if (!rows_.is_rented(row)) continue;
    std::size_t at = bucket_of(rows_[row].hash);
    while (buckets_[at] != kNone) at = bucket_of(at + 1);
    buckets_[at] = static_cast<TopicEntryIndex>(row);
  }
}

void TopicIndex::erase_bucket(TopicEntryIndex row) {
  std::size_t hole = bucket_of(rows_[row].hash);
  while (buckets_[hole] != row) hole = bucket_of(hole + 1);
  // Close the hole: move back every later entry of the run that may stand there (Knuth 6.4,
  // algorithm R).
  for (std::size_t at = bucket_of(hole + 1); buckets_[at] != kNone; at = bucket_of(at + 1)) {
    const std::size_t home = bucket_of(rows_[buckets_[at]].hash);
    if (bucket_of(at - home) >= bucket_of(at - hole)) {
      buckets_[hole] = buckets_[at];
      hole = at;
    }
  }
  buckets_[hole] = kNone;
}

bool TopicIndex::consistent() const {
  for (TopicEntryIndex index = 0; index < rows_.end(); ++index) {
    if (!rows_.is_rented(index)) continue;
    const TopicEntry& row = rows_[index];
    const auto singles = row.single_streams();
    for (std::uint32_t position = 0; position < singles.size(); ++position) {
      const Stream& stream = streams_[singles[position]];
      if (stream.topic != index || stream.topic_position != position) return false;
    }
    for (std::uint32_t position = 0; position < row.multi_size(); ++position) {
      const MultiMember& member = (*row.multis)[position];
      const StreamExtra* extra = streams_.extra(streams_[member.stream]);
      if (extra == nullptr || extra->subscriptions[member.ordinal].row != index) return false;
      if (extra->subscriptions[member.ordinal].position != position) return false;
    }
  }
  return true;
}

}  // namespace crier::broadcast
