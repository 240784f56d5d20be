// Broadcasting of one worker: the streams it has, what each is owed, and when it ends.
//
// The worker's loop reports what happened (a stream was accepted, a socket became writable, the
// inbox has a batch) and gives the broadcaster its turns: run(), tick(), finish_turn(). The
// broadcaster acts through StreamIo, ReplayPort and StreamObserver. It never reads a clock and
// never waits, so a test controls every byte.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/replay.h"
#include "broadcast/streams/catch_up.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/fanout.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/owed_bound.h"
#include "broadcast/streams/resume.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_io.h"
#include "broadcast/streams/stream_table.h"
#include "broadcast/streams/stream_watcher.h"
#include "broadcast/streams/sweep.h"
#include "broadcast/streams/topic_index.h"
#include "core/address_table.h"
#include "core/slow_check.h"

namespace crier::broadcast {

// Is told when streams open and end, on the worker's thread, within the call that causes it.
class StreamObserver {
 public:
  virtual ~StreamObserver() = default;
  // The first bytes of the stream were sent. `resumed`: the client named a position.
  virtual void on_stream_opened(StreamToken token, const Stream& stream, bool resumed) = 0;
  // The stream has ended. Its slot is still valid, and its connection is closed after this call.
  virtual void on_stream_ended(StreamToken token, const Stream& stream, EndReason reason,
                               Instant now) = 0;
};

// The counts that all workers share, so that the caps are exact. Any thread.
struct SharedCounts {
  SharedCounts(std::size_t addresses_max, const HashKey& key) : addresses(addresses_max, key) {}

  // Sets the cap on the streams of one topic, 1 or more. Requires: no Broadcaster was made yet;
  // workers list at most `topics_most` different topics at a time.
  void cap_topics(std::uint32_t streams_of_one, std::size_t topics_most, const HashKey& key) {
    topics.emplace(topics_most, key);
    streams_per_topic_max = streams_of_one;
  }
  TopicCap topic_cap() { return {topics ? &*topics : nullptr, streams_per_topic_max}; }

  std::atomic<std::uint32_t> streams{0};
  std::atomic<std::uint32_t> streams_max{0};
  // 0: no cap, and addresses are not counted.
  std::atomic<std::uint32_t> streams_per_address_max{0};
  AddressTable addresses;
  std::uint32_t streams_per_topic_max = 0;
  std::optional<AddressTable> topics;  // Nothing: no cap, and topics are not counted.
  // By row of the `topics` list; only rows with a streams_max are counted.
  std::array<std::atomic<std::uint32_t>, kTopicRowsMax + 1> streams_of_row{};
};

// Why a stream was refused. A client can cause each of these, so none is a bug of crier.
enum class Refused : std::uint8_t {
  streams_max,
  streams_per_address_max,
  streams_per_topic_max,
  class_streams_max,  // The streams_max of a row of `topics`.
  topics_max,
  patterns_max,
  memory,  // limits.memory_max is nearly reached.
  draining,
};

// What a client says of itself when it subscribes. Both only ever lower what its stream gets.
struct Consumer {
  std::uint32_t throughput = 0;  // Events per second that it can take; 0: unknown.
  std::uint32_t lag = 0;         // Events that it has received and not yet processed.
};

struct StartRequest {
  // The stream owns it and closes it through StreamIo.
  ConnectionHandle connection = ConnectionHandle::none;
  std::string_view head;  // The response head, sent as it is.
  Framing framing = Framing::chunked;
  // Send 2 KB of comment first, for clients that hold back the first bytes of a response.
  bool padding = false;
  std::span<const Selector> subscriptions;  // At least one; none twice.
  ResumePlan resume;
  Instant requested;  // When the client's request began to arrive; 0: unknown.
  // Events per second that the client asks for, 1 to 1,000,000. It lowers the rate of the stream's
  // class, and never raises it. 0: the client asks for none.
  std::uint32_t rate = 0;
  Consumer consumer;
  std::uint64_t address_hash = 0;  // Hash of the client's address; 0: unknown.
  std::string_view trace_id;  // The trace id that the client sent, see StreamTable; empty: none.
  // Its socket has options on trial, so the stream is counted apart as well.
  bool canary = false;
};

class Broadcaster {
 public:
  // All parts must outlive the broadcaster.
  struct Parts {
    StreamIo& io;
    ReplayPort& replays;
    StreamObserver& observer;
    WorkerStats& stats;
    SharedCounts& counts;
  };
  Broadcaster(const Parts& parts, WorkerOptions options);

  // Takes a slot for a request that may become a stream, within all caps. The caller must call
  // start() or cancel() in the same turn. `address` is the client's address as limits count it;
  // without one, there is no cap per address.
  std::expected<StreamToken, Refused> reserve(const std::optional<AddressTable::Address>& address,
                                              Instant now);
  void cancel(StreamToken token);

  // Returns true if the client named a position, every subscription is a topic that is closed, and
  // the position is not before the events that closed them: nothing more will ever follow.
  bool is_over(std::span<const Selector> subscriptions, const ResumePlan& resume) const;

  // Opens the stream: lists it under its topics, sends head and crier.open, asks for the replay,
  // and has StreamIo watch the connection. On success the stream owns the connection. On an error
  // nothing was sent, the slot is free again, and the caller still owns the connection.
  std::expected<void, Refused> start(StreamToken token, const StartRequest& request, Instant now);
  // The row of `topics` that was full. Requires: the last start() returned class_streams_max.
  const TopicClass& full_row() const { return (*options_.classes)[full_row_]; }

  // Events of a connection. The token of a stream that is gone is ignored. on_writable() writes
  // what the stream is owed at once until this turn's share is used up; run() writes the rest.
  void on_writable(StreamToken token, Instant now);
  // Reads and discards input. A client that sends too much ends its stream.
  void on_readable(StreamToken token);
  void on_peer_closed(StreamToken token);

  // The items of the inbox, in its order. Requires: wants_input().
  void take_batch(const SharedBatch& batch);
  void take_answer(ReplayAnswer&& answer, Instant now);
  void take_lost(const LostEvents& lost);
  // Returns true if the next item of the inbox may be taken now. Returns false while too much is
  // pending, or when the answers of this turn have used up their share of it.
  bool wants_input() const;

  // Does one slice of work. The worker calls it until unfinished() is false and does other work in
  // between.
  void run(Instant now);
  bool unfinished() const;

  // Sweeps a share of the streams: heartbeats, stalled and expired streams, the drain. Call it
  // every kSweepTickMs.
  void tick(Instant now);
  // See Sweep.
  std::vector<LagSurvey::Found> take_lagging(Instant now) { return sweep_.take_lagging(now); }
  // Has run() visit the streams that wait for tokens. Call it every kRevisitTickMs while
  // any_to_revisit().
  void revisit() { delivery_.begin_round(); }
  bool any_to_revisit() const { return delivery_.any_revisited(); }

  // Ends every stream, spread over this time. No stream is admitted any more. Clients are told to
  // come back after kDrainLastMs more: the daemon cuts the streams that are left by then.
  // `ids_end`: ids that clients have are worth nothing afterwards, and they are told `restarted`.
  void begin_drain(std::uint32_t spread_ms, Instant now, bool ids_end = false);
  // Closes the remaining streams at the end of this turn.
  void cut_all();

  // Ends a turn: closes the streams that ended and frees their slots.
  void finish_turn(Instant now);

  // Applies those options of `wanted` that may change while streams are open.
  void set_live_options(const WorkerOptions& wanted);
  // Adds and removes a watcher of single streams. One is added only while an operator asks for
  // debug lines or traces. It must be removed before it is destroyed.
  void watch(StreamWatcher& watcher) {
    watchers_.add(watcher);
    delivery_.watch(&watchers_);
  }
  void unwatch(StreamWatcher& watcher) {
    watchers_.remove(watcher);
    if (watchers_.empty()) delivery_.watch(nullptr);
  }

  // The debug pages and trace ids read these.
  const StreamTable& streams() const { return streams_; }
  StreamTable& streams() { return streams_; }
  const TopicIndex& topics() const { return topics_; }
  std::uint32_t subscribers(std::string_view topic) const;
  std::size_t open_streams() const { return streams_.size(); }
  // Returns the bytes of frames that were taken and not yet offered to all of their streams; see
  // Fanout.
  std::size_t pending_bytes() const { return fanout_.pending_bytes(); }
  // Returns true if an event of the topic, up to this sequence, was taken and not yet offered to
  // all of its streams.
  bool has_pending(std::string_view topic, std::uint64_t sequence) const {
    return fanout_.has_pending(topic, sequence);
  }
  // Returns true if tables, lists, rings and counts agree. O(n); debug builds check it in some
  // turns.
  bool consistent() const;

 private:
  // Defined in admission.cc.
  std::expected<void, Refused> enter_topics(StreamIndex index,
                                            std::span<const Selector> subscriptions);
  bool enter_rows(std::span<const Selector> subscriptions);
  void leave_rows(std::span<const Selector> subscriptions);

  void vacate(StreamIndex index, EndReason reason, Instant now);
  void give_back_counts(Stream& stream);
  bool counts_consistent() const;
  void set_own_limits(Stream& stream, const StartRequest& request, Instant now);
  void write_prelude(StreamIndex index, const StartRequest& request, Instant now);
  void append_closings(const Stream& stream, std::string_view id, std::uint64_t position);
  void begin_replay(StreamIndex index, const StartRequest& request, Instant now);
  void handle_lost();

  WorkerOptions options_;
  StreamIo& io_;
  StreamObserver& observer_;
  WorkerStats& stats_;
  SharedCounts& counts_;
  StreamTable streams_;
  TopicIndex topics_;
  DeferredClose closes_;
  ReplayQueue replay_queue_;
  StreamWatchers watchers_;
  Delivery delivery_;
  Fanout fanout_;
  CatchUp catch_up_;
  OwedBound owed_bound_;
  Sweep sweep_;
  std::string prelude_;
  bool draining_ = false;
  ClassIndex full_row_ = 0;
  std::uint64_t turn_steps_ = 0;  // Steps that ready sockets and answers have taken in this turn.
  SlowCheckPace checks_;
  struct Lost {
    std::uint64_t from;
    std::uint64_t through;
    // Sorted: the rows of the lost topics, and of the patterns that match one. Unset: all rows.
    std::optional<std::vector<TopicEntryIndex>> rows;
    StreamIndex next;  // The next slot of the pass over the table.
  };
  bool concerns(const Lost& lost, const Stream& stream) const;
  std::optional<Lost> lost_;
};

}  // namespace crier::broadcast
