#include "broadcast/streams/topic_index.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr std::uint32_t kMembersAtFirst = 4;

void resize(TopicEntry& row, std::uint32_t capacity) {
  auto* list = new StreamIndex[capacity];
  std::ranges::copy(row.streams(), list);
  if (row.capacity > 0) delete[] row.members.many;
  row.members.many = list;
  row.capacity = capacity;
}

void add_member(TopicEntry& row, StreamIndex stream) {
  if (row.size == 0 && row.capacity == 0) {
    row.members.one = stream;
    row.size = 1;
    return;
  }
  if (row.size >= std::max(row.capacity, 1U)) resize(row, std::max(kMembersAtFirst, row.size * 2));
  row.members.many[row.size++] = stream;
}

// Removes the entry at `position` and puts the last one there; returns it. Shrinks the list when
// most streams have left.
StreamIndex remove_member(TopicEntry& row, std::uint32_t position) {
  CRIER_CHECK(position < row.size);
  StreamIndex* list = row.capacity == 0 ? &row.members.one : row.members.many;
  const StreamIndex moved = list[--row.size];
  list[position] = moved;
  if (row.capacity > kMembersAtFirst && row.size <= row.capacity / 4) {
    resize(row, row.capacity / 2);
  }
  return moved;
}

void release(TopicEntry& row) {
  delete[] row.name;
  if (row.capacity > 0) delete[] row.members.many;
  row = TopicEntry{};
}

}  // namespace

TopicIndex::TopicIndex(StreamTable& streams, const HashKey& topic_key, std::size_t rows_max,
                       std::size_t patterns_max, TopicCap cap)
    : streams_(streams),
      topic_key_(topic_key),
      rows_(rows_max),
      patterns_max_(patterns_max),
      cap_(cap),
      counted_in_(cap.counts == nullptr ? 0 : rows_max) {}

TopicIndex::~TopicIndex() {
  for (std::size_t row = 0; row < rows_.end(); ++row) {
    if (rows_.is_rented(row)) release(rows_[row]);
  }
}

std::optional<TopicEntryIndex> TopicIndex::find(std::string_view topic) const {
  return find(keyed_hash(topic_key_, topic), topic);
}

std::optional<TopicEntryIndex> TopicIndex::find_row(std::uint64_t hash, std::string_view text,
                                                    bool matched) const {
  return index_.find(hash, [&](TopicEntryIndex index) {
    const TopicEntry& row = rows_[index];
    return row.hash == hash && row.matched == matched && row.text() == text;
  });
}

std::uint32_t TopicIndex::subscribers(std::string_view text) const {
  const std::uint64_t hash = keyed_hash(topic_key_, text);
  std::uint32_t streams = 0;
  for (const bool matched : {false, true}) {
    if (const auto row = find_row(hash, text, matched)) streams += rows_[*row].size;
  }
  return streams;
}

std::expected<TopicEntryIndex, IndexFull> TopicIndex::find_or_add(const Selector& selector,
                                                                  bool matched) {
  const std::string_view text = selector.text;
  CRIER_CHECK(text.size() <= kTopicBytesMax);
  const std::uint64_t hash = keyed_hash(topic_key_, text);
  if (const auto found = find_row(hash, text, matched)) return *found;
  if (selector.is_pattern() && wildcards_ >= patterns_max_) {
    return std::unexpected(IndexFull::patterns);
  }
  const auto index = rows_.rent();
  if (!index) return std::unexpected(IndexFull::topics);
  TopicEntry& row = rows_[*index];
  row = TopicEntry{};
  row.hash = hash;
  row.name = new char[text.size()];
  std::memcpy(row.name, text.data(), text.size());
  row.name_size = static_cast<std::uint8_t>(text.size());
  row.work = kNone;
  row.kind = selector.kind;
  row.matched = matched;
  if (selector.is_pattern()) ++wildcards_;
  if (matched) patterns_.add(text, *index);
  index_.insert(hash, *index);
  return *index;
}

void TopicIndex::drop_if_unused(TopicEntryIndex index) {
  TopicEntry& row = rows_[index];
  if (row.size > 0) return;
  if (row.kind == Selector::Kind::pattern) --wildcards_;
  if (row.matched) patterns_.remove(row.text());
  index_.erase(row.hash, index);
  release(row);
  rows_.give_back(index);
}

// Counts one more stream of each topic in joining_. Returns false, and counts none, if one of the
// topics has as many streams as it may have.
bool TopicIndex::count_joining() {
  for (std::size_t i = 0; i < joining_.size(); ++i) {
    if (count(joining_[i].row)) continue;
    while (i > 0) uncount(joining_[--i].row);
    return false;
  }
  return true;
}

// Every stream that is listed in a row is counted, so a row with streams needs no lock.
bool TopicIndex::count(TopicEntryIndex index) {
  if (!counted(index)) return true;
  const TopicEntry& row = rows_[index];
  if (row.size > 0) return cap_.counts->enter_again(counted_in_[index], cap_.streams_max);
  const auto entered = cap_.counts->enter(row.text(), cap_.streams_max);
  if (entered) counted_in_[index] = *entered;
  return entered.has_value();
}

void TopicIndex::uncount(TopicEntryIndex index) {
  if (counted(index)) cap_.counts->leave(counted_in_[index]);
}

std::expected<void, IndexFull> TopicIndex::join(StreamIndex index,
                                                std::span<const Selector> subscriptions) {
  CRIER_CHECK(!subscriptions.empty());
  const bool matched = std::ranges::any_of(subscriptions, &Selector::is_pattern);
  joining_.clear();
  const auto refuse = [this](IndexFull why) {
    for (const Subscription& made : joining_) drop_if_unused(made.row);
    return std::unexpected(why);
  };
  for (const Selector& selector : subscriptions) {
    const auto row = find_or_add(selector, matched);
    if (!row) return refuse(row.error());
    joining_.push_back({*row, rows_[*row].size});
  }
  if (!count_joining()) return refuse(IndexFull::streams);
  for (const Subscription& subscription : joining_) add_member(rows_[subscription.row], index);
  streams_.set_subscriptions(streams_[index], joining_);
  return {};
}

void TopicIndex::leave(StreamIndex index) {
  Stream& stream = streams_[index];
  streams_.for_each_subscription(stream, [&](const Subscription& subscription) {
    CRIER_CHECK(rows_[subscription.row].streams()[subscription.position] == index);
    const StreamIndex moved = remove_member(rows_[subscription.row], subscription.position);
    if (moved != index) streams_.move(streams_[moved], subscription);
    uncount(subscription.row);
    drop_if_unused(subscription.row);
  });
  streams_.drop_subscriptions(stream);
}

std::vector<Selector> TopicIndex::subscriptions(const Stream& stream) const {
  std::vector<Selector> selectors;
  streams_.for_each_subscription(stream, [&](const Subscription& subscription) {
    const TopicEntry& row = rows_[subscription.row];
    selectors.push_back({row.kind, std::string(row.text())});
  });
  return selectors;
}

bool TopicIndex::consistent() const {
  for (TopicEntryIndex index = 0; index < rows_.end(); ++index) {
    if (!rows_.is_rented(index)) continue;
    const auto streams = rows_[index].streams();
    if (streams.empty()) return false;
    // Streams of other workers are counted in the same place.
    if (counted(index) && cap_.counts->count(counted_in_[index]) < streams.size()) return false;
    for (std::uint32_t position = 0; position < streams.size(); ++position) {
      bool points_back = false;
      streams_.for_each_subscription(streams_[streams[position]], [&](const Subscription& one) {
        points_back = points_back || (one.row == index && one.position == position);
      });
      if (!points_back) return false;
    }
  }
  return true;
}

}  // namespace crier::broadcast
