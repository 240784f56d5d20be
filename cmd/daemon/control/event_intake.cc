#include "cmd/daemon/control/event_intake.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/probe.h"

namespace crier::cmd {
namespace {

using broadcast::Appended;
using broadcast::Fingerprint;
using broadcast::FirstAnswer;
using broadcast::JournalFailure;
using broadcast::KeyLookup;
using broadcast::KeyStatus;
using broadcast::KeyUse;
using broadcast::PublishEvent;

constexpr std::size_t kRowsKept = 256;  // The capacity that buffers keep for the next request.
// A request may exceed it if no other key is in flight.
constexpr std::size_t kKeysInFlightMax = 65'536;

bool has_key(const PublishEvent& event) {
  return !event.key.empty();
}

IntakeOutcome no_sequence_yet(std::span<const PublishEvent> events) {
  return {.answer = {~std::uint64_t{0}, 0, static_cast<std::uint32_t>(events.size())}};
}

template <typename T>
void clear(std::vector<T>& rows) {
  rows.clear();
  if (rows.capacity() > kRowsKept) rows.shrink_to_fit();
}

}  // namespace

// --- submissions ---

std::optional<IntakeOutcome> EventIntake::submit(std::uint32_t uid,
                                                 std::span<const PublishEvent> events,
                                                 Instant now) {
  clear(resolved_);
  clear(uses_);
  if (std::ranges::any_of(events, has_key)) {
    const std::size_t line = resolve(uid, events, now);
    if (line != 0) return IntakeOutcome{.conflict_line = line};
  }
  return send(events, now);
}

std::optional<IntakeOutcome> EventIntake::submit_whole(std::uint32_t uid, std::string_view key,
                                                       std::string_view body,
                                                       std::span<const PublishEvent> events,
                                                       Instant now) {
  CRIER_CHECK(std::ranges::none_of(events, has_key));
  clear(resolved_);
  clear(uses_);
  // This fingerprint has one part and an event's has three, so the two never match each other.
  const KeyUse use{parts_.keys.scoped(uid, key), parts_.keys.fingerprint({body}), 0,
                   static_cast<std::uint32_t>(events.size())};
  const KeyLookup known = parts_.keys.find(use.key, use.content, now);
  if (known.status == KeyStatus::different) return IntakeOutcome{.conflict_line = 1};
  if (known.status == KeyStatus::same) return IntakeOutcome{.answer = known.answer};
  if (const auto first = in_flight_.find(use.key); first != in_flight_.end()) {
    if (first->second.content != use.content) return IntakeOutcome{.conflict_line = 1};
    // The answer for the key is the answer for all events.
    resolved_.push_back({.in_flight = &first->second});
    wait(no_sequence_yet(events), {}, now);
    return std::nullopt;
  }
  uses_.push_back(use);
  return send(events, now);
}

void EventIntake::then(Done done) {
  CRIER_CHECK(last_ != nullptr);
  std::exchange(last_, nullptr)->done = std::move(done);
}

// Returns the line of the first conflict, or 0.
std::size_t EventIntake::resolve(std::uint32_t uid, std::span<const PublishEvent> events,
                                 Instant now) {
  std::unordered_map<std::string_view, std::size_t> first_with_key;
  resolved_.resize(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    Resolved& resolved = resolved_[i];
    resolved.same_as = i;
    if (!has_key(events[i])) continue;
    const broadcast::Event& event = events[i].event;
    resolved.content = parts_.keys.fingerprint({event.topic, event.name, event.data});
    const auto [first, is_first] = first_with_key.try_emplace(events[i].key, i);
    if (!is_first) {
      resolved.same_as = first->second;
      if (resolved_[resolved.same_as].content != resolved.content) return events[i].line;
      continue;
    }
    resolved.key = parts_.keys.scoped(uid, events[i].key);
    const KeyLookup known = parts_.keys.find(resolved.key, resolved.content, now);
    if (known.status == KeyStatus::different) return events[i].line;
    if (known.status == KeyStatus::same) resolved.sequence = known.answer.first_sequence;
    if (const auto flying = in_flight_.find(resolved.key); flying != in_flight_.end()) {
      if (flying->second.content != resolved.content) return events[i].line;
      resolved.in_flight = &flying->second;
    }
  }
  return 0;
}

// Returns the events that were not accepted before, one for each key, and puts their keys in
// `uses_`.
std::span<const PublishEvent> EventIntake::take_new(std::span<const PublishEvent> events,
                                                    IntakeOutcome& outcome) {
  clear(new_);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Resolved& resolved = resolved_[i];
    if (resolved.sequence != 0) add(outcome, resolved.sequence, resolved.sequence);
    if (resolved.sequence != 0 || resolved.in_flight != nullptr || resolved.same_as != i) continue;
    if (has_key(events[i])) {
      uses_.push_back({resolved.key, resolved.content, static_cast<std::uint32_t>(new_.size()), 1});
    }
    new_.push_back(events[i]);
  }
  return new_;
}

// Returns the line of the first event whose topic is closed, or 0.
std::size_t EventIntake::line_of_closed(std::span<const PublishEvent> events) const {
  if (parts_.log.closed_topics().size() == 0) return 0;
  for (const PublishEvent& publish : events) {
    if (parts_.log.closing_of(publish.event.topic)) return publish.line;
  }
  return 0;
}

bool EventIntake::any_is_closing(std::span<const PublishEvent> events) const {
  return !closing_in_journal_.empty() &&
         std::ranges::any_of(events, [this](const PublishEvent& publish) {
           return closing_in_journal_.contains(std::string(publish.event.topic));
         });
}

std::optional<IntakeOutcome> EventIntake::send(std::span<const PublishEvent> events, Instant now) {
  CRIER_CHECK(!events.empty());
  IntakeOutcome outcome = no_sequence_yet(events);
  const auto group = resolved_.empty() ? events : take_new(events, outcome);
  outcome.closed_line = line_of_closed(group);
  if (outcome.closed_line != 0) return outcome;
  if (any_is_closing(group)) {
    outcome.failure = JournalFailure::unavailable;
    return outcome;
  }
  if (!uses_.empty() && !in_flight_.empty() &&
      in_flight_.size() + uses_.size() > kKeysInFlightMax) {
    outcome.failure = JournalFailure::unavailable;
    return outcome;
  }
  bool group_is_open = false;
  if (!group.empty()) {
    outcome.published = static_cast<std::uint32_t>(group.size());
    const std::optional<Appended> appended = parts_.journal.append({group, uses_, now});
    group_is_open = !appended;
    if (appended) conclude(outcome, uses_, *appended, now);
  }
  const bool repeats = std::ranges::any_of(
      resolved_, [](const Resolved& resolved) { return resolved.in_flight != nullptr; });
  if (outcome.failure || (!group_is_open && !repeats)) return outcome;
  wait(outcome, group_is_open ? group : std::span<const PublishEvent>{}, now);
  if (group_is_open && closes_topic(group.back().event)) {
    last_->closes = group.back().event.topic;
    closing_in_journal_.insert(last_->closes);
  }
  return std::nullopt;
}

void EventIntake::wait(const IntakeOutcome& outcome, std::span<const PublishEvent> open_group,
                       Instant now) {
  CRIER_CHECK(last_ == nullptr);
  last_ = std::make_shared<Waiting>(Waiting{.outcome = outcome, .accepted = now});
  for (const Resolved& resolved : resolved_) {
    if (resolved.in_flight == nullptr) continue;
    resolved.in_flight->repeats.push_back(last_);
    ++last_->awaited;
  }
  if (open_group.empty()) return;
  ++last_->awaited;
  for (const PublishEvent& publish : open_group) {
    last_->lines.push_back(has_key(publish) ? publish.line : 0);
  }
  last_->uses = uses_;
  for (const KeyUse& use : uses_) in_flight_.try_emplace(use.key, InFlight{.content = use.content});
  groups_.push_back(last_);
}

// --- answers ---

void EventIntake::on_committed(const broadcast::Event& event, std::uint64_t sequence,
                               Instant accepted) {
  // A line end takes at most seven bytes on the wire, so 1 MiB of data never exceeds a frame's
  // limit.
  const FrameRef frame = parts_.encoder.encode(event, sequence, accepted);
  probe::publish(sequence, frame->topic(), frame->wire(Framing::chunked).size());
  parts_.log.append(frame);
  parts_.outgoing.publish(frame);
}

void EventIntake::on_appended(const Appended& appended) {
  CRIER_CHECK(!groups_.empty());
  CRIER_CHECK(last_ == nullptr);
  const std::shared_ptr<Waiting> waiting = std::move(groups_.front());
  groups_.pop_front();
  closing_in_journal_.erase(waiting->closes);
  conclude(waiting->outcome, waiting->uses, appended, waiting->accepted);
  if (!appended) fail(waiting->outcome, appended.error(), waiting->lines);
  // Keys are freed before the answers leave: an answered publisher may send again at once.
  std::vector<std::shared_ptr<Waiting>> answers{waiting};
  for (const KeyUse& use : waiting->uses) {
    const auto flying = in_flight_.extract(use.key);
    CRIER_CHECK(!flying.empty());
    for (const std::shared_ptr<Waiting>& repeat : flying.mapped().repeats) {
      if (appended) {
        const FirstAnswer answer = use.answer(*appended);
        add(repeat->outcome, answer.first_sequence, answer.last_sequence);
      } else {
        // What is wrong with another event's key is not wrong with this one.
        const std::uint32_t failed = appended.error().taken;
        const bool its_own = use.first <= failed && failed < use.first + use.count;
        repeat->outcome.failure = its_own ? appended.error().why : JournalFailure::unavailable;
      }
      answers.push_back(repeat);
    }
  }
  for (const std::shared_ptr<Waiting>& answer : answers) answered(*answer);
}

void EventIntake::answered(Waiting& waiting) {
  CRIER_CHECK(waiting.awaited > 0);
  if (--waiting.awaited == 0) waiting.done(waiting.outcome);
}

void EventIntake::conclude(IntakeOutcome& outcome, std::span<const KeyUse> uses,
                           const Appended& appended, Instant accepted) {
  if (!appended) {
    outcome.failure = appended.error().why;
    return;
  }
  CRIER_CHECK(appended->size() == outcome.published);
  for (const std::uint64_t sequence : *appended) add(outcome, sequence, sequence);
  for (const KeyUse& use : uses) {
    parts_.keys.remember(use.key, use.content, use.answer(*appended), accepted);
  }
}

void EventIntake::fail(IntakeOutcome& outcome, const broadcast::AppendFailure& failure,
                       std::span<const std::size_t> lines) {
  CRIER_CHECK(failure.taken < lines.size());
  if (failure.why == JournalFailure::key_reused) outcome.conflict_line = lines[failure.taken];
  // Otherwise other events of the request are among those that were taken.
  if (outcome.published == outcome.answer.accepted) outcome.taken = failure.taken;
}

void EventIntake::on_recovered_key(const Fingerprint& key, const Fingerprint& content,
                                   const FirstAnswer& answer, Instant accepted) {
  CRIER_CHECK(groups_.empty());
  parts_.keys.restore(key, content, answer, accepted);
}

void EventIntake::add(IntakeOutcome& outcome, std::uint64_t first, std::uint64_t last) {
  outcome.answer.first_sequence = std::min(outcome.answer.first_sequence, first);
  outcome.answer.last_sequence = std::max(outcome.answer.last_sequence, last);
}

}  // namespace crier::cmd
