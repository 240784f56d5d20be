// Batches to the streams that have several subscriptions or a pattern.
//
// Such a stream is never served topic by topic: its share of a batch is merged by sequence first
// and written once, each event once however many of its subscriptions match. Or the rule that a
// stream is only offered what is >= sequence_next would silently skip the lower sequence in the
// later topic.
//
// Batches are served in order, one after the other; a batch in slices: first its events are
// matched, then the streams visited.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/topic_index.h"

namespace crier::broadcast {

class MultiFanout {
 public:
  MultiFanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery);

  void add(const SharedBatch& batch);
  // Matches pending events or offers them to at most `most` streams, a share of work that costs
  // about as much either way. Returns how many streams it looked at, or stands for; 0: nothing is
  // pending.
  std::size_t run(std::size_t most, Instant now);
  bool unfinished() const { return batch_ || !waiting_.empty(); }
  std::size_t pending_frames() const { return pending_frames_; }

 private:
  // A row that the batch being served has events for.
  struct Share {
    TopicEntryIndex row;
    std::vector<FrameRef> frames;  // In sequence order.
    std::uint32_t left;            // Members still to be visited, from the end.
  };

  void begin();
  std::size_t match_some(std::size_t steps_max);  // Returns the steps it took.
  void finish();
  void add_to_share(TopicEntryIndex row, const FrameRef& frame);
  void serve(StreamIndex index, Instant now);

  StreamTable& streams_;
  TopicIndex& topics_;
  Delivery& delivery_;
  std::deque<SharedBatch> waiting_;
  std::size_t pending_frames_ = 0;

  // The batch being served.
  SharedBatch batch_;          // Null: none.
  std::size_t matched_ = 0;    // So many of its events.
  std::uint64_t through_ = 0;  // Its last sequence.
  std::vector<Share> shares_;
  std::vector<std::uint32_t> share_of_;  // By row; kNone: none.
  std::size_t share_ = 0;                // The one whose members are being visited.
  std::vector<FrameRef> merged_;
  std::vector<TopicEntryIndex> matching_;
};

}  // namespace crier::broadcast
