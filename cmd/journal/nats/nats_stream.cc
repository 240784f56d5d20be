// The part of NatsLink that asks the stream, and decides whether it is the same as before.
#include <chrono>
#include <thread>
#include <utility>

#include "cmd/journal/nats/nats_link.h"
#include "cmd/system/drawn.h"
#include "net/loop/loop.h"

namespace crier::cmd {
namespace {

constexpr std::int64_t kAskMs = 2'000;
constexpr std::chrono::seconds kStartWait{10};  // For JetStream, which may be starting, too.
constexpr std::chrono::milliseconds kStartPause{250};
// Until every node that has made the stream at the same time reads the same description.
constexpr std::chrono::milliseconds kSettle{300};
// A new leader may not know the newest message at once.
constexpr std::chrono::seconds kNewestWait{2};
constexpr std::uint32_t kSuspicionsMax = 3;

}  // namespace

std::expected<std::string, StreamError> NatsLink::request(const char* what,
                                                          const std::string& body) {
  const std::string subject = std::string("$JS.API.STREAM.") + what + '.' + options_.stream.name;
  natsMsg* raw = nullptr;
  const natsStatus status = nats().natsConnection_Request(
      &raw, connection_, subject.c_str(), body.data(), static_cast<int>(body.size()), kAskMs);
  if (status != NATS_OK) {
    return std::unexpected(StreamError{0, status == NATS_NO_RESPONDERS
                                              ? "JetStream is not enabled, or not ready"
                                              : nats().natsStatus_GetText(status)});
  }
  const NatsMessageHandle reply(raw);
  return std::string(data_of(raw));
}

std::expected<StreamState, StreamError> NatsLink::ask(const char* what, const std::string& body) {
  const auto answer = request(what, body);
  if (!answer) return std::unexpected(answer.error());
  return parse_stream_info(*answer);
}

Result<void> NatsLink::open_stream() {
  const StreamDescription mine{
      .identity = {Epoch::from_random(drawn<std::uint64_t>()), drawn<HashKey>(), drawn<HashKey>()},
      .created = {}};
  const auto until = Clock::now() + kStartWait;
  auto state = ask("INFO");
  bool wrote = false;
  while (!state) {
    if (state.error().code == JSStreamNotFoundErr) {
      state = ask("CREATE", create_request(options_.stream, mine));
      wrote = true;
      // Another node was faster.
      if (!state && state.error().code == JSStreamNameExistErr) state = ask("INFO");
    }
    if (state) break;
    if (Clock::now() > until) {
      return fail(Errc::os, "NATS has no stream " + options_.stream.name +
                                " for the journal: " + state.error().text);
    }
    std::this_thread::sleep_for(kStartPause);
    state = ask("INFO");
  }
  if (std::string why = unfit(*state, options_.stream, options_.event_bytes_max); !why.empty()) {
    return fail(Errc::invalid_config, std::move(why));
  }
  const std::int64_t payload_max = nats().natsConnection_GetMaxPayload(connection_);
  if (payload_max < static_cast<std::int64_t>(options_.event_bytes_max + kHeaderBytesMax)) {
    return fail(Errc::invalid_config,
                "The NATS server takes messages of at most " + std::to_string(payload_max) +
                    " bytes: raise its max_payload to limits.event_bytes_max and 1,024.");
  }
  return adopt(*state, mine.identity.epoch, wrote);
}

// A cluster lets several nodes create the stream at once, and each is told that it has. Whoever has
// written reads again, until nothing has changed: the last description counts.
Result<void> NatsLink::adopt(StreamState& state, Epoch fresh, bool wrote) {
  while (true) {
    const auto read = parse_description(state.description);
    if (!read) return fail(Errc::os, "The stream " + options_.stream.name + " is changing.");
    description_ = *read;
    if (read->created != state.created) {
      // Made anew from a saved configuration: its numbers begin again.
      if (!read->created.empty()) description_.identity.epoch = fresh;
      description_.created = state.created;
      if (auto described = describe(state, description_); !described) return described;
      wrote = true;
    }
    opened_ = state;
    if (!wrote) return {};
    wrote = false;
    std::this_thread::sleep_for(kSettle);
    auto again = ask("INFO");
    if (!again) {
      return fail(Errc::os, "NATS has no stream " + options_.stream.name +
                                " for the journal: " + again.error().text);
    }
    state = std::move(*again);
  }
}

Result<void> NatsLink::describe(StreamState& state, const StreamDescription& description) {
  auto updated = ask("UPDATE", update_request(state, description));
  if (!updated) {
    return fail(Errc::os,
                "Cannot describe the stream " + options_.stream.name + ": " + updated.error().text);
  }
  state = std::move(*updated);
  return {};
}

// JetStream's own search for the newest message is not used: 2.9 misses some after a removal. So it
// is looked for by halves: is there any from here on?
Result<std::uint64_t> NatsLink::newest_message() {
  const auto until = Clock::now() + kNewestWait;
  while (true) {
    const StoredMessage last = stored_message(opened_.last);
    if (last.status == NATS_OK || opened_.messages == 0) return opened_.last;
    if (Clock::now() > until) break;
    std::this_thread::sleep_for(kStartPause);
  }
  std::uint64_t newest = 0;
  std::uint64_t from = opened_.first;
  std::uint64_t to = opened_.last;
  while (from <= to) {
    const std::uint64_t middle = from + (to - from) / 2;
    const auto answer = request("MSG.GET", next_message_request(middle, options_.stream.prefix));
    const auto found = answer ? parse_message_sequence(*answer) : std::unexpected(answer.error());
    if (!found) {
      return fail(Errc::os, "NATS does not tell the newest message of the stream " +
                                options_.stream.name + ": " + found.error().text);
    }
    if (*found >= middle) {
      newest = *found;
      from = *found + 1;
    } else {
      to = middle - 1;
    }
  }
  return newest;
}

NatsLink::StoredMessage NatsLink::stored_message(std::uint64_t sequence) {
  natsMsg* raw = nullptr;
  jsErrCode code{};
  const natsStatus status = nats().js_GetMsg(&raw, context_.get(), options_.stream.name.c_str(),
                                             sequence, nullptr, &code);
  return {NatsMessageHandle(raw), status, status == NATS_NOT_FOUND || code == JSNoMessageFoundErr};
}

// Returns true if it is the stream that was opened.
bool NatsLink::check() {
  Arrived newest;
  std::uint64_t looks = 0;
  std::string why;
  {
    const std::unique_lock lock(mutex_);
    newest = arrived_;
    looks = looks_wanted_;
    why = doubt_;
  }
  const Instant began = net::Loop::now();
  const auto state = ask("INFO");
  reachable_ = state.has_value();
  if (state) {
    if (why.empty()) why = why_other_stream(*state, newest);
  } else if (state.error().code == JSStreamNotFoundErr) {
    why = "the stream was deleted";
  } else {
    suspicions_ = 0;
    inbox_.put(NatsReach{.why = state.error().text});
    return false;
  }
  if (why.empty()) {
    suspicions_ = 0;
    found_same(*state, began, looks);
    return true;
  }
  inbox_.put(NatsReach{.why = why});
  if (++suspicions_ < kSuspicionsMax) return false;
  if (state && !begin_epoch(*state)) return false;
  lost_ = true;
  inbox_.put(NatsLost{std::move(why)});
  return false;
}

// A look that began before the connection that there is now says nothing of it.
void NatsLink::found_same(const StreamState& state, Instant began, std::uint64_t looks) {
  const std::unique_lock lock(mutex_);
  looks_good_ = looks;
  changed_.notify_all();
  if (looks < connection_looks_) return;
  may_send_ = true;
  inbox_.put(NatsReach{true, state.first, state.last, began, {}});
}

NatsLink::Arrived NatsLink::arrived() {
  const std::unique_lock lock(mutex_);
  return arrived_;
}

// Returns why the stream is another one than before; empty: it is the same.
std::string NatsLink::why_other_stream(const StreamState& state, const Arrived& newest) {
  const auto description = parse_description(state.description);
  if (!description || description->identity.epoch != description_.identity.epoch) {
    return "the stream has another epoch";
  }
  if (state.created != opened_.created) return "the stream was deleted and made anew";
  if (state.last < newest.sequence) {
    return "the stream ends at " + std::to_string(state.last) + ", and had " +
           std::to_string(newest.sequence);
  }
  if (has_other_message(newest)) {
    return "the stream has another message at " + std::to_string(newest.sequence);
  }
  return {};
}

// A stream that has gone back may have grown again. A message that was removed tells nothing.
bool NatsLink::has_other_message(const Arrived& newest) {
  if (newest.time_ns == 0) return false;
  const StoredMessage found = stored_message(newest.sequence);
  return found.status == NATS_OK && nats().natsMsg_GetTime(found.message.get()) != newest.time_ns;
}

// If the description has not changed, writes a new epoch into it, so that nobody loads the stream
// under the old one. Returns false if that has to be tried again.
bool NatsLink::begin_epoch(const StreamState& state) {
  auto description = parse_description(state.description);
  if (!description || description->identity.epoch != description_.identity.epoch) return true;
  description->identity.epoch = Epoch::from_random(drawn<std::uint64_t>());
  description->created = state.created;
  StreamState changed = state;
  return describe(changed, *description).has_value();
}

}  // namespace crier::cmd
