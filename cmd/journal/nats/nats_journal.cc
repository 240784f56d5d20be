#include "cmd/journal/nats/nats_journal.h"

#include <algorithm>
#include <chrono>
#include <variant>

#include "cmd/system/drawn.h"
#include "core/check.h"
#include "net/socket/descriptor_table.h"

namespace crier::cmd {
namespace {

using broadcast::Appended;
using broadcast::AppendFailure;
using broadcast::Group;
using broadcast::JournalFailure;

constexpr std::size_t kOpenBytesMax = std::size_t{16} << 20;
constexpr std::size_t kSentBytes = 512;  // What an open event costs beside its data.
constexpr std::uint32_t kLoadWaitMs = 10'000;
constexpr std::uint64_t kTimerMs = 250;

std::int64_t wall_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

NatsJournal::NatsJournal(const NatsJournalOptions& options, const NatsJournalParts& parts)
    : options_(options),
      parts_(parts),
      wakeup_(parts.loop, [this] { take_reports(); }),
      timer_(parts.loop, [this] { on_time(); }),
      inbox_([this] { wakeup_.send(); }),
      node_(drawn<std::uint64_t>() | 1) {}

NatsJournal::~NatsJournal() = default;

Result<std::unique_ptr<NatsJournal>> NatsJournal::open(const NatsJournalOptions& options,
                                                       const NatsJournalParts& parts) {
  std::unique_ptr<NatsJournal> journal(new NatsJournal(options, parts));
  const std::vector<int> before = net::descriptors_of("socket:");
  auto link = NatsLink::open(options, journal->inbox_);
  if (!link) return std::unexpected(std::move(link.error()));
  journal->link_ = std::move(*link);
  for (const int fd : net::descriptors_of("socket:")) {
    if (std::ranges::count(before, fd) == 0) journal->descriptors_.push_back(fd);
  }
  journal->identity_ = journal->link_->identity();
  const StreamState& stream = journal->link_->stream();
  journal->stream_last_ = stream.last;
  if (stream.duplicate_seconds != options.stream.duplicate_seconds) {
    parts.log.warning(
        "the stream's duplicate window is not publish.idempotency_seconds_max",
        {{"stream", options.stream.name}, {"duplicate_seconds", stream.duplicate_seconds}});
  }
  return journal;
}

// --- loading ---

Result<void> NatsJournal::load(broadcast::JournalReader& reader) {
  reader.on_remembered({});
  const StreamState& stream = link_->stream();
  position_ = stream.first - 1;
  if (position_ > 0) reader.on_hole(position_);
  dropped_through_ = position_;
  if (auto consuming = link_->consume(position_ + 1); !consuming) return consuming;
  // The copy that the consumer reads from may lack the newest messages for now: they have to come.
  const auto newest = link_->newest_message();
  if (!newest) return std::unexpected(newest.error());
  bool reached = position_ >= *newest;
  Instant came = net::Loop::now();
  while (!reached) {
    auto reports = inbox_.take(std::chrono::milliseconds(kLoadWaitMs));
    for (NatsReport& report : reports) {
      if (const auto* other = std::get_if<NatsLost>(&report)) {
        return fail(Errc::os, "The stream " + options_.stream.name +
                                  " has changed while it was loaded: " + other->why + ".");
      }
      const auto* arrival = std::get_if<NatsArrival>(&report);
      if (arrival == nullptr || reached) {
        early_.push_back(std::move(report));
        continue;
      }
      came = net::Loop::now();
      load_one(*arrival, reader);
      reached = position_ >= *newest;
    }
    // What the checks report meanwhile is no progress.
    if (!reached && after_ms(came, kLoadWaitMs) <= net::Loop::now()) {
      return fail(Errc::os, "NATS does not send the stream " + options_.stream.name + ".");
    }
  }
  loaded_keys_.clear();
  position_ = std::max(position_, stream.last);
  reader.on_head(position_);
  return {};
}

void NatsJournal::load_one(const NatsArrival& arrival, broadcast::JournalReader& reader) {
  if (arrival.sequence > position_ + 1) {
    reader.on_hole(arrival.sequence - 1);
    stats_.common.holes.add();
  }
  position_ = arrival.sequence;
  stream_last_ = std::max(stream_last_, position_);
  const auto read = read_message(options_.stream.prefix, arrival.message.get());
  if (!read) return stats_.foreign.add();
  const Instant accepted = accepted_at(arrival.time_ns);
  reader.on_event(read->event, arrival.sequence, accepted);
  stats_.common.loaded_events.add();
  if (read->key.count > 0) load_key(read->key, arrival.sequence, accepted, reader);
}

// A key is known when all its events are there, in their order. Of others the stream knows more.
// The count is what some program has written: it costs no memory.
void NatsJournal::load_key(const NatsKeyPart& part, std::uint64_t sequence, Instant accepted,
                           broadcast::JournalReader& reader) {
  LoadedKey& key = loaded_keys_[{part.key.high, part.key.low}];
  if (part.place == 0) key = {part.content, sequence, part.count, 0};
  if (key.content != part.content || key.count != part.count || key.next != part.place) return;
  if (++key.next < key.count) return;
  reader.on_key(part.key, part.content, {key.first, sequence, key.count}, accepted);
  loaded_keys_.erase({part.key.high, part.key.low});
}

// Never before that of an earlier event, and never in the future: clocks differ.
Instant NatsJournal::accepted_at(std::int64_t wall_ns) {
  const Instant now = net::Loop::now();
  const std::int64_t age_us = std::max<std::int64_t>(0, wall_now_ns() - wall_ns) / 1'000;
  const auto age = std::min(static_cast<std::uint64_t>(age_us), now.us);
  newest_ = std::min(std::max(newest_, Instant{now.us - age}), now);
  return newest_;
}

// --- appending ---

void NatsJournal::connect(broadcast::JournalClient& client) {
  client_ = &client;
  wakeup_.send();  // For what came early.
}

std::optional<Appended> NatsJournal::append(const Group& group) {
  CRIER_CHECK(client_ != nullptr);
  std::size_t bytes = 0;
  for (const auto& publish : group.events) bytes += publish.event.data.size() + kSentBytes;
  if (!link_ || away_ || lost_ || (!open_.empty() && open_bytes_ + bytes > kOpenBytesMax)) {
    return std::unexpected(AppendFailure{JournalFailure::unavailable});
  }
  const std::uint64_t number = first_open_ + open_.size();
  Open open{.appended = net::Loop::now(),
            .events = std::vector<Sent>(group.events.size()),
            .bytes = bytes,
            .missing = group.events.size()};
  for (const broadcast::KeyUse& use : group.keys) {
    for (std::uint32_t place = 0; place < use.count; ++place) {
      open.events[use.first + place].key = {use.key, use.content, place, use.count};
    }
  }
  for (std::uint32_t i = 0; i < group.events.size(); ++i) {
    NatsMessageHandle message = make_message(
        options_.stream.prefix, {group.events[i].event, {node_, number, i}, open.events[i].key},
        link_->reply_subject(number, i).c_str());
    if (!message) return std::unexpected(AppendFailure{JournalFailure::unavailable});
    collected_.push_back({std::move(message), number, i});
  }
  open_bytes_ += bytes;
  open_.push_back(std::move(open));
  if (!timer_.running()) timer_.start_repeating(kTimerMs);
  return std::nullopt;
}

void NatsJournal::flush() {
  if (!collected_.empty()) link_->send(std::exchange(collected_, {}));
}

void NatsJournal::finish() {
  timer_.stop();
  while (!open_.empty() && !lost_) {
    flush();
    on_time();
    take_reports(std::chrono::milliseconds(kTimerMs));
  }
  fail_before(first_open_ + open_.size(), JournalFailure::unavailable);
  answer_groups();
  link_.reset();
}

// --- what comes back ---

void NatsJournal::take_reports(std::chrono::milliseconds wait) {
  if (client_ == nullptr || link_ == nullptr) return;
  for (const NatsReport& report : std::exchange(early_, {})) {
    std::visit([this](const auto& known) { on_report(known); }, report);
  }
  for (const NatsReport& report : inbox_.take(wait)) {
    std::visit([this](const auto& known) { on_report(known); }, report);
  }
  answer_groups();
  stats_.behind.set(stream_last_ - position_);
  stats_.common.pending_bytes.set(open_bytes_);
}

void NatsJournal::on_report(const NatsArrival& arrival) {
  if (lost_ || arrival.sequence <= position_) return;
  if (arrival.sequence > position_ + 1) {
    // Whoever listens here has missed something, and has to be told.
    return lose("messages were removed before this node had read them");
  }
  position_ = arrival.sequence;
  stream_last_ = std::max(stream_last_, position_);
  const auto read = read_message(options_.stream.prefix, arrival.message.get());
  if (!read) return stats_.foreign.add();
  client_->on_committed(read->event, arrival.sequence, accepted_at(arrival.time_ns));
  if (read->origin.node != node_) return;
  const NatsOrigin& origin = read->origin;
  if (origin.group < first_open_) return stats_.late.add();
  // Nothing of an earlier connection comes after what was sent over the present one.
  if (origin.group >= first_after_away_) {
    fail_before(first_after_away_, JournalFailure::unavailable);
  }
  const Sent* const event = sent(origin.group, origin.index);
  if (event != nullptr && event->place() != 0 && event->place() != arrival.sequence) {
    return doubt_copies(event->place(), arrival.sequence);
  }
  settle(origin.group, origin.index, arrival.sequence);
}

// An event was stored at one place, and came from another: copies of the stream have gone apart,
// and ids of one node are not those of the next.
void NatsJournal::doubt_copies(std::uint64_t stored, std::uint64_t came) {
  link_->doubt("its copies differ: an event that was stored as " + std::to_string(stored) +
               " came as " + std::to_string(came));
}

void NatsJournal::on_report(const NatsFateOf& fate) {
  Sent* const event = sent(fate.group, fate.index);
  if (event == nullptr) return;
  if (event->sequence != 0 && fate.fate == NatsFate::stored && fate.sequence != event->sequence) {
    return doubt_copies(fate.sequence, event->sequence);
  }
  if (event->settled()) return;
  stream_last_ = std::max(stream_last_, fate.sequence);
  switch (fate.fate) {
    case NatsFate::stored:
      event->stored = fate.sequence;  // It is settled when it arrives.
      return;
    case NatsFate::repeated:
      stats_.repeated.add();
      return link_->compare({fate.group, fate.index, fate.sequence, event->key});
    case NatsFate::known:
      return settle(fate.group, fate.index, fate.sequence);
    case NatsFate::conflict:
      return fail_event(fate.group, fate.index, JournalFailure::key_reused);
    case NatsFate::forgotten:
      return fail_event(fate.group, fate.index, JournalFailure::answer_lost);
    case NatsFate::no_space:
      return fail_event(fate.group, fate.index, JournalFailure::no_space);
    case NatsFate::unsent:
      return fail_event(fate.group, fate.index, JournalFailure::unavailable);
  }
}

void NatsJournal::on_report(const NatsReach& reach) {
  if (lost_) return;
  if (!reach.reachable) {
    if (!std::exchange(away_, true)) {
      parts_.log.warning("NATS is away; publishing waits for it", {{"why", reach.why}});
      stats_.away.add();
      failing_ = JournalFailure::unavailable;
    }
    first_after_away_ = first_open_ + open_.size();
    return;
  }
  if (std::exchange(away_, false)) {
    parts_.log.info("NATS is back");
    failing_.reset();
  }
  stream_last_ = std::max(stream_last_, reach.last);
  looked_at_ = reach.began;
  if (reach.first > dropped_through_ + 1) {
    // Not what is still on its way: that is a hole.
    dropped_through_ = std::min(reach.first - 1, position_);
    client_->on_dropped(dropped_through_);
  }
}

void NatsJournal::on_report(const NatsLost& lost) {
  lose(lost.why);
}

void NatsJournal::lose(std::string_view why) {
  if (std::exchange(lost_, true)) return;
  parts_.log.error("the stream is not the one that this node has loaded", {{"why", why}});
  failing_ = JournalFailure::unavailable;
  fail_before(first_open_ + open_.size(), JournalFailure::unavailable);
  parts_.lost();
}

// --- open groups ---

NatsJournal::Sent* NatsJournal::sent(std::uint64_t group, std::uint32_t index) {
  if (group < first_open_ || group - first_open_ >= open_.size()) return nullptr;
  auto& events = open_[group - first_open_].events;
  return index < events.size() ? &events[index] : nullptr;
}

void NatsJournal::settle(std::uint64_t group, std::uint32_t index, std::uint64_t sequence) {
  Sent* const event = sent(group, index);
  if (event == nullptr || event->settled()) return;
  event->sequence = sequence;
  Open& open = open_[group - first_open_];
  open.through = std::max(open.through, sequence);
  --open.missing;
  if (failing_ == JournalFailure::no_space) failing_.reset();
}

void NatsJournal::fail_event(std::uint64_t group, std::uint32_t index, JournalFailure why) {
  Sent* const event = sent(group, index);
  if (event == nullptr || event->settled()) return;
  event->failure = why;
  --open_[group - first_open_].missing;
  if (why == JournalFailure::no_space && !failing_) failing_ = why;
}

// Events of earlier groups that are not settled will not come, as far as is known.
void NatsJournal::fail_before(std::uint64_t group, JournalFailure why) {
  for (std::uint64_t number = first_open_; number < group && sent(number, 0) != nullptr; ++number) {
    const auto events = static_cast<std::uint32_t>(open_[number - first_open_].events.size());
    for (std::uint32_t i = 0; i < events; ++i) fail_event(number, i, why);
    open_[number - first_open_].through = 0;
  }
}

void NatsJournal::answer_groups() {
  while (!open_.empty() && open_.front().missing == 0 && open_.front().through <= position_) {
    const Open group = std::move(open_.front());
    open_.pop_front();
    ++first_open_;
    open_bytes_ -= group.bytes;
    answer(group);
  }
  link_->forget_before(first_open_);
  if (open_.empty()) timer_.stop();
}

void NatsJournal::answer(const Open& group) {
  std::vector<std::uint64_t> sequences;
  std::optional<JournalFailure> failure;
  std::uint32_t taken = 0;
  for (const Sent& event : group.events) {
    failure = event.failure;
    if (failure && event.stored == 0) break;
    ++taken;
    sequences.push_back(event.sequence);
  }
  // An event of which the stream has told that it is there, and which did not come in time.
  if (!failure && std::ranges::count(sequences, 0) > 0) failure = JournalFailure::unavailable;
  if (failure) {
    const auto kind = static_cast<std::size_t>(*failure);
    if (kind < stats_.common.failed.size()) stats_.common.failed[kind].add();
    // All may be in the stream, and not have come: then the last one is not counted.
    taken = std::min(taken, static_cast<std::uint32_t>(group.events.size()) - 1);
    return client_->on_appended(std::unexpected(AppendFailure{*failure, taken}));
  }
  const std::uint64_t us = net::Loop::now().us - group.appended.us;
  stats_.common.commits.observe(us);
  stats_.common.events.add(group.events.size());
  stats_.common.last_commit_us.set(us);
  stats_.common.written_bytes.add(group.bytes - kSentBytes * group.events.size());
  client_->on_appended(sequences);
}

void NatsJournal::on_time() {
  const Instant now = net::Loop::now();
  std::uint64_t late = first_open_;
  while (late - first_open_ < open_.size() &&
         after_ms(open_[late - first_open_].appended, options_.answer_ms) <= now)
    ++late;
  if (late == first_open_) return;
  fail_before(late, JournalFailure::unavailable);
  answer_groups();
  link_->check_soon();
}

}  // namespace crier::cmd
