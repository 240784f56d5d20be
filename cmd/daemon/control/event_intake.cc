#include "cmd/daemon/control/event_intake.h"

#include <algorithm>
#include <unordered_map>

#include "core/check.h"

namespace crier::cmd {
namespace {

using broadcast::KeyLookup;
using broadcast::KeyStatus;
using broadcast::PublishEvent;

constexpr std::size_t kResolvedKept = 256;

bool has_key(const PublishEvent& event) {
  return !event.key.empty();
}

}  // namespace

IntakeOutcome EventIntake::accept(std::uint32_t uid, std::span<const PublishEvent> events,
                                  Instant now) {
  CRIER_CHECK(!events.empty());
  resolved_.clear();
  if (resolved_.capacity() > kResolvedKept) resolved_.shrink_to_fit();
  IntakeOutcome outcome;
  if (std::ranges::any_of(events, has_key)) outcome.conflict_line = resolve(uid, events, now);
  if (outcome.conflict_line != 0) return outcome;

  outcome.answer.first_sequence = ~std::uint64_t{0};
  for (std::size_t i = 0; i < events.size(); ++i) {
    Resolved* const resolved = resolved_.empty() ? nullptr : &resolved_[i];
    std::uint64_t sequence = resolved == nullptr ? 0 : resolved_[resolved->same_as].sequence;
    if (sequence == 0) {
      sequence = publish(events[i].event, now);
      ++outcome.published;
      if (resolved != nullptr) resolved->sequence = sequence;
      if (has_key(events[i])) {
        keys_.remember(uid, events[i].key, resolved->content, {sequence, sequence, 1}, now);
      }
    }
    outcome.answer.first_sequence = std::min(outcome.answer.first_sequence, sequence);
    outcome.answer.last_sequence = std::max(outcome.answer.last_sequence, sequence);
    ++outcome.answer.accepted;
  }
  return outcome;
}

// Returns the line of the first conflict, 0 if there is none.
std::size_t EventIntake::resolve(std::uint32_t uid, std::span<const PublishEvent> events,
                                 Instant now) {
  std::unordered_map<std::string_view, std::size_t> first_with_key;
  resolved_.resize(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    Resolved& resolved = resolved_[i];
    resolved.same_as = i;
    if (!has_key(events[i])) continue;
    const broadcast::Event& event = events[i].event;
    resolved.content = keys_.fingerprint({event.topic, event.name, event.data});
    const auto [first, is_first] = first_with_key.try_emplace(events[i].key, i);
    if (!is_first) {
      resolved.same_as = first->second;
      if (resolved_[resolved.same_as].content != resolved.content) return events[i].line;
      continue;
    }
    const KeyLookup known = keys_.find(uid, events[i].key, resolved.content, now);
    if (known.status == KeyStatus::different) return events[i].line;
    if (known.status == KeyStatus::same) resolved.sequence = known.answer.first_sequence;
  }
  return 0;
}

IntakeOutcome EventIntake::accept_whole(std::uint32_t uid, std::string_view key,
                                        std::string_view body, std::span<const PublishEvent> events,
                                        Instant now) {
  CRIER_CHECK(std::ranges::none_of(events, has_key));
  // One part, where a single event has three: neither is ever taken for the other.
  const broadcast::Fingerprint content = keys_.fingerprint({body});
  const KeyLookup known = keys_.find(uid, key, content, now);
  if (known.status == KeyStatus::different) return {.conflict_line = 1};
  if (known.status == KeyStatus::same) return {.answer = known.answer};
  const IntakeOutcome outcome = accept(uid, events, now);
  keys_.remember(uid, key, content, outcome.answer, now);
  return outcome;
}

std::uint64_t EventIntake::publish(const broadcast::Event& event, Instant now) {
  // A line end takes at most seven bytes on the wire, so 1 MiB of data is far from a frame's limit.
  const FrameRef frame = encoder_.encode(event, log_.head() + 1, now);
  log_.append(frame);
  outgoing_.publish(frame);
  return frame->sequence();
}

}  // namespace crier::cmd
