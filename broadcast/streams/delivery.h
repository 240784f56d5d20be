// Delivers bytes to one stream: writes them at once while the stream keeps up, and through its ring
// when it does not.
//
// Delivery changes a stream between the states live, owing, replaying and ending. A write that is
// cut short makes a live stream owing. The write that empties its ring makes an owing stream live
// again, sends a replaying one back to the history, and closes an ending one. When a ring is full,
// the stream's overflow policy decides.
//
// With the policy conflate a stream is owed only the newest event of each topic. The events that
// newer ones supersede stay in the ring until a pass over it drops them: when its storage is full,
// at the stream's limits, and before a write if events were added since the last pass. A pass looks
// at each frame once, in a hash table of topics, and takes steps for it. A pass that drops less
// than an eighth of the frames, and less than an eighth of owed_bytes_max, is not repeated for the
// next event: the storage doubles, or, at a limit, the ring is dropped and the stream continues
// from the history. So adding an event costs no more than about ten looks, and the storage follows
// the number of topics owed. A write costs at most one look for each frame in the ring, and none
// while the stream has no token.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/streams/deferred_close.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/replay_queue.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_io.h"
#include "broadcast/streams/stream_table.h"
#include "broadcast/streams/stream_watcher.h"
#include "broadcast/streams/topic_index.h"
#include "core/instant.h"
#include "core/random.h"

namespace crier::broadcast {

class Delivery {
 public:
  // All parts must outlive the delivery. The options may change between turns.
  struct Parts {
    StreamTable& streams;
    const TopicIndex& topics;
    StreamIo& io;
    WorkerStats& stats;
    DeferredClose& closes;
    ReplayQueue& replays;
    const WorkerOptions& options;
  };
  explicit Delivery(const Parts& parts);

  // Offers a live, owing or replaying stream the next events of its topics, in sequence order. A
  // stream that keeps up takes no reference to the frames. `shared` is empty or holds the bytes of
  // all frames, in the stream's framing and one after the other. Requires: frames is not empty, and
  // the first sequence is >= stream.sequence_next.
  void offer(StreamIndex index, Frames frames, std::string_view shared, Instant now);

  // Appends frames to the ring in any state, and advances sequence_next past each log frame it
  // takes. The overflow policy decides about frames that do not fit. Returns false if the policy
  // took over; the stream is then not owed the rest.
  bool enqueue(StreamIndex index, Frames frames, Instant now);

  // Sends bytes of crier's own, already framed: at once if nothing is owed, and otherwise after
  // what is.
  void send_own(StreamIndex index, std::string_view wire, Instant now);
  // Sends a heartbeat, already framed: at once, even if the stream waits for tokens. Requires: no
  // event is begun, and the socket is not known to be full.
  void send_heartbeat(StreamIndex index, std::string_view wire, Instant now);
  // Returns true if the stream is owed something and waits for tokens, between two events.
  bool awaits_tokens(const Stream& stream) const;

  // Writes what is owed until all is sent, the socket is full, the tokens are used up, or this
  // stream has used up a slice. Requires: the stream has an Owing.
  void drain(StreamIndex index, Instant now);
  // Puts the stream into the list that continue_listed() drains in a later slice.
  void drain_later(StreamIndex index);

  // Returns the steps of all writes so far; see turn_limits.h.
  std::uint64_t steps() const { return steps_; }

  // Ends a stream: sends crier.end after what the stream is owed, then closes it.
  void end(StreamIndex index, EndReason reason, Instant now);
  // The same, but the stream gets only the event it has begun, and no other that it is owed.
  void end_dropping(StreamIndex index, EndReason reason, Instant now);
  // Ends a live stream if all its topics are closed, by events that it was sent or that come before
  // its position. Called whenever a stream becomes live, and after a closing event was offered.
  void end_if_closed(StreamIndex index, Instant now);

  // Drops what the stream is owed. Called at the end of the turn that closes it.
  void release(StreamIndex index);

  // Reduces what the stream is owed to at most `bytes_max`, not counting an event it has begun and
  // crier's own events. The overflow policy decides what happens to the other events. Returns false
  // if there was nothing to do.
  bool give_way(StreamIndex index, std::uint32_t bytes_max, Instant now);
  // Closes the stream and drops at once what it was owed. Returns false if it was owed nothing.
  bool close_owing(StreamIndex index);
  // Returns the memory of the frames that rings refer to. A frame counts once for each ring.
  std::uint64_t owed_memory() const { return owed_memory_; }

  // Makes a live, owing or replaying stream continue from the history, from the first event of
  // which no byte was sent.
  void fall_back_to_log(StreamIndex index);
  // Makes a live, owing or replaying stream continue from the history after it has sent what it is
  // owed.
  void rejoin_log(StreamIndex index);

  // Drops full rings of streams that continue from the history, until `most` steps are used.
  // Returns the steps it used. Meanwhile such a stream is sent what its ring holds.
  std::size_t continue_dropping(std::size_t most);
  bool any_to_drop() const { return !to_drop_.empty(); }

  // Drains the streams of drain_later() until `most` steps are used. Returns the steps it used.
  std::size_t continue_listed(std::size_t most, Instant now);
  bool any_listed() const { return !listed_.empty(); }

  // Begins a round of visits to the streams that wait for tokens or for the kernel to have memory
  // again, unless the last round is unfinished. Called every 20 ms while there are such streams.
  void begin_round();
  bool any_revisited() const { return !revisited_.empty(); }
  // Drains the next streams of the round until `most` steps are used or a bounded number was looked
  // at. Returns the steps it used.
  std::size_t continue_round(std::size_t most, Instant now);
  bool in_round() const { return !round_.empty(); }

  // Sets the observer of single streams; null unless an operator watches some. The observer must
  // outlive the delivery, or be reset before.
  void watch(StreamWatcher* watcher) { watcher_ = watcher; }
  // Tells the watcher that a stream opened. Requires: nothing was written to it yet.
  void tell_opened(const Stream& stream, bool resumed) const;
  // Counts a gap, and tells the watcher. Called before the stream is told of it.
  void count_gap(const Stream& stream, const Gap& gap);

  // Decides what a stream does when its ring is empty: it becomes live, asks the history, or is
  // closed. Requires: the stream has an Owing, and its ring is empty.
  void settle(StreamIndex index);

  // Appends SSE text in the given framing.
  static void append_framed(std::string& out, Framing framing, std::string_view text);
  // Returns a random time for a client to wait before it reconnects.
  std::uint32_t retry_ms();
  // Sets when the drain ends. Clients that are told to reconnect wait until then, because nothing
  // listens before. `ids_end`: they are told `restarted`.
  void set_drain(Instant end, bool ids_end) {
    drain_end_ = end;
    ids_end_ = ids_end;
  }

 private:
  struct Cut {
    std::size_t frames = 0;  // Frames that were sent whole.
    std::size_t bytes = 0;   // Bytes that were sent of the next frame.
    bool gone = false;
  };
  struct Gathered {
    std::size_t bytes = 0;
    bool out_of_tokens = false;  // The rate limit cut it short.
  };

  // What a paced stream may begin to send at one instant: copies of its buckets.
  struct Allowance {
    std::uint32_t events;
    CostRate bytes_rate;
    CostBucket bytes;
    Instant now;

    bool any() const;  // Whether there are tokens of each kind.
    // Takes the tokens of one event with so many bytes. Returns false if there are too few.
    bool take(std::size_t wire_bytes);
  };

  const TopicClass& class_of(const Stream& stream) const {
    return (*options_.classes)[stream.topic_class];
  }
  OverflowPolicy policy(const Stream& stream) const { return class_of(stream).policy; }
  // Returns the rate of its class, or the lower one that its client asked for.
  TokenRate rate(const Stream& stream) const;
  bool paced(const Stream& stream) const;
  // Defined in continuing.cc. Require: paced(stream).
  Allowance allowance_of(Stream& stream, Instant now);
  std::size_t events_allowed(Stream& stream, Frames events, Instant now);
  void pay(Stream& stream, const Frame& event, Instant now);
  // Writes bytes of crier's own. Returns how many are left to the ring; 0 if the stream ends.
  std::size_t write_own(StreamIndex index, std::string_view wire, Instant now);
  Cut write_frames(Stream& stream, Frames frames, std::string_view shared, Instant now);
  WriteOutcome write(Stream& stream, Instant now);
  void add_piece(std::string_view bytes);
  void count_events(Stream& stream, Frames events, Instant now);
  void observe_latency(const Stream& stream, Frames events, Instant now);
  void tell(const Stream& stream, StreamStep step) const {
    if (watcher_ != nullptr) [[unlikely]] {
      watcher_->on_step(streams_.token(streams_.index_of(stream)), stream, step);
    }
  }
  void fall_behind(StreamIndex index, Frames frames, const Cut& cut, Instant now);

  bool within_limits(const Stream& stream, const Owing& owing, std::size_t bytes) const;
  void push(Stream& stream, Owing& owing, FrameRef frame);
  // Count the bytes of a frame when a ring takes a reference to it, and when the ring drops that
  // reference.
  void count_owed(const Stream& stream, Owing& owing, const Frame& frame);
  void forget_owed(const Stream& stream, Owing& owing, const Frame& frame);
  Gathered gather(Stream& stream, Owing& owing, Instant now);
  void drop_sent(Stream& stream, Owing& owing, std::size_t bytes, Instant now);

  // Defined in continuing.cc.
  void await_tokens(StreamIndex index);
  void revisit(StreamIndex index);
  bool needs_tokens_to_ask(Stream& stream, Instant now);

  // Defined in overflow.cc.
  bool all_closed(const Stream& stream) const;
  bool make_room_for(const Stream& stream, Owing& owing, std::size_t bytes);
  void count_overflow(const Stream& stream, const Owing& owing);
  bool overflow(StreamIndex index, const Frame& frame, Instant now);
  bool make_room_by_dropping(Stream& stream, Owing& owing, std::size_t bytes);
  bool make_room_by_conflating(Stream& stream, Owing& owing, const Frame& next);
  std::uint32_t conflate(Stream& stream, Owing& owing, const Frame* next);
  Frames newest_of_each_topic(Frames frames);
  void drop_unsent(Stream& stream, Owing& owing);
  void ask_log_if_sent(StreamIndex index);
  bool drop_oldest(Stream& stream, Owing& owing);
  void announce_dropped(StreamIndex index);
  FrameRef gap_of_dropped(const Stream& stream, Owing& owing);
  static bool owes_unsent_event(const Owing& owing);

  StreamTable& streams_;
  const TopicIndex& topics_;
  StreamIo& io_;
  WorkerStats& stats_;
  DeferredClose& closes_;
  ReplayQueue& replays_;
  const WorkerOptions& options_;
  StreamWatcher* watcher_ = nullptr;
  Random random_;
  std::vector<iovec> pieces_;
  std::vector<const Frame*> newest_;
  std::string scratch_;
  std::deque<StreamToken> listed_;
  std::deque<StreamToken> to_drop_;     // Streams whose full rings are still to be dropped.
  std::vector<StreamToken> revisited_;  // Streams of the next round.
  std::vector<StreamToken> round_;      // Streams of the current round.
  std::size_t round_next_ = 0;          // The next stream of the current round.
  std::uint64_t steps_ = 0;
  std::uint64_t queue_bytes_ = 0;
  std::uint64_t owed_memory_ = 0;
  Instant drain_end_;
  bool ids_end_ = false;  // Of the drain.
};

}  // namespace crier::broadcast
