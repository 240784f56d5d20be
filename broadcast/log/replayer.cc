#include "broadcast/log/replayer.h"

#include <algorithm>
#include <limits>

#include "core/check.h"
#include "core/topic.h"

namespace crier::broadcast {
namespace {

// Adds a frame. Returns false if the answer is now full.
bool give(const ReplayRequest& request, const FrameRef& frame, std::size_t& bytes,
          ReplayAnswer& answer) {
  answer.frames.push_back(frame);
  bytes += frame->wire(Framing::chunked).size();
  return bytes < request.bytes_max &&
         answer.frames.size() < std::min<std::size_t>(request.frames_max, kScanEntriesMax);
}

bool is_untold(const Evicted& evicted, std::uint64_t after, std::uint64_t told) {
  return evicted.through > after && evicted.number > told;
}

// Returns the position after the gap; the retained events follow it. The first frame counts, too,
// because one topic's loss may be younger than an event that another topic retains.
std::uint64_t resumed_at(const ReplayAnswer& answer, std::uint64_t evicted_through) {
  if (!answer.frames.empty()) {
    return std::min(evicted_through, answer.frames.front()->sequence() - 1);
  }
  return evicted_through == 0 ? answer.through : std::min(evicted_through, answer.through);
}

}  // namespace

ReplayAnswer Replayer::answer(const ReplayRequest& request, std::uint64_t head) {
  const std::uint64_t after =
      request.from == ReplayFrom::sequence ? std::min(request.after, head) : 0;
  resolve(request, after);
  work_ = 0;
  ReplayAnswer answer;
  answer.stream = request.stream;
  answer.generation = request.generation;
  answer.evictions_told = history_.evicted().number;

  cursors_.clear();
  if (request.from == ReplayFrom::last) {
    cursors_at_last(newest_only_ ? std::min(request.last_count, 1U) : request.last_count, head);
    merge(request, head, answer);
    if (literals_.size() + patterns_.size() > 1) answer.last = starts(head);
  } else if (patterns_.empty()) {
    cursors_after();
    merge(request, head, answer);
  } else {
    scan(request, after, head, answer);
  }
  answer.reached_head = answer.through == head;
  CRIER_CHECK(answer.through >= after);

  switch (request.from) {
    case ReplayFrom::sequence:
      answer.position = after;
      if (const Loss lost = find_loss(request.evictions_told); lost.evicted.through > 0) {
        answer.gap = Gap{request.connected ? GapReason::overflow : GapReason::evicted, lost.missed,
                         resumed_at(answer, lost.evicted.through)};
      }
      break;
    case ReplayFrom::restarted:
      answer.gap =
          Gap{GapReason::restarted, std::nullopt, resumed_at(answer, find_loss(0).evicted.through)};
      break;
    case ReplayFrom::earliest:
    case ReplayFrom::last:
      answer.position =
          answer.frames.empty() ? answer.through : answer.frames.front()->sequence() - 1;
      break;
  }
  answer.work =
      work_ + literals_.size() * kTopicsPerLiteral + answer.frames.size() * kTopicsPerFrame;
  return answer;
}

void Replayer::resolve(const ReplayRequest& request, std::uint64_t after) {
  literals_.clear();
  patterns_.clear();
  newest_only_ = request.newest_only;
  patterns_after_ = request.last ? std::max(after, request.last->head) : after;
  for (const Selector& subscription : request.subscriptions) {
    if (subscription.is_pattern()) {
      patterns_.push_back(subscription.text);
    } else {
      const std::uint64_t hash = keyed_hash(topic_key_, subscription.text);
      const std::uint64_t start = request.last ? request.last->after.at(literals_.size()) : 0;
      literals_.push_back({hash, topics_.find(hash, subscription.text), std::max(after, start),
                           closed_.find(hash), subscription.text});
    }
  }
}

std::shared_ptr<const LastStarts> Replayer::starts(std::uint64_t head) const {
  auto starts = std::make_shared<LastStarts>();
  starts->head = head;
  for (const Literal& literal : literals_) starts->after.push_back(literal.after);
  return starts;
}

// Returns the newest loss of a topic. A closing event that is made again is not lost, but an event
// after it may be, if a journal was damaged.
Evicted Replayer::loss_of(const Literal& literal) const {
  Evicted evicted = literal.row ? topics_[*literal.row].evicted : forgotten_.find(literal.hash);
  const bool made = literal.lost_closing(topics_);
  if (!made || evicted.through > literal.closing.sequence) return evicted;
  evicted.through = newest_only_ ? 0 : literal.closing.before;
  return evicted;
}

Replayer::Loss Replayer::find_loss(std::uint64_t told) {
  Loss loss;
  for (const Literal& literal : literals_) {
    const Topic* topic = literal.row ? &topics_[*literal.row] : nullptr;
    const Evicted evicted = loss_of(literal);
    if (!is_untold(evicted, literal.after, told)) continue;
    if (topic != nullptr && superseded(*topic)) continue;
    loss.evicted.raise_to(evicted);
    // The count is exact if every event that is gone came after `after` and none was told before.
    // If only the newest event is wanted, that one is lost.
    const bool exact =
        topic != nullptr && evicted.through > history_.hole() &&
        (newest_only_ || (topic->complete && literal.after < topic->first_sequence && told == 0));
    if (!exact) {
      loss.missed.reset();
    } else if (loss.missed) {
      const bool makes_closing = literal.lost_closing(topics_);
      *loss.missed += newest_only_ ? 1 : topic->published - topic->events - (makes_closing ? 1 : 0);
    }
  }
  if (patterns_.empty()) return loss;
  if (const Evicted evicted = find_pattern_loss(told); evicted.through > 0) {
    loss.evicted.raise_to(evicted);
    loss.missed.reset();
  }
  return loss;
}

// Returns the newest loss of the topics that a pattern matches, and of all forgotten topics. If
// there are too many topics to ask, returns the newest loss of any topic: a false gap is allowed,
// silence is not.
Evicted Replayer::find_pattern_loss(std::uint64_t told) {
  const std::uint64_t after = patterns_after_;
  Evicted highest;
  if (is_untold(forgotten_.highest(), after, told)) highest = forgotten_.highest();
  if (!is_untold(history_.evicted(), after, told)) return highest;
  if (topics_.end() > kScanTopicsMax) return history_.evicted();
  std::size_t matches = 0;
  for (TopicRow row = 0; row < topics_.end(); ++row) {
    ++work_;
    if (!topics_.listed(row)) continue;
    const Topic& topic = topics_[row];
    if (!is_untold(topic.evicted, std::max(after, highest.through), told)) continue;
    if (superseded(topic)) continue;
    matches += patterns_.size();
    work_ += patterns_.size() * kTopicsPerMatch;
    if (matches > kScanMatchesMax) return history_.evicted();
    if (matches_any_pattern(topic.name())) highest.raise_to(topic.evicted);
  }
  return highest;
}

bool Replayer::matches_any_pattern(std::string_view topic) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](std::string_view pattern) { return matches(pattern, topic); });
}

void Replayer::add_cursor(History::Position from, TopicRow row) {
  cursors_.push_back({history_.at(from).sequence, from, topics_[row].newest});
}

// Makes the closing event that the history has lost, if it is wanted.
void Replayer::add_made_closing(const Literal& literal) {
  const std::uint64_t sequence = literal.closing.sequence;
  if (!literal.lost_closing(topics_) || sequence <= literal.after) return;
  const std::string data = closed_data(literal.name);
  const Event event{.topic = literal.name, .data = data, .name = kClosedName};
  cursors_.push_back({.sequence = sequence,
                      .at = history_.end(),
                      .made = encoder_.encode(event, sequence, Instant{})});
}

void Replayer::cursors_after() {
  for (const Literal& literal : literals_) {
    add_made_closing(literal);
    if (!literal.row || topics_[*literal.row].events == 0) continue;
    const Topic& topic = topics_[*literal.row];
    if (history_.at(topic.newest).sequence <= literal.after) continue;
    const auto wanted = [&](std::uint64_t, std::uint64_t sequence) {
      return sequence > literal.after;
    };
    add_cursor(newest_only_ ? topic.newest : history_.oldest_wanted(topic, wanted), *literal.row);
  }
}

// A closing event is not one of the last `count`: it comes in addition.
void Replayer::cursors_at_last(std::uint32_t count, std::uint64_t head) {
  for (Literal& literal : literals_) {
    const std::uint32_t most = literal.closing ? count + 1 : count;
    if (literal.lost_closing(topics_)) {
      add_made_closing(literal);
    } else if (most == 0 || !literal.row || topics_[*literal.row].events == 0) {
      literal.after = head;
      continue;
    } else {
      const Topic& topic = topics_[*literal.row];
      const auto wanted = [&](std::uint64_t number, std::uint64_t) {
        return number + most > topic.published;
      };
      add_cursor(history_.oldest_wanted(topic, wanted), *literal.row);
    }
    literal.after = cursors_.back().sequence - 1;
  }
}

// The cursors are a heap whose top is the lowest sequence.
void Replayer::merge(const ReplayRequest& request, std::uint64_t head, ReplayAnswer& answer) {
  std::size_t bytes = 0;
  bool room = true;
  std::ranges::make_heap(cursors_, std::ranges::greater(), &Cursor::sequence);
  while (room && !cursors_.empty()) {
    std::ranges::pop_heap(cursors_, std::ranges::greater(), &Cursor::sequence);
    Cursor& next = cursors_.back();
    const bool made = next.at == history_.end();
    const FrameRef& frame = made ? next.made : history_.at(next.at).frame;
    CRIER_CHECK(frame);
    room = give(request, frame, bytes, answer);
    answer.through = next.sequence;
    if (made || next.at == next.last) {
      cursors_.pop_back();
    } else {
      next.at = history_.at(next.at).next;
      next.sequence = history_.at(next.at).sequence;
      std::ranges::push_heap(cursors_, std::ranges::greater(), &Cursor::sequence);
    }
  }
  if (cursors_.empty()) answer.through = head;
}

void Replayer::scan(const ReplayRequest& request, std::uint64_t after, std::uint64_t head,
                    ReplayAnswer& answer) {
  begin_verdicts();
  std::size_t entries = 0;
  std::size_t matches = 0;
  std::size_t bytes = 0;
  bool room = true;
  answer.through = after;
  for (const Literal& literal : literals_) add_made_closing(literal);
  std::ranges::sort(cursors_, std::ranges::greater(), &Cursor::sequence);
  const auto give_made = [&](std::uint64_t before) {
    for (; room && !cursors_.empty() && cursors_.back().sequence < before; cursors_.pop_back()) {
      room = give(request, cursors_.back().made, bytes, answer);
      answer.through = cursors_.back().sequence;
    }
  };
  History::Position at = history_.first_after(after);
  for (; at != history_.end() && room; at = history_.after(at)) {
    const History::Entry& entry = history_.at(at);
    give_made(entry.sequence);
    if (!room) break;
    const bool passed_over = newest_only_ && topics_[entry.topic].newest != at;
    if (!passed_over && wanted(entry, matches)) room = give(request, entry.frame, bytes, answer);
    answer.through = entry.sequence;
    if (++entries >= kScanEntriesMax || matches >= kScanMatchesMax) room = false;
  }
  if (at == history_.end()) {
    give_made(std::numeric_limits<std::uint64_t>::max());
    if (cursors_.empty()) answer.through = head;
  }
  work_ += matches * kTopicsPerMatch;
}

void Replayer::begin_verdicts() {
  if (verdict_base_ > std::numeric_limits<std::uint32_t>::max() - 4) {
    verdicts_.clear();
    verdict_base_ = 0;
  }
  verdict_base_ += 2;
  if (verdicts_.size() < topics_.end()) verdicts_.resize(topics_.end(), 0);
  for (const Literal& literal : literals_) {
    if (literal.row) verdicts_[*literal.row] = verdict_base_ + 1;
  }
}

bool Replayer::wanted(const History::Entry& entry, std::size_t& matches) {
  const TopicRow row = entry.topic;
  std::uint32_t& verdict = verdicts_[row];
  // ReplayFrom::last: up to here, patterns want nothing and each literal topic has its own
  // beginning.
  if (entry.sequence <= patterns_after_) {
    matches += literals_.size();
    return std::ranges::any_of(literals_, [&](const Literal& literal) {
      return literal.row == row && entry.sequence > literal.after;
    });
  }
  if (verdict < verdict_base_) {
    matches += patterns_.size();
    verdict = matches_any_pattern(topics_[row].name()) ? verdict_base_ + 1 : verdict_base_;
  }
  return verdict > verdict_base_;
}

}  // namespace crier::broadcast
