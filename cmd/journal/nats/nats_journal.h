// The journal in a stream of NATS JetStream, which any number of nodes share. The stream's sequence
// of a message is the event's.
//
//   append() ──► NatsLink ──► stream ──► consumer ──► on_committed() ──► on_appended()
//
// An event becomes visible when it comes back from the stream, in the order of the stream,
// whichever node sent it. A group is answered when all its events came back. A group may be taken
// in part: AppendFailure says how much.
//
// The keys of events are compared by the stream, over all nodes, for its duplicate window. While
// NATS is away, groups fail at once, and everything else goes on.
//
// What comes back late, after its group has failed, is an event like another node's.
//
// The stream's own limits bound what is kept. What it has dropped, the log has to drop: it is told
// by on_dropped(). A message that is no valid event is passed over and counted.
//
// `lost` is called once, on the loop, when the stream is another one than this node has loaded, or
// has a hole where this node has not read yet. No event is committed afterwards: the daemon has to
// end, and to load the stream anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/journal.h"
#include "cmd/journal/journal_stats.h"
#include "cmd/journal/nats/nats_inbox.h"
#include "cmd/journal/nats/nats_link.h"
#include "cmd/journal/nats/nats_options.h"
#include "core/log.h"
#include "core/result.h"
#include "net/loop/loop.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"

namespace crier::cmd {

struct NatsJournalParts {
  net::Loop& loop;
  LogSink& log;
  std::function<void()> lost;
};

class NatsJournal final : public broadcast::Journal {
 public:
  static Result<std::unique_ptr<NatsJournal>> open(const NatsJournalOptions& options,
                                                   const NatsJournalParts& parts);
  ~NatsJournal() override;

  const broadcast::JournalIdentity& identity() const override { return identity_; }
  Result<void> load(broadcast::JournalReader& reader) override;
  void connect(broadcast::JournalClient& client) override;
  std::optional<broadcast::Appended> append(const broadcast::Group& group) override;
  void flush() override;
  bool wants_survey() const override { return false; }
  void compact(broadcast::Survey /*survey*/) override {}
  std::optional<broadcast::JournalFailure> failing() const override { return failing_; }
  void finish() override;

  // Whether the stream has answered since NATS was lost.
  bool reachable() const { return !away_; }
  // The last sequence that is known to be in the stream; this node may not have it yet.
  std::uint64_t stream_last() const { return stream_last_; }
  // The last sequence that this node has passed. Nothing up to it will come any more.
  std::uint64_t position() const { return position_; }
  // Events before it are not in the stream any more, as far as is known.
  std::uint64_t stream_first() const { return dropped_through_ + 1; }
  // When stream_last() was last asked for: an event that was published before is counted in it.
  Instant looked_at() const { return looked_at_; }
  // Has it asked for, unless that was done since.
  void ask_stream_last(Instant since) {
    if (asked_at_ >= since || !link_) return;
    asked_at_ = net::Loop::now();
    link_->check_soon();
  }

  const NatsJournalStats& stats() const { return stats_; }
  const std::string& stream() const { return options_.stream.name; }
  // The connection's descriptors, as they were when it was opened.
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  // An event that was sent and has not come back.
  struct Sent {
    std::uint64_t sequence = 0;  // Where it is in the stream; 0: not known.
    std::optional<broadcast::JournalFailure> failure;
    NatsKeyPart key;
    std::uint64_t stored = 0;  // What its answer says; 0: none came.
    bool settled() const { return sequence != 0 || failure; }
    std::uint64_t place() const { return sequence != 0 ? sequence : stored; }
  };
  struct Open {
    Instant appended;
    std::vector<Sent> events;
    std::size_t bytes = 0;
    std::size_t missing = 0;    // Events that are not settled.
    std::uint64_t through = 0;  // The group may be answered when this sequence has come.
  };
  // The key of a group whose events are being loaded.
  struct LoadedKey {
    broadcast::Fingerprint content;
    std::uint64_t first = 0;  // The sequence of its first event.
    std::uint32_t count = 0;
    std::uint32_t next = 0;  // The place of the event that has to follow.
  };

  NatsJournal(const NatsJournalOptions& options, const NatsJournalParts& parts);

  // Loading.
  void load_one(const NatsArrival& arrival, broadcast::JournalReader& reader);
  void load_key(const NatsKeyPart& part, std::uint64_t sequence, Instant accepted,
                broadcast::JournalReader& reader);

  // What the inbox has.
  void take_reports(std::chrono::milliseconds wait = {});
  void on_report(const NatsArrival& arrival);
  void on_report(const NatsFateOf& fate);
  void on_report(const NatsReach& reach);
  void on_report(const NatsLost& lost);

  void lose(std::string_view why);
  void doubt_copies(std::uint64_t stored, std::uint64_t came);
  Sent* sent(std::uint64_t group, std::uint32_t index);
  void settle(std::uint64_t group, std::uint32_t index, std::uint64_t sequence);
  void fail_event(std::uint64_t group, std::uint32_t index, broadcast::JournalFailure why);
  void fail_before(std::uint64_t group, broadcast::JournalFailure why);
  void answer_groups();
  void answer(const Open& group);
  void on_time();
  Instant accepted_at(std::int64_t wall_ns);

  NatsJournalOptions options_;
  NatsJournalParts parts_;
  net::Wakeup wakeup_;
  net::Timer timer_;
  NatsInbox inbox_;
  std::unique_ptr<NatsLink> link_;  // Null after finish().
  broadcast::JournalIdentity identity_;
  std::vector<int> descriptors_;
  std::uint64_t node_;
  broadcast::JournalClient* client_ = nullptr;
  NatsJournalStats stats_;

  std::vector<NatsReport> early_;  // Came while the stream was loaded, and is newer.
  std::map<std::pair<std::uint64_t, std::uint64_t>, LoadedKey> loaded_keys_;

  std::deque<Open> open_;
  std::uint64_t first_open_ = 1;        // The number of the first open group.
  std::uint64_t first_after_away_ = 0;  // Groups before it were sent over a connection that broke.
  std::size_t open_bytes_ = 0;
  std::vector<NatsSend> collected_;  // Since the last flush().
  std::uint64_t position_ = 0;
  std::uint64_t stream_last_ = 0;
  std::uint64_t dropped_through_ = 0;
  Instant looked_at_;
  Instant asked_at_;
  Instant newest_;  // When the newest event was accepted.
  std::optional<broadcast::JournalFailure> failing_;
  bool away_ = false;
  bool lost_ = false;
};

}  // namespace crier::cmd
