// Bytes to one stream: written at once while it keeps up, through its ring when it does not.
//
// The states live, owing, replaying and ending meet here: a write that is cut short makes a live
// stream owing, the write that empties its ring makes it live again, sends a replaying one back to
// the history, and closes an ending one. What happens when a ring is full is the stream's overflow
// policy.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
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
#include "core/instant.h"
#include "core/random.h"

namespace crier::broadcast {

class Delivery {
 public:
  // All of them outlive it; the options may change between turns.
  struct Parts {
    StreamTable& streams;
    StreamIo& io;
    WorkerStats& stats;
    DeferredClose& closes;
    ReplayQueue& replays;
    const WorkerOptions& options;
  };
  explicit Delivery(const Parts& parts);

  // Offers a live or owing stream the next events of its topics, in sequence order.
  // `shared` may hold the frames' bytes in the stream's framing, one after the other; else it is
  // empty. Requires: frames is not empty, and the first is >= stream.sequence_next.
  // A stream that keeps up takes no reference to them.
  void offer(StreamIndex index, Frames frames, std::string_view shared, Instant now);

  // Appends frames to the ring, whatever the state; what does not fit is the overflow policy's.
  // Advances sequence_next past each log frame it takes. False: a policy took over, the rest is not
  // owed.
  bool enqueue(StreamIndex index, Frames frames, Instant now);

  // Sends bytes of crier's own, already framed: at once when nothing is owed, else after what is.
  void send_own(StreamIndex index, std::string_view wire, Instant now);

  // Writes what is owed until all is sent, the socket is full, the tokens are used up, or this
  // stream has taken a slice. Requires: the stream has an Owing.
  void drain(StreamIndex index, Instant now);
  // Drains the stream in a later slice.
  void drain_later(StreamIndex index);

  // What all writes together have taken, ever: see turn_limits.h.
  std::uint64_t steps() const { return steps_; }

  // Ends a stream that can be told: crier.end after what it is owed, then closed.
  void end(StreamIndex index, EndReason reason, Instant now);

  // Gives back what the stream was owed. For the end of the turn that closes it.
  void release(StreamIndex index);

  // Leaves the stream owed at most so many bytes, besides what it has begun and crier's own events;
  // what becomes of the rest is its overflow policy's. False: there was nothing to be done.
  bool give_way(StreamIndex index, std::uint32_t bytes_max, Instant now);
  // Closes the stream, and gives back what it was owed at once. False: it was owed nothing.
  bool close_owing(StreamIndex index);
  // Of the frames that rings refer to; those that several do count for each.
  std::uint64_t owed_memory() const { return owed_memory_; }

  // Makes a live or owing stream continue from the history, from the first event it was
  // not sent a byte of.
  void fall_back_to_log(StreamIndex index);
  // The same, but what it is owed already is kept and sent first.
  void rejoin_log(StreamIndex index);

  // Drains the streams that were put off to a later slice, until `most` steps are taken. Returns
  // the steps it took, as does continue_round().
  std::size_t continue_listed(std::size_t most, Instant now);
  bool any_listed() const { return !listed_.empty(); }

  // Streams that wait for tokens, or for the kernel to have memory again, are visited in rounds:
  // one begins every 20 ms while there are any, unless the last is not over.
  void begin_round();
  bool any_revisited() const { return !revisited_.empty(); }
  // Drains the next ones of the round, until `most` steps are taken or a bounded number was looked
  // at.
  std::size_t continue_round(std::size_t most, Instant now);
  bool in_round() const { return !round_.empty(); }

  // Who is told of single streams; null, as it nearly always is: nobody. Outlives this, or is taken
  // back.
  void watch(StreamWatcher* watcher) { watcher_ = watcher; }
  // A stream is open; nothing is written to it yet.
  void tell_opened(const Stream& stream, bool resumed) const;
  // A stream is about to be told of a loss.
  void count_gap(const Stream& stream, const Gap& gap);

  // What follows once a stream's ring is empty: live again, back to the history, or closed.
  // Requires: the stream has an Owing, and its ring is empty.
  void settle(StreamIndex index);

  // Wraps SSE text in the stream's framing.
  static void append_framed(std::string& out, Framing framing, std::string_view text);
  std::uint32_t retry_ms();
  // Until then nobody is listening for those who are told to come back.
  void set_drain_end(Instant end) { drain_end_ = end; }

 private:
  struct Cut {
    std::size_t frames = 0;  // Sent whole.
    std::size_t bytes = 0;   // Sent of the next one.
    bool gone = false;
  };
  struct Gathered {
    std::size_t bytes = 0;
    bool out_of_tokens = false;  // The rate cut it short.
  };

  bool paced(const Stream& stream) const;
  const TokenRate& rate(const Stream& stream) const;
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

  bool make_room_for(Owing& owing, std::size_t bytes);
  void push(Stream& stream, Owing& owing, FrameRef frame);
  // The two ends of what is counted of a frame that a ring refers to.
  void count_owed(const Stream& stream, Owing& owing, const Frame& frame);
  void forget_owed(const Stream& stream, Owing& owing, const Frame& frame);
  Gathered gather(Stream& stream, Owing& owing, Instant now);
  void drop_sent(Stream& stream, Owing& owing, std::size_t bytes, Instant now);

  // continuing.cc
  void await_tokens(StreamIndex index);
  void revisit(StreamIndex index);
  bool needs_tokens_to_ask(Stream& stream, Instant now);

  // overflow.cc
  bool overflow(StreamIndex index, const Frame& frame, Instant now);
  bool make_room_by_dropping(Stream& stream, Owing& owing, std::size_t bytes);
  void drop_unsent(Stream& stream, Owing& owing);
  bool drop_oldest(Stream& stream, Owing& owing);
  void announce_dropped(Stream& stream, Owing& owing);
  FrameRef gap_of_dropped(const Stream& stream, Owing& owing);
  static bool owes_unsent_event(const Owing& owing);

  StreamTable& streams_;
  StreamIo& io_;
  WorkerStats& stats_;
  DeferredClose& closes_;
  ReplayQueue& replays_;
  const WorkerOptions& options_;
  StreamWatcher* watcher_ = nullptr;
  Random random_;
  std::vector<iovec> pieces_;
  std::string scratch_;
  std::deque<StreamToken> listed_;
  std::vector<StreamToken> revisited_;  // For the next round.
  std::vector<StreamToken> round_;      // Being visited, from the front,
  std::size_t round_next_ = 0;          // and how far that has come.
  std::uint64_t steps_ = 0;
  std::uint64_t queue_bytes_ = 0;
  std::uint64_t owed_memory_ = 0;
  Instant drain_end_;
};

}  // namespace crier::broadcast
