#include "cmd/daemon/worker/stream_debug.h"

#include <algorithm>
#include <utility>

#include "core/topic.h"
#include "net/socket/peer_address.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kKnownMax = 4'096;

std::string_view message_of(broadcast::StreamStep step) {
  switch (step) {
    case broadcast::StreamStep::fell_behind:
      return "stream fell behind";
    case broadcast::StreamStep::asks_history:
      return "stream continues from the history";
    case broadcast::StreamStep::caught_up:
      break;
  }
  return "stream caught up";
}

}  // namespace

void StreamDebug::set_rules(const DebugRules& rules) {
  std::vector<Running> running;
  for (const DebugRule& rule : *rules) {
    const auto before =
        std::ranges::find(rules_, rule.id, [](const Running& r) { return r.rule.id; });
    running.push_back(before == rules_.end() ? Running{rule} : *before);
    if (before != rules_.end()) before->lines.told();  // The kept rule has its count now.
  }
  for (Running& ended : rules_) tell_left_out(ended);
  rules_ = std::move(running);
  if (rules_.empty()) known_ = {};
  if (rules_.empty()) {
    parts_.broadcaster.unwatch(*this);
  } else {
    parts_.broadcaster.watch(*this);
  }
}

void StreamDebug::tick(Instant now) {
  if (rules_.empty() || !second_.over(now)) return;
  for (Running& running : rules_) {
    tell_left_out(running);
    running.lines.begin();
  }
}

void StreamDebug::tell_left_out(Running& running) {
  const std::uint64_t lines = running.lines.left_out();
  if (lines == 0) return;
  DebugNote note{running.rule.id, "lines about single streams not logged", {{"lines", lines}}};
  if (parts_.send(std::move(note))) running.lines.told();
}

const std::optional<net::PeerAddress>& StreamDebug::address_of(Subject& subject) {
  if (subject.address) return *subject.address;
  const auto known = known_.find(subject.token.index);
  if (known != known_.end() && known->second.generation == subject.token.generation) {
    subject.address.emplace(known->second.address);
  } else {
    subject.address.emplace(parts_.names.client(subject.stream));
  }
  return *subject.address;
}

// Whether the stream may get an event that the rule names.
bool StreamDebug::concerns(const DebugRule& rule, const broadcast::Stream& stream) const {
  return std::ranges::any_of(
      parts_.broadcaster.topics().subscriptions(stream),
      [&](const Selector& subscription) { return overlap(rule.topic, subscription.text); });
}

StreamDebug::Running* StreamDebug::rule_of(Subject& subject, const Frame* event) {
  for (Running& running : rules_) {
    const DebugRule& rule = running.rule;
    if (!rule.topic.empty()) {
      const bool concerned =
          event != nullptr ? matches(rule.topic, event->topic()) : concerns(rule, subject.stream);
      if (!concerned) continue;
    }
    if (rule.addresses) {
      const auto& address = address_of(subject);
      if (!address || !rule.addresses->contains(*address)) continue;
      if (known_.size() < kKnownMax) {
        known_.insert_or_assign(subject.token.index, Known{subject.token.generation, *address});
      }
    }
    return &running;
  }
  return nullptr;
}

StreamDebug::Running* StreamDebug::rule_with_room(Subject& subject, const Frame* event) {
  Running* const running = rule_of(subject, event);
  const bool room = running != nullptr && running->lines.take(parts_.lines_per_second);
  return room ? running : nullptr;
}

void StreamDebug::write(Running& running, std::string_view message, Subject& subject,
                        DebugNote::Fields more) {
  const auto& address = address_of(subject);
  DebugNote note{running.rule.id,
                 message,
                 {{"session_id", parts_.names.session_id(subject.token)},
                  {"trace_id", parts_.names.trace_id(subject.token, subject.stream)}}};
  if (address) note.fields.emplace_back("address", net::to_string(*address));
  std::ranges::move(more, std::back_inserter(note.fields));
  if (!parts_.send(std::move(note))) running.lines.leave_out();
}

void StreamDebug::on_opened(broadcast::StreamToken token, const broadcast::Stream& stream,
                            bool resumed) {
  Subject subject{token, stream};
  Running* running = rule_with_room(subject, nullptr);
  if (running == nullptr) return;
  write(*running, "stream opened", subject,
        {{"topics", parts_.names.topics(stream)}, {"resumed", resumed}});
}

void StreamDebug::on_ended(broadcast::StreamToken token, const broadcast::Stream& stream,
                           broadcast::EndReason reason, Instant now) {
  Subject subject{token, stream};
  if (Running* running = rule_with_room(subject, nullptr); running != nullptr) {
    const std::uint64_t ticks = ticks_between(stream.opened_at, now.tick());
    write(*running, "stream ended", subject,
          {{"topics", parts_.names.topics(stream)},
           {"reason", std::string(to_string(reason))},
           {"duration_ms", ticks * kTickMicros / 1'000},
           {"events", std::uint64_t{stream.events_sent}},
           {"wire_size_bytes", stream.bytes_sent}});
  }
  known_.erase(token.index);
}

void StreamDebug::on_delivered(broadcast::StreamToken token, const broadcast::Stream& stream,
                               Frames frames) {
  Subject subject{token, stream};
  auto chunk_seq = stream.events_sent - static_cast<std::uint32_t>(frames.size());  // May wrap.
  for (const Frame* frame : frames) {
    ++chunk_seq;
    Running* running = rule_with_room(subject, frame);
    if (running == nullptr) continue;
    write(*running, "event delivered", subject,
          {{"topic", std::string(frame->topic())},
           {"event_id", to_string(EventId{parts_.epoch, frame->sequence()})},
           {"chunk_seq", std::uint64_t{chunk_seq}},
           {"wire_size_bytes", std::uint64_t{frame->wire(stream.framing()).size()}}});
  }
}

void StreamDebug::on_step(broadcast::StreamToken token, const broadcast::Stream& stream,
                          broadcast::StreamStep step) {
  Subject subject{token, stream};
  Running* running = rule_with_room(subject, nullptr);
  if (running == nullptr) return;
  write(*running, message_of(step), subject, {{"chunk_seq", std::uint64_t{stream.events_sent}}});
}

void StreamDebug::on_gap(broadcast::StreamToken token, const broadcast::Stream& stream,
                         const broadcast::Gap& gap) {
  Subject subject{token, stream};
  Running* running = rule_with_room(subject, nullptr);
  if (running == nullptr) return;
  DebugNote::Fields more = {{"reason", std::string(to_string(gap.reason))},
                            {"resumed_at", to_string(EventId{parts_.epoch, gap.resumed_at})}};
  if (gap.missed) more.emplace_back("missed", *gap.missed);
  write(*running, "stream lost events", subject, std::move(more));
}

}  // namespace crier::cmd
