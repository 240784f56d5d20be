// Batches to streams, in slices that take turns: the hot path.
//
// What a batch brings for one topic becomes a *segment* of that topic's *group*. A segment is
// offered to every single stream of its topic; events that arrive while an earlier segment waits
// are appended to the last one that was not begun, so the more events come, the more of them one
// write carries. Where many streams take the same frames, their bytes are put together once. Groups
// take turns, a slice each.
//
// A frame is offered to a stream only if its sequence is at least the stream's sequence_next, which
// then advances: joining, leaving and resuming in the middle of a slice can neither lose nor
// repeat.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/multi_fanout.h"
#include "broadcast/streams/topic_index.h"

namespace crier::broadcast {

class Fanout {
 public:
  Fanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery);

  // Queues the batch for every stream that wants part of it.
  void add(const SharedBatch& batch);

  // Serves one group after the other until it has looked at `most` streams, or did as much work
  // otherwise, or nothing is pending. Returns how many it looked at. Requires: most > 0.
  std::size_t run(std::size_t most, Instant now);

  bool unfinished() const { return !turns_.empty(); }
  // Is so much pending that the inbox should wait?
  bool full() const;

 private:
  struct Segment {
    std::vector<FrameRef> frames;
    std::string together[2];     // By framing: the frames' bytes, made when first worth it.
    std::size_t bytes = 0;       // As chunks.
    std::uint32_t left = kNone;  // Streams still to be visited, from the end; kNone: not begun.
  };
  struct Group {
    TopicEntryIndex row = kNone;
    std::deque<Segment> segments;
  };
  using GroupIndex = std::uint32_t;

  void add_to_group(TopicEntryIndex row, const FrameRef& frame);
  std::size_t serve(GroupIndex index, std::size_t most, Instant now);
  std::size_t serve_segment(Segment& segment, const TopicEntry& row, std::size_t most, Instant now);
  std::string_view together(Segment& segment, Framing framing, std::size_t streams) const;
  void finish_segment(Group& group);
  void drop_group(GroupIndex index);

  StreamTable& streams_;
  TopicIndex& topics_;
  Delivery& delivery_;
  MultiFanout multis_;
  std::vector<Group> groups_;
  std::vector<GroupIndex> free_groups_;
  std::deque<GroupIndex> turns_;  // Groups with something pending; kNone stands for the multis.
  std::size_t pending_bytes_ = 0;
  std::size_t pending_frames_ = 0;
};

}  // namespace crier::broadcast
