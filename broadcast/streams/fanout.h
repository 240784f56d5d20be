// Fan-out: offers the events of batches to the streams that want them, in slices. This is the hot
// path.
//
// Each topic and each pattern that streams want has a row (TopicIndex). A row with pending events
// has a *group*, and the group has *segments*: runs of events that are offered to every stream of
// the row. Events that arrive while the last segment waits are appended to it, unless it was begun;
// so under load one write carries more events.
//
// A stream with several subscriptions is listed in several rows. A visit to it merges the pending
// events of all their groups and writes them once, in sequence order, each event once; later visits
// by the other groups then find nothing to do. So an event never waits for a broadcast to the other
// streams of its topics, and a stream gets an event of one topic only after every earlier one of
// its others. Where many streams take the same frames, their bytes are joined once and shared.
//
// Matching patterns takes at most half of a slice. Streams without a pattern do not wait for it:
// see TopicIndex.
//
// Groups share a slice. Groups with few streams get half of it, in the order of their arrival; the
// other groups take turns in the other half. Either half is used by the others when it is not
// needed.
//
// A frame is offered to a stream only if its sequence is at least the stream's sequence_next, which
// then advances. So a stream that joins, leaves or resumes in the middle of a slice misses no event
// and gets none twice.
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
  Fanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery, WorkerStats& stats);

  // Queues the frames that some stream wants, and keeps none of the others.
  void add(const SharedBatch& batch);

  // Serves group after group until `most` steps are used or nothing is pending. Matching patterns
  // and visits take steps as writes do. Requires: most > 0.
  void run(std::size_t most, Instant now);

  bool unfinished() const { return !unmatched_.empty() || !small_.empty() || !large_.empty(); }
  // Returns true if an event of the topic, up to this sequence, is still to be offered to a stream.
  bool has_pending(std::string_view topic, std::uint64_t sequence) const;
  // Returns true if so much is pending that the inbox should wait.
  bool full() const;
  // Returns the bytes of pending frames and of joined bytes. A frame counts for each group that has
  // it.
  std::size_t pending_bytes() const { return pending_bytes_; }

 private:
  using SegmentIndex = std::uint32_t;
  using GroupIndex = std::uint32_t;

  struct Segment {
    FrameRef owned;  // The first frame of the run. A run of one frame allocates nothing.
    std::vector<FrameRef> owned_further;  // The other frames of the run.
    FrameRun run;
    // Streams still to be visited, which the segment takes from the end; kNone: not begun.
    std::uint32_t left = kNone;
    SegmentIndex next = kNone;  // The group's next segment.
  };
  struct Group {
    TopicEntryIndex row = kNone;
    SegmentIndex first = kNone;  // Segments in the order of their events; kNone in a vacant group.
    SegmentIndex last = kNone;
    std::uint32_t turn_steps = 0;  // Steps taken in its current turn.
  };
  // The frames merged for the last stream. The next stream that waits for the same groups reuses
  // them.
  struct Merged {
    // The version_ at the merge; if it differs, the merge is out of date.
    std::uint64_t version = 0;
    std::vector<GroupIndex> groups;
    FrameRun run;
    // No later frame may be offered, because earlier ones were left out of the merge.
    std::uint64_t complete_through = 0;
    std::size_t uses = 0;
  };

  bool may_match() const;
  std::size_t match_some(std::size_t steps_max);
  void add_to_group(TopicEntryIndex row, const FrameRef& frame);
  SegmentIndex append_segment(Group& group);
  void spend(std::size_t steps) { steps_left_ -= std::min(steps, steps_left_); }
  void offer(StreamIndex index, const FrameRun& run, Frames frames, std::string_view shared,
             Instant now);
  void serve(std::deque<GroupIndex>& turns, Instant now);
  void serve_segment(Segment& segment, const TopicEntry& row, Instant now);
  void visit(StreamIndex index, Segment& segment, std::size_t members, Instant now);
  void visit_merged(StreamIndex index, std::uint64_t through, Instant now);
  bool gather_groups(const Stream& stream);
  void merge_gathered(std::uint64_t through);
  std::string_view join_bytes(FrameRun& run, Frames stretch, Framing framing);
  void finish_segment(Group& group);
  void drop_group(GroupIndex index);

  StreamTable& streams_;
  TopicIndex& topics_;
  Delivery& delivery_;
  WorkerStats& stats_;
  std::deque<SharedBatch> unmatched_;  // Batches that were not matched with patterns yet.
  std::size_t matched_frames_ = 0;     // Frames of the first such batch that were matched.
  std::vector<Segment> segments_;
  std::vector<SegmentIndex> free_segments_;
  std::vector<Group> groups_;
  std::vector<GroupIndex> free_groups_;
  // Groups with pending segments, in the order of their turns.
  std::deque<GroupIndex> small_;
  std::deque<GroupIndex> large_;
  std::size_t steps_left_ = 0;  // Steps left in the slice.
  std::size_t pending_bytes_ = 0;
  std::size_t pending_frames_ = 0;
  std::uint64_t version_ = 1;  // Grows when the pending segments change.
  Merged merged_;
  std::vector<GroupIndex> gathered_;
  std::vector<Frames> runs_;
  std::vector<TopicEntryIndex> matching_;
};

}  // namespace crier::broadcast
