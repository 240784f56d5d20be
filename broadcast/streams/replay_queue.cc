#include "broadcast/streams/replay_queue.h"

#include <algorithm>

#include "core/check.h"

namespace crier::broadcast {
namespace {

// How many rows keep their storage when nothing waits and nothing is in flight.
constexpr std::size_t kRowsKept = 256;

}  // namespace

void ReplayQueue::add(StreamToken stream, std::uint64_t address_hash) {
  const Row row = line_of(address_hash);
  const bool joins = lines_[row].first == kNone;
  push_waiting(lines_[row], stream, false);
  if (joins) enter(row, false);
}

std::optional<StreamToken> ReplayQueue::next() {
  const Row row = idle_.first != kNone ? idle_.first : busy_.first;
  if (row == kNone) return std::nullopt;
  leave(row);
  Line& line = lines_[row];
  const StreamToken stream = pop_waiting(line);
  ++line.in_flight;
  in_flight_.push_back({stream, row});
  if (line.first != kNone) enter(row, false);
  return stream;
}

void ReplayQueue::put_back(StreamToken stream) {
  const Row row = take_in_flight(stream);
  Line& line = lines_[row];
  if (line.first != kNone) leave(row);
  --line.in_flight;
  push_waiting(line, stream, true);
  enter(row, true);
}

void ReplayQueue::answered(StreamToken stream) {
  const Row row = take_in_flight(stream);
  Line& line = lines_[row];
  const bool waits = line.first != kNone;
  const bool turns_idle = line.in_flight == 1;
  if (waits && turns_idle) leave(row);
  --line.in_flight;
  if (waits && turns_idle) enter(row, false);
  if (!waits && turns_idle) drop_line(row);
}

std::size_t ReplayQueue::storage_bytes() const {
  return lines_.capacity() * sizeof(Line) + streams_.capacity() * sizeof(Waiting);
}

// Returns the line of the address, and makes one if it has none.
ReplayQueue::Row ReplayQueue::line_of(std::uint64_t address) {
  const auto found =
      by_address_.find(address, [&](Row row) { return lines_[row].address == address; });
  if (found) return *found;
  if (free_line_ == kNone) {
    free_line_ = static_cast<Row>(lines_.size());
    lines_.emplace_back();
  }
  const Row row = free_line_;
  free_line_ = lines_[row].after;
  lines_[row] = Line{.address = address};
  by_address_.insert(address, row);
  return row;
}

// Adds a line to the list of turns where it belongs. Requires: it is in none and has a waiting
// stream.
void ReplayQueue::enter(Row row, bool in_front) {
  Line& line = lines_[row];
  CRIER_CHECK(line.first != kNone);
  Turns& turns = turns_of(line);
  line.before = in_front ? kNone : turns.last;
  line.after = in_front ? turns.first : kNone;
  (line.before == kNone ? turns.first : lines_[line.before].after) = row;
  (line.after == kNone ? turns.last : lines_[line.after].before) = row;
}

void ReplayQueue::leave(Row row) {
  const Line& line = lines_[row];
  Turns& turns = turns_of(line);
  (line.before == kNone ? turns.first : lines_[line.before].after) = line.after;
  (line.after == kNone ? turns.last : lines_[line.after].before) = line.before;
}

void ReplayQueue::push_waiting(Line& line, StreamToken stream, bool in_front) {
  if (free_stream_ == kNone) {
    free_stream_ = static_cast<Row>(streams_.size());
    streams_.emplace_back();
  }
  const Row row = free_stream_;
  free_stream_ = streams_[row].next;
  streams_[row] = {stream, in_front ? line.first : kNone};
  if (line.first == kNone) {
    line.first = line.last = row;
  } else if (in_front) {
    line.first = row;
  } else {
    streams_[line.last].next = row;
    line.last = row;
  }
  ++waiting_;
}

StreamToken ReplayQueue::pop_waiting(Line& line) {
  const Row row = line.first;
  line.first = streams_[row].next;
  if (line.first == kNone) line.last = kNone;
  streams_[row].next = free_stream_;
  free_stream_ = row;
  --waiting_;
  return streams_[row].stream;
}

ReplayQueue::Row ReplayQueue::take_in_flight(StreamToken stream) {
  const auto flight = std::ranges::find(in_flight_, stream, &InFlight::stream);
  CRIER_CHECK(flight != in_flight_.end());
  const Row row = flight->line;
  CRIER_CHECK(lines_[row].in_flight > 0);
  *flight = in_flight_.back();
  in_flight_.pop_back();
  return row;
}

void ReplayQueue::drop_line(Row row) {
  by_address_.erase(lines_[row].address, row);
  lines_[row].after = free_line_;
  free_line_ = row;
  if (by_address_.size() > 0) return;
  CRIER_CHECK(waiting_ == 0);
  CRIER_CHECK(in_flight_.empty());
  if (std::max(lines_.size(), streams_.size()) <= kRowsKept) return;
  lines_ = std::vector<Line>();
  streams_ = std::vector<Waiting>();
  by_address_ = HashIndex();
  free_line_ = free_stream_ = kNone;
}

}  // namespace crier::broadcast
