// One worker's broadcasting as a whole: the streams it holds, what each is owed, and when it ends.
//
// The worker's loop tells it what happened (a stream was accepted, a socket became writable, the
// inbox brought a batch) and gives it turns (run, tick, finish_turn); it answers through StreamIo,
// ReplayPort and StreamObserver. It never asks for the time and never waits, so a test can drive it
// byte by byte.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
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

// Told on the worker's thread, inside the call that caused it.
class StreamObserver {
 public:
  virtual ~StreamObserver() = default;
  // The stream has been sent what was known at once. `resumed`: the client named a position.
  virtual void on_stream_opened(StreamToken token, const Stream& stream, bool resumed) = 0;
  // The stream's slot is still valid; its connection is about to be closed.
  virtual void on_stream_ended(StreamToken token, const Stream& stream, EndReason reason,
                               Instant now) = 0;
};

// The counts that all workers share, so that caps are exact. Any thread.
struct SharedCounts {
  SharedCounts(std::size_t addresses_max, const HashKey& key) : addresses(addresses_max, key) {}

  std::atomic<std::uint32_t> streams{0};
  std::atomic<std::uint32_t> streams_max{0};
  std::atomic<std::uint32_t> streams_per_address_max{0};  // 0: no cap, and nothing is counted.
  AddressTable addresses;
};

// Why a stream was not admitted; a peer can cause each, so none is our error.
enum class Refused : std::uint8_t {
  streams_max,
  streams_per_address_max,
  topics_max,
  patterns_max,
  draining,
};

struct StartRequest {
  ConnectionHandle connection = ConnectionHandle::none;  // Taken over; closed through StreamIo.
  std::string_view head;                                 // The response head, sent as it is.
  Framing framing = Framing::chunked;
  bool padding = false;
  std::span<const Selector> subscriptions;  // Distinct, at least one.
  ResumePlan resume;
  std::uint64_t address_hash = 0;  // Of the client's address; 0: unknown.
  std::string_view trace_id;       // The client's own, see StreamTable; empty: none.
  bool canary = false;             // Counted apart, too: its socket has options on trial.
};

class Broadcaster {
 public:
  // All outlive it.
  struct Parts {
    StreamIo& io;
    ReplayPort& replays;
    StreamObserver& observer;
    WorkerStats& stats;
    SharedCounts& counts;
  };
  Broadcaster(const Parts& parts, WorkerOptions options);

  // Takes a slot for a request that may become a stream, within all caps. To be followed by start()
  // or cancel() in the same turn. `address` is the key that limits count by.
  std::expected<StreamToken, Refused> reserve(const std::array<std::uint8_t, 16>& address,
                                              Instant now);
  void cancel(StreamToken token);

  // Opens the stream: lists it, sends head and crier.open, asks for the replay, has StreamIo watch
  // the connection, which is the stream's from here on. Error: nothing was sent, the slot is free
  // again and the connection still the caller's.
  std::expected<void, Refused> start(StreamToken token, const StartRequest& request, Instant now);

  // Events of the connection. A token of a stream that is gone is ignored. What streams are owed is
  // written at once until a slice is taken; run() does the rest.
  void on_writable(StreamToken token, Instant now);
  // Reads the input and forgets it, up to a bound that ends the stream.
  void on_readable(StreamToken token);
  void on_peer_closed(StreamToken token);

  // The inbox, in its order. Requires: wants_input().
  void take_batch(const SharedBatch& batch);
  void take_answer(ReplayAnswer&& answer, Instant now);
  void take_lost(const LostEvents& lost);
  // Should the next thing in the inbox be taken now? False while too much is pending, or once the
  // answers of this turn took half of it.
  bool wants_input() const;

  // One slice of work; to be called until unfinished() is false, other work in between.
  void run(Instant now);
  bool unfinished() const;

  // The slow hand: heartbeats, stalled and expired streams, the drain's share. Every kSweepTickMs.
  void tick(Instant now);
  // Streams that wait for tokens: run() visits them from here on. Every kRevisitTickMs while
  // any_to_revisit().
  void revisit() { delivery_.begin_round(); }
  bool any_to_revisit() const { return delivery_.any_revisited(); }

  // Ends every stream, spread over the window; nothing is admitted any more.
  void begin_drain(std::uint32_t window_ms, Instant now);
  // Ends what is left, at once.
  void cut_all();

  // The end of a turn: closes what ended, hands slots back.
  void finish_turn(Instant now);

  void set_live_options(const WorkerOptions& wanted);
  // Who is told of single streams while an operator asks for it; null: nobody. To be taken back
  // before it goes.
  void watch(StreamWatcher* watcher) { delivery_.watch(watcher); }

  // For the debug pages and for trace ids.
  const StreamTable& streams() const { return streams_; }
  StreamTable& streams() { return streams_; }
  const TopicIndex& topics() const { return topics_; }
  std::uint32_t subscribers(std::string_view topic) const;
  std::size_t open_streams() const { return streams_.size(); }
  // Of what was taken and not offered to all of its streams yet; see Fanout.
  std::size_t pending_bytes() const { return fanout_.pending_bytes(); }
  // O(n): tables, lists, rings and counts agree. Also checked by some turns of debug builds.
  bool consistent() const;

 private:
  void vacate(StreamIndex index, EndReason reason, Instant now);
  void give_back_counts(Stream& stream);
  bool counts_consistent() const;
  void write_prelude(StreamIndex index, const StartRequest& request, Instant now);
  void begin_replay(StreamIndex index, const StartRequest& request, Instant now);
  void pass_lost();

  WorkerOptions options_;
  StreamIo& io_;
  StreamObserver& observer_;
  WorkerStats& stats_;
  SharedCounts& counts_;
  StreamTable streams_;
  TopicIndex topics_;
  DeferredClose closes_;
  ReplayQueue replay_queue_;
  Delivery delivery_;
  Fanout fanout_;
  CatchUp catch_up_;
  OwedBound owed_bound_;
  Sweep sweep_;
  std::string prelude_;
  bool draining_ = false;
  std::uint64_t turn_steps_ = 0;  // Taken in this turn by ready sockets and answers.
  SlowCheckPace checks_;
  struct Lost {
    std::uint64_t from;
    std::uint64_t through;
    // In order: the rows of the topics lost, and of the patterns that match one. Nothing: all.
    std::optional<std::vector<TopicEntryIndex>> rows;
    StreamIndex next;  // The pass over the table has come this far.
  };
  bool concerns(const Lost& lost, const Stream& stream) const;
  std::optional<Lost> lost_;
};

}  // namespace crier::broadcast
