#include "broadcast/log/topic_table.h"

#include <cstring>

#include "core/check.h"

namespace crier::broadcast {

TopicTable::TopicTable(std::size_t topics_max) : rows_(topics_max) {}

TopicTable::~TopicTable() {
  for (std::size_t row = 0; row < rows_.end(); ++row) {
    if (rows_.is_rented(row)) delete[] rows_[row].name_bytes;
  }
}

std::optional<TopicRow> TopicTable::find(std::uint64_t hash, std::string_view name) const {
  return index_.find(
      hash, [&](TopicRow row) { return rows_[row].hash == hash && rows_[row].name() == name; });
}

TopicRow TopicTable::add(std::uint64_t hash, std::string_view name) {
  CRIER_CHECK(!name.empty());
  CRIER_CHECK(name.size() <= 255);
  const auto row = rows_.rent();
  CRIER_CHECK(row.has_value());
  // A std::string would take 32 bytes before its first letter.
  char* bytes = new char[name.size()];
  std::memcpy(bytes, name.data(), name.size());
  Topic& topic = rows_[*row];
  topic = Topic{};
  topic.name_bytes = bytes;
  topic.name_size = static_cast<std::uint8_t>(name.size());
  topic.hash = hash;
  index_.insert(hash, *row);
  append(empty_, *row);
  return *row;
}

void TopicTable::remove(TopicRow row) {
  Topic& topic = rows_[row];
  CRIER_CHECK(rows_.is_rented(row));
  CRIER_CHECK(topic.events == 0);
  unlink(row);
  index_.erase(topic.hash, row);
  delete[] topic.name_bytes;
  topic = Topic{};
  rows_.give_back(row);
}

void TopicTable::published_to(TopicRow row) {
  CRIER_CHECK(rows_[row].events > 0);
  if (with_history_.last == row) return;
  unlink(row);
  append(with_history_, row);
}

void TopicTable::became_empty(TopicRow row) {
  CRIER_CHECK(rows_[row].events == 0);
  unlink(row);
  append(empty_, row);
}

bool TopicTable::lists_complete() const {
  std::size_t listed = 0;
  for (const List* list : {&with_history_, &empty_}) {
    TopicRow older = List::kNone;
    for (TopicRow row = list->first; row != List::kNone; row = rows_[row].newer) {
      const bool belongs = (rows_[row].events > 0) == (list == &with_history_);
      if (!belongs || rows_[row].older != older || ++listed > rows_.rented()) return false;
      older = row;
    }
    if (list->last != older) return false;
  }
  return listed == rows_.rented();
}

void TopicTable::append(List& list, TopicRow row) {
  Topic& topic = rows_[row];
  topic.older = list.last;
  topic.newer = List::kNone;
  (list.last == List::kNone ? list.first : rows_[list.last].newer) = row;
  list.last = row;
}

void TopicTable::unlink(TopicRow row) {
  const Topic& topic = rows_[row];
  for (List* list : {&with_history_, &empty_}) {
    if (list->first == row) list->first = topic.newer;
    if (list->last == row) list->last = topic.older;
  }
  if (topic.older != List::kNone) rows_[topic.older].newer = topic.newer;
  if (topic.newer != List::kNone) rows_[topic.newer].older = topic.older;
}

}  // namespace crier::broadcast
