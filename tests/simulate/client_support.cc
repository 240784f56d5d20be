#include <algorithm>
#include <sstream>

#include "broadcast/streams/own_events.h"
#include "core/text/event_id.h"
#include "core/topic.h"
#include "tests/simulate/client.h"
#include "tests/support/catch.h"

namespace crier::broadcast::simulate {
namespace {

// The text between `before` and the next `end`, or nothing.
std::optional<std::string> between(const std::string& text, const std::string& before,
                                   const std::string& end) {
  const std::size_t from = text.find(before);
  if (from == std::string::npos) return std::nullopt;
  const std::size_t to = text.find(end, from + before.size());
  if (to == std::string::npos) return std::nullopt;
  return text.substr(from + before.size(), to - from - before.size());
}

}  // namespace

void Client::fail(const std::string& problem) const {
  std::ostringstream text;
  text << "client " << facts_.number << " [";
  for (const Selector& subscription : facts_.subscriptions) text << ' ' << subscription.text;
  text << " ] policy " << to_string(facts_.policy) << ", stream " << token_.index << '.'
       << token_.generation << ", at " << position_ << ", head " << record_.head() << ", step "
       << step_ << ": " << problem;
  FAIL(text.str());
  std::abort();
}

bool Client::single() const {
  return facts_.subscriptions.size() == 1 && !facts_.subscriptions[0].is_pattern();
}

std::uint64_t Client::next_sequence() const {
  return std::max(position_, record_.before()) + 1;
}

bool Client::subscribed(const std::string& topic) const {
  return std::ranges::any_of(facts_.subscriptions, [&](const Selector& subscription) {
    return !topic.empty() && matches(subscription.text, topic);
  });
}

bool Client::expected(std::uint64_t sequence) const {
  if (sequence <= optional_through_ && !required_.contains(sequence)) return false;
  return subscribed(record_[sequence].topic);
}

// Whether the client must get this event or be told of its loss.
bool Client::owed(std::uint64_t sequence) const {
  return expected(sequence) && !(conflates() && record_.superseded(sequence));
}

// Whether an earlier gap announced this loss. This can happen on several topics only: one of them
// may have lost events that are younger than the next event of another.
bool Client::announced(std::uint64_t sequence) const {
  if (single()) return false;
  return std::ranges::any_of(
      gaps_, [&](const TakenGap& gap) { return record_.gone_by(sequence, gap.step); });
}

void Client::connect(StreamToken token, ConnectionHandle fd, const ResumePlan& plan,
                     const std::string& head, Instant now, const Log& log) {
  reader_ = std::make_unique<WireReader>(head, facts_.framing);
  token_ = token;
  fd_ = fd;
  kind_ = plan.kind;
  from_ = plan.from;
  asked_id_ = std::string(plan.id);
  head_at_start_ = record_.head();
  opened_at_ = now;
  messages_ = 0;
  events_ = 0;
  data_bytes_ = 0;
  largest_ = 0;
  over_rate_ = false;
  gaps_.clear();
  end_reason_.clear();
  missing_ = missed_ = 0;
  missed_known_ = true;
  optional_through_ = 0;
  required_.clear();
  position_ = kind_ == ResumePlan::Kind::replay && from_ != ReplayFrom::sequence ? 0 : plan.after;
  closed_before_.clear();
  if (kind_ == ResumePlan::Kind::replay || !asked_id_.empty()) return;
  for (const auto& [kind, topic] : facts_.subscriptions) {
    if (kind == Selector::Kind::topic && log.closing_of(topic)) closed_before_.push_back(topic);
  }
}

bool Client::all_closed() const {
  return std::ranges::all_of(facts_.subscriptions, [&](const Selector& selector) {
    return !selector.is_pattern() && record_.closed_by(selector.text, position_);
  });
}

bool Client::all_closed(const Log& log) const {
  return std::ranges::all_of(facts_.subscriptions, [&](const Selector& selector) {
    return !selector.is_pattern() && log.closing_of(selector.text);
  });
}

void Client::break_off() {
  reader_.reset();
  token_ = {};
  fd_ = ConnectionHandle::none;
}

void Client::take(std::string_view bytes, Instant now, std::uint64_t step) {
  now_ = now;
  step_ = step;
  const std::string problem =
      reader_->feed(bytes, [&](const SseMessage& message) { on_message(message); });
  if (!problem.empty()) fail(problem);
}

void Client::on_message(const SseMessage& message) {
  if (!end_reason_.empty()) fail("an event after crier.end: " + message.data);
  if (message.event == "crier.end") {
    end_reason_ = between(message.data, "{\"reason\":\"", "\"}").value_or("?");
    return;
  }
  ++messages_;
  if (message.event == "crier.open") {
    on_open(message);
  } else if (messages_ == 1) {
    fail("the first event is not crier.open: " + message.event + " " + message.data);
  } else if (message.event == "crier.gap") {
    on_gap(message);
  } else if (!closed_before_.empty()) {
    on_closed_before(message);
  } else {
    on_event(message);
  }
  id_ = message.last_event_id;
}

std::uint64_t Client::sequence_of(const std::string& id) const {
  const auto parsed = parse_event_id(id);
  if (!parsed) fail("not an id: " + id);
  if (parsed->epoch != epoch_) fail("an id of another epoch: " + id);
  return parsed->sequence;
}

void Client::on_open(const SseMessage& message) {
  if (messages_ != 1) fail("crier.open is not the first event");
  if (message.data != "{\"position\":\"" + message.last_event_id + "\"}") {
    fail("crier.open says " + message.data + " with id " + message.last_event_id);
  }
  const std::uint32_t retry = reader_->retry_ms();
  if (retry < kRetryMsMin || retry > kRetryMsMax) fail("retry: " + std::to_string(retry));
  if (!asked_id_.empty()) {
    if (message.last_event_id != asked_id_) fail("opened at " + message.last_event_id);
    return;
  }
  const std::uint64_t at = sequence_of(message.last_event_id);
  if (kind_ != ResumePlan::Kind::replay) {
    if (at != head_at_start_) fail("a live stream opened at " + message.last_event_id);
    return;
  }
  for (std::uint64_t x = record_.before() + 1; x <= at; ++x) {
    const bool wanted = subscribed(record_[x].topic) && !(conflates() && record_.superseded(x));
    if (from_ == ReplayFrom::earliest && wanted && record_.retained(x)) {
      fail("earliest leaves out the retained " + std::to_string(x));
    }
    if (from_ == ReplayFrom::last && required_.contains(x)) {
      fail("last=N leaves out " + std::to_string(x));
    }
  }
  position_ = at;
}

// A gap with a reason of a resume must come directly after crier.open, and nowhere else.
void Client::check_reason(const std::string& reason) const {
  const bool at_once = messages_ == 2;
  const bool replay = kind_ == ResumePlan::Kind::replay;
  bool allowed = reason == "overflow";
  if (reason == "unknown-id") allowed = at_once && kind_ == ResumePlan::Kind::unknown_id;
  if (reason == "restarted") allowed = at_once && replay && from_ == ReplayFrom::restarted;
  if (reason == "evicted") allowed = at_once && replay && from_ == ReplayFrom::sequence;
  if (!allowed) fail("gap reason " + reason);
  const bool of_loss = reason == "overflow" || reason == "evicted";
  if (conflates() && of_loss && !gap_due_) fail("a gap, but every lost event is superseded");
}

void Client::on_gap(const SseMessage& message) {
  const auto reason = between(message.data, "{\"reason\":\"", "\"");
  const auto missed = between(message.data, "\"missed\":", ",");
  const auto resumed_at = between(message.data, "\"resumed_at\":\"", "\"}");
  if (!reason || !missed || !resumed_at) fail("not a gap: " + message.data);
  if (*resumed_at != message.last_event_id) fail("a gap with two positions: " + message.data);
  check_reason(*reason);
  const std::uint64_t to = sequence_of(*resumed_at);
  if (to < position_) fail("a gap leads back: " + message.data);
  if (to > record_.head()) fail("a gap leads beyond the head: " + message.data);
  std::uint64_t missing = 0;
  for (std::uint64_t x = next_sequence(); x <= to; ++x) {
    if (!owed(x)) continue;
    ++missing;
    if (announced(x)) continue;
    const bool may_drop = facts_.policy == OverflowPolicy::drop_oldest && *reason == "overflow";
    if (record_.retained(x) && !may_drop) {
      fail("gap " + message.data + " passes over the retained " + std::to_string(x));
    }
  }
  if (*missed == "null") {
    missed_known_ = false;
  } else {
    missed_ += std::stoull(*missed);
    // With conflate the lost event may have been superseded since.
    if (single() && std::stoull(*missed) != (conflates() ? 1 : missing)) {
      fail("gap " + message.data + ", missing are " + std::to_string(missing));
    }
  }
  missing_ += missing;
  gaps_.push_back({step_, to});
  position_ = to;
}

// The id is the position, because what comes after it is owed.
void Client::on_closed_before(const SseMessage& message) {
  const std::string topic = between(message.data, "{\"topic\":\"", "\"}").value_or("?");
  if (message.event != kClosedName || topic != closed_before_.front()) {
    fail(message.event + " " + message.data + " before " + closed_before_.front() + " is closed");
  }
  if (sequence_of(message.last_event_id) != head_at_start_) {
    fail("told that a topic is closed with id " + message.last_event_id);
  }
  closed_before_.erase(closed_before_.begin());
}

void Client::on_event(const SseMessage& message) {
  const bool told = kind_ == ResumePlan::Kind::unknown_id || from_ == ReplayFrom::restarted;
  if (told && gaps_.empty()) fail("an event before the gap a resume has to be told");
  const std::uint64_t sequence = sequence_of(message.last_event_id);
  if (sequence <= position_) fail("event " + message.last_event_id + " again, or out of order");
  if (sequence > record_.head()) fail("event " + message.last_event_id + " was never published");
  const Published& published = record_[sequence];
  if (!subscribed(published.topic)) fail("event of topic " + published.topic);
  if (from_ == ReplayFrom::last && sequence <= optional_through_ && !required_.contains(sequence)) {
    fail("event " + message.last_event_id + " is not among the last");
  }
  if (message.data != published.data) fail("event " + message.last_event_id + ": other data");
  if (message.event != (published.name.empty() ? "message" : published.name)) {
    fail("event " + message.last_event_id + ": other name " + message.event);
  }
  for (std::uint64_t x = next_sequence(); x < sequence; ++x) {
    if (!owed(x)) continue;
    if (!announced(x)) fail(std::to_string(x) + " is missing before " + std::to_string(sequence));
    ++missing_;
  }
  position_ = sequence;
  ++events_;
  if (!facts_.rate.unlimited()) {
    const std::uint64_t passed = now_.us - opened_at_.us + facts_.rate.credit_us;
    if (events_ > passed / facts_.rate.interval_us + 1) over_rate_ = true;
  }
  data_bytes_ += message.data.size();
  largest_ = std::max(largest_, message.data.size());
  if (!facts_.bytes_rate.unlimited()) {
    const std::uint64_t passed_us = now_.us - opened_at_.us;
    const std::uint64_t allowed =
        passed_us * facts_.bytes_rate.per_second / 1'000'000 + facts_.bytes_rate.burst + largest_;
    if (data_bytes_ > allowed) over_rate_ = true;
  }
}

void Client::on_request(const ReplayRequest& request, bool forgot, const Log& log) {
  gap_due_ = forgot || record_.newest_gone(request.after, [this](const std::string& topic) {
    return subscribed(topic);
  });
  if (request.from != ReplayFrom::last && request.from != ReplayFrom::earliest) return;
  optional_through_ = record_.head();
  for (std::uint64_t x = record_.before() + 1; x <= record_.head(); ++x) {
    if (request.from == ReplayFrom::earliest && record_.retained(x)) required_.insert(x);
  }
  for (const auto& [kind, topic] : facts_.subscriptions) {
    const auto retained = record_.retained_of(topic);
    const Closing closing = log.closing_of(topic);
    if (closing && retained.empty()) required_.insert(closing.sequence);
    const std::uint32_t of_last =
        conflates() ? std::min(request.last_count, 1U) : request.last_count;
    const std::uint32_t wanted = of_last + (closing && request.from == ReplayFrom::last ? 1 : 0);
    const std::size_t count = std::min<std::size_t>(wanted, retained.size());
    required_.insert(retained.end() - static_cast<std::ptrdiff_t>(count), retained.end());
  }
}

void Client::check_complete() const {
  if (messages_ == 0) fail("no crier.open");
  if (!closed_before_.empty()) fail("not told that " + closed_before_.front() + " is closed");
  std::uint64_t missing = missing_;
  for (std::uint64_t x = next_sequence(); x <= record_.head(); ++x) {
    if (!owed(x)) continue;
    if (!announced(x)) fail(std::to_string(x) + " is missing at the end");
    ++missing;
  }
  if (over_rate_) fail("more events or bytes than the rate allows");
  const bool exact = missed_known_ && kind_ != ResumePlan::Kind::unknown_id && !conflates();
  if (exact && missing != missed_) {
    fail("said were " + std::to_string(missed_) + " missing, in fact " + std::to_string(missing));
  }
}

bool Client::told_end(std::string_view reason) const {
  return end_reason_ == reason && (facts_.framing == Framing::plain || reader_->body_ended());
}

}  // namespace crier::broadcast::simulate
