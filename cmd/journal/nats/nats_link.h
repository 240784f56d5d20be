// The connection to NATS, with the threads that it needs: those of libnats, and one that sends and
// asks, because either may wait for the network.
//
//   send() ──► the sender ──► the stream ──► the consumer ──► inbox
//                                 └─► answers ──────────────► inbox
//
// The connection is made anew for ever. What was handed over while there is none, or was under way
// when it broke, gets the fate `unsent`; it may be in the stream nevertheless.
//
// The sender looks at the stream every check_ms, and at once after a new connection and when
// libnats has made its consumer anew. Until that look has found the same stream, nothing is sent
// over the connection, and no message of the consumer is passed on.
//
// It reports NatsLost if the stream is not the one that was opened: it was deleted or made anew,
// another node has begun a new epoch, its last sequence is lower than that of a message that
// arrived, or has another message there. In the last two cases, and if the stream was made anew
// under its old description, it has put a new epoch into the description before.
//
// All functions are called by the control loop.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cmd/journal/nats/nats_inbox.h"
#include "cmd/journal/nats/nats_message.h"
#include "cmd/journal/nats/nats_options.h"
#include "cmd/journal/nats/stream_state.h"
#include "core/result.h"

namespace crier::cmd {

// An event on its way.
struct NatsSend {
  NatsMessageHandle message;
  std::uint64_t group = 0;
  std::uint32_t index = 0;
};

// An event that the stream had under its key: is it the same?
struct NatsCompare {
  std::uint64_t group = 0;
  std::uint32_t index = 0;
  std::uint64_t sequence = 0;
  NatsKeyPart key;
};

class NatsLink {
 public:
  // Connects, and creates the stream or checks it. `inbox` outlives the link.
  static Result<std::unique_ptr<NatsLink>> open(const NatsJournalOptions& options,
                                                NatsInbox& inbox);
  ~NatsLink();
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  const broadcast::JournalIdentity& identity() const { return description_.identity; }
  // As it was when it was opened.
  const StreamState& stream() const { return opened_; }
  // Where the answer to an event has to go.
  std::string reply_subject(std::uint64_t group, std::uint32_t index) const;

  // Begins to put the stream's messages into the inbox, those from `sequence` on, and what the
  // sender finds.
  [[nodiscard]] Result<void> consume(std::uint64_t sequence);

  // The sequence of the newest message that the stream has; 0: it has none. It is below that of
  // stream() if the newest were removed. Requires: consume() was called.
  Result<std::uint64_t> newest_message();

  void send(std::vector<NatsSend> events);
  // Has the answer `known`, `conflict` or `forgotten` put into the inbox.
  void compare(const NatsCompare& compare);
  // Events of groups below `group` that are not sent yet need not be sent.
  void forget_before(std::uint64_t group) { first_group_ = group; }
  // Looks at the stream at once.
  void check_soon();
  // This node has seen that the stream is another one: NatsLost follows, after a new epoch.
  void doubt(std::string why);

 private:
  using Clock = std::chrono::steady_clock;
  // The functions that libnats calls.
  struct Callbacks;
  struct Arrived {
    std::uint64_t sequence = 0;  // The last one that came, or was passed over. It only grows.
    std::int64_t time_ns = 0;    // Of its message; 0: none came.
  };
  // The answer to a question for one message.
  struct StoredMessage {
    NatsMessageHandle message;  // Null unless `status` is NATS_OK.
    natsStatus status;
    bool removed;  // The stream does not have it.
  };

  NatsLink(const NatsJournalOptions& options, NatsInbox& inbox);

  Result<void> connect();
  void disconnect();
  void reconnect();
  Result<void> open_stream();
  Result<void> adopt(StreamState& state, Epoch fresh, bool wrote);
  Result<void> describe(StreamState& state, const StreamDescription& description);
  bool begin_epoch(const StreamState& state);
  std::expected<std::string, StreamError> request(const char* what, const std::string& body);
  std::expected<StreamState, StreamError> ask(const char* what, const std::string& body = {});

  void run_sender();
  void send_now(NatsSend event);
  NatsFateOf compare_now(const NatsCompare& compare);
  bool check();
  void found_same(const StreamState& state, Instant began, std::uint64_t looks);
  Arrived arrived();
  std::string why_other_stream(const StreamState& state, const Arrived& arrived);
  bool has_other_message(const Arrived& arrived);
  StoredMessage stored_message(std::uint64_t sequence);

  void on_answer(natsMsg* message);
  void on_message(NatsMessageHandle message);
  bool take_arrival(const NatsArrival& arrival, std::string_view consumer);
  void on_connection(bool connected, bool closed);

  NatsJournalOptions options_;
  NatsInbox& inbox_;
  natsConnection* connection_ = nullptr;
  const std::string answers_;  // The subject of answers, without group and index.
  NatsSubscriptionHandle answer_subscription_;
  NatsContextHandle context_;
  NatsSubscriptionHandle consumer_;
  StreamDescription description_;
  StreamState opened_;

  std::atomic<std::uint64_t> first_group_ = 0;
  std::atomic<bool> connected_ = true;
  std::atomic<bool> may_send_ = true;  // This connection has led to the same stream.

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  Arrived arrived_;
  std::string consumer_name_;       // Whose messages come; empty: a look is due before the next.
  std::uint64_t looks_wanted_ = 0;  // How often a look became due.
  std::uint64_t connection_looks_ = 0;  // looks_wanted_ when the connection was made.
  std::uint64_t looks_good_ = 0;        // Up to which of them it was the same stream.
  std::string doubt_;
  std::deque<NatsSend> sends_;
  std::deque<NatsCompare> compares_;
  bool check_now_ = false;
  bool closed_ = false;  // libnats has given the connection up.
  bool stop_ = false;
  int calling_ = 0;  // How many objects of libnats may still call.

  // The sender's own.
  std::uint32_t suspicions_ = 0;  // Checks in a row that found another stream.
  bool reachable_ = true;         // What the last check found.
  bool lost_ = false;
  std::thread sender_;
};

}  // namespace crier::cmd
