// Batches to streams, in slices that take turns: the hot path.
//
// What a batch brings for a topic or pattern that streams want becomes a *segment* of that row's
// *group*. A segment is offered to every stream of the row; events that arrive while an earlier
// segment waits are appended to the last one that was not begun, so the more events come, the more
// of them one write carries.
//
// A stream with several subscriptions is listed in several rows. A visit to it merges what is
// pending for it in all of their groups and writes it once, in sequence order, each event once;
// later visits of the other groups then find nothing left to do. So an event never waits for a
// broadcast to the other streams of its stream's topics, and a stream is offered an event of one
// topic only after every earlier one of its others. Where many streams take the same frames, their
// bytes are put together once.
//
// Matching patterns takes up to half of a slice. Streams without a pattern do not wait for it: see
// TopicIndex.
//
// Fair shares: groups with few streams have half of a slice, in the order in which they came;
// the others take turns in the rest. Each half is the others' where it is not needed.
//
// A frame is offered to a stream only if its sequence is at least the stream's sequence_next, which
// then advances: joining, leaving and resuming in the middle of a slice can neither lose nor
// repeat.
//
// Belongs to one worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/frame_run.h"
#include "broadcast/streams/topic_index.h"

namespace crier::broadcast {

class Fanout {
 public:
  Fanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery);

  // Queues the batch for every stream that wants part of it. Of the rest nothing is kept.
  void add(const SharedBatch& batch);

  // Serves one group after the other until it has taken `most` steps, in writes or in work that
  // costs as much, or nothing is pending. Requires: most > 0.
  void run(std::size_t most, Instant now);

  bool unfinished() const { return !unmatched_.empty() || !small_.empty() || !large_.empty(); }
  // Is so much pending that the inbox should wait?
  bool full() const;
  // Frames and bytes put together that wait here; a frame counts for each group it stands in.
  std::size_t pending_bytes() const { return pending_bytes_; }

 private:
  using SegmentIndex = std::uint32_t;
  using GroupIndex = std::uint32_t;

  struct Segment {
    FrameRef owned;  // The first frame of the run, so that one alone allocates nothing,
    std::vector<FrameRef> owned_further;  // and those after it.
    FrameRun run;
    std::uint32_t left = kNone;  // Streams still to be visited, from the end; kNone: not begun.
    SegmentIndex next = kNone;   // The group's next one.
  };
  struct Group {
    TopicEntryIndex row = kNone;
    SegmentIndex first = kNone;  // Segments in the order of their events; kNone: vacant.
    SegmentIndex last = kNone;
    std::uint32_t turn_steps = 0;  // Taken in its present turn.
  };
  // What was merged for the stream visited last, for the next one that waits for the same.
  struct Merged {
    std::uint64_t version = 0;  // Of what is pending; another value: out of date.
    std::vector<GroupIndex> groups;
    FrameRun run;
    std::uint64_t complete_through = 0;  // No later frame is offered: earlier ones were left out.
    std::size_t uses = 0;
  };

  bool may_match() const;
  std::size_t match_some(std::size_t steps_max);
  void add_to_group(TopicEntryIndex row, const FrameRef& frame);
  SegmentIndex append_segment(Group& group);
  void spend(std::size_t steps) { steps_left_ -= std::min(steps, steps_left_); }
  void offer(StreamIndex index, Frames frames, std::string_view shared, Instant now);
  void serve(std::deque<GroupIndex>& turns, Instant now);
  void serve_segment(Segment& segment, const TopicEntry& row, Instant now);
  void visit(StreamIndex index, Segment& segment, std::size_t members, Instant now);
  void visit_merged(StreamIndex index, std::uint64_t through, Instant now);
  bool gather_groups(const Stream& stream);
  void merge_gathered(std::uint64_t through);
  std::string_view put_together(FrameRun& run, Frames stretch, Framing framing);
  void finish_segment(Group& group);
  void drop_group(GroupIndex index);

  StreamTable& streams_;
  TopicIndex& topics_;
  Delivery& delivery_;
  std::deque<SharedBatch> unmatched_;  // Batches whose patterns are not found yet.
  std::size_t matched_frames_ = 0;     // Frames of the first of them that were matched.
  std::vector<Segment> segments_;
  std::vector<SegmentIndex> free_segments_;
  std::vector<Group> groups_;
  std::vector<GroupIndex> free_groups_;
  std::deque<GroupIndex> small_;  // Groups with something pending, in the order of their turns.
  std::deque<GroupIndex> large_;
  std::size_t steps_left_ = 0;  // Of the slice.
  std::size_t pending_bytes_ = 0;
  std::size_t pending_frames_ = 0;
  std::uint64_t version_ = 1;  // Changes with what is pending.
  Merged merged_;
  std::vector<GroupIndex> gathered_;
  std::vector<Frames> runs_;
  std::vector<TopicEntryIndex> matching_;
};

}  // namespace crier::broadcast
