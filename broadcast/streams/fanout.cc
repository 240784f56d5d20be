#include "broadcast/streams/fanout.h"

#include <algorithm>

#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// Pending frames at which the inbox waits; kPendingBytesMax bounds their bytes likewise.
constexpr std::size_t kPendingFramesMax = 16'384;

// With fewer streams, gathering pieces costs less than joining bytes.
constexpr std::size_t kStreamsToShareFor = 2;

// Looking at a stream costs a step, matching a pattern costs one, and merging a frame costs one.
// One step also pays for so many looks at a subscription:
constexpr std::size_t kLooksPerStep = 4;

// A group with more streams waits among the large groups. So does a group of a pattern, because one
// stream may have hundreds of patterns.
constexpr std::size_t kSmallGroup = 64;

// Steps of a group's turn, which may take several slices.
constexpr std::size_t kGroupTurnSteps = kSmallGroup * kStepsPerWrite;

// How many groups and segments keep their storage when nothing is pending.
constexpr std::size_t kStorageKept = 64;

bool listens(const Stream& stream) {
  return stream.state == StreamState::live || stream.state == StreamState::owing;
}

}  // namespace

Fanout::Fanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery, WorkerStats& stats)
    : streams_(streams), topics_(topics), delivery_(delivery), stats_(stats) {}

bool Fanout::full() const {
  return pending_bytes_ >= kPendingBytesMax || pending_frames_ >= kPendingFramesMax;
}

bool Fanout::has_pending(std::string_view topic, std::uint64_t sequence) const {
  const bool unmatched =
      !unmatched_.empty() && (*unmatched_.front())[matched_frames_]->sequence() <= sequence;
  if (unmatched) return true;
  std::vector<TopicEntryIndex> rows;
  if (const auto row = topics_.find(topic)) rows.push_back(*row);
  topics_.patterns().match(topic, rows);
  return std::ranges::any_of(rows, [&](TopicEntryIndex row) {
    const GroupIndex group = topics_[row].work;
    const SegmentIndex first = group == kNone ? kNone : groups_[group].first;
    return first != kNone && segments_[first].run.frames().front()->sequence() <= sequence;
  });
}

void Fanout::add(const SharedBatch& batch) {
  for (const FrameRef& frame : *batch) {
    if (const auto row = topics_.find(frame->topic_hash(), frame->topic())) {
      add_to_group(*row, frame);
    }
  }
  if (topics_.patterns().size() == 0) return;
  unmatched_.push_back(batch);
  for (const FrameRef& frame : *batch) pending_bytes_ += frame->memory_bytes();
  pending_frames_ += batch->size();
}

// Returns true if frames may be matched with patterns now. A matched frame counts for each of its
// patterns, so matching waits while much is pending, unless no group is waiting to be served.
bool Fanout::may_match() const {
  if (unmatched_.empty()) return false;
  if (small_.empty() && large_.empty()) return true;
  return pending_bytes_ < 2 * kPendingBytesMax && pending_frames_ < 2 * kPendingFramesMax;
}

// Adds frames, in sequence order, to the groups of the rows whose patterns match them. A stream
// that joins meanwhile has a later position than all of these. Returns the steps it took.
std::size_t Fanout::match_some(std::size_t steps_max) {
  std::size_t steps = 0;
  while (steps < steps_max && !unmatched_.empty()) {
    const Batch& batch = *unmatched_.front();
    const FrameRef& frame = batch[matched_frames_++];
    pending_bytes_ -= frame->memory_bytes();
    --pending_frames_;
    matching_.clear();
    steps += topics_.patterns().match(frame->topic(), matching_);
    steps += matching_.size();
    for (const TopicEntryIndex row : matching_) add_to_group(row, frame);
    if (matched_frames_ < batch.size()) continue;
    unmatched_.pop_front();
    matched_frames_ = 0;
  }
  return steps;
}

void Fanout::add_to_group(TopicEntryIndex row_index, const FrameRef& frame) {
  TopicEntry& row = topics_[row_index];
  if (row.work == kNone) {
    if (free_groups_.empty()) {
      free_groups_.push_back(static_cast<GroupIndex>(groups_.size()));
      groups_.emplace_back();
    }
    row.work = free_groups_.back();
    free_groups_.pop_back();
    groups_[row.work].row = row_index;
    const bool small = row.size <= kSmallGroup && !row.matched;
    (small ? small_ : large_).push_back(row.work);
  }
  Group& group = groups_[row.work];
  const std::size_t bytes = frame->wire(Framing::chunked).size();
  SegmentIndex last = group.last;
  if (last == kNone || segments_[last].left != kNone ||
      segments_[last].run.bytes() + bytes > kWriteBytesMax) {
    last = append_segment(group);
  }
  Segment& segment = segments_[last];
  if (segment.owned) {
    segment.owned_further.push_back(frame);
  } else {
    segment.owned = frame;
  }
  segment.run.push_back(*frame);
  pending_bytes_ += bytes;
  ++pending_frames_;
  ++version_;
}

Fanout::SegmentIndex Fanout::append_segment(Group& group) {
  if (free_segments_.empty()) {
    free_segments_.push_back(static_cast<SegmentIndex>(segments_.size()));
    segments_.emplace_back();
  }
  const SegmentIndex index = free_segments_.back();
  free_segments_.pop_back();
  segments_[index].left = kNone;
  segments_[index].next = kNone;
  (group.last == kNone ? group.first : segments_[group.last].next) = index;
  group.last = index;
  return index;
}

void Fanout::run(std::size_t most, Instant now) {
  steps_left_ = most;
  // One event may match more patterns than the share allows; the streams still get their half.
  if (const std::size_t share = steps_left_ / 2; may_match()) {
    spend(std::min(match_some(share), share));
  }
  const std::size_t for_large = large_.empty() ? 0 : steps_left_ / 2;
  steps_left_ -= for_large;
  while (steps_left_ > 0 && !small_.empty()) serve(small_, now);
  steps_left_ += for_large;
  while (steps_left_ > 0 && !large_.empty()) serve(large_, now);
  while (steps_left_ > 0 && !small_.empty()) serve(small_, now);
}

// Serves the first group. A group that is not finished goes to the end of the queue when its turn
// is over.
void Fanout::serve(std::deque<GroupIndex>& turns, Instant now) {
  const GroupIndex index = turns.front();
  Group& group = groups_[index];
  const std::size_t steps = steps_left_;
  // The last stream may have left, and the row may now belong to another topic.
  const bool wanted = topics_.taken(group.row) && topics_[group.row].work == index;
  if (!wanted) spend(kStepsPerWrite);
  while (wanted && steps_left_ > 0 && group.first != kNone) {
    Segment& segment = segments_[group.first];
    serve_segment(segment, topics_[group.row], now);
    if (segment.left > 0) continue;
    const Instant accepted = segment.owned->accepted();
    stats_.fanout.observe(now > accepted ? now.us - accepted.us : 0);
    finish_segment(group);
  }
  if (wanted && group.first != kNone) {
    group.turn_steps += static_cast<std::uint32_t>(steps - steps_left_);
    if (group.turn_steps < kGroupTurnSteps) return;
    group.turn_steps = 0;
    turns.push_back(index);
    turns.pop_front();
    return;
  }
  turns.pop_front();
  while (group.first != kNone) finish_segment(group);
  if (wanted) topics_[group.row].work = kNone;
  drop_group(index);
}

void Fanout::serve_segment(Segment& segment, const TopicEntry& row, Instant now) {
  const auto members = row.streams();
  // Visits from the end: when a stream leaves, the last stream, which was visited, takes its place.
  segment.left = std::min(segment.left, static_cast<std::uint32_t>(members.size()));
  while (steps_left_ > 0 && segment.left > 0) {
    visit(members[--segment.left], segment, members.size(), now);
  }
}

// Offers a stretch of the run. The visit has already paid for one write of no bytes.
void Fanout::offer(StreamIndex index, const FrameRun& run, Frames frames, std::string_view shared,
                   Instant now) {
  const std::uint64_t before = delivery_.steps();
  delivery_.offer(index, frames, shared, now);
  if (run.closes()) [[unlikely]]
    delivery_.end_if_closed(index, now);
  const std::uint64_t steps = delivery_.steps() - before;
  if (steps > kStepsPerWrite) spend(steps - kStepsPerWrite);
}

void Fanout::visit(StreamIndex index, Segment& segment, std::size_t members, Instant now) {
  const Stream& stream = streams_[index];
  spend(1);
  if (!listens(stream) || stream.sequence_next > segment.run.last()) return;
  spend(kStepsPerWrite - 1);
  if (StreamTable::has_several(stream) && gather_groups(stream)) {
    visit_merged(index, segment.run.last(), now);
    return;
  }
  const Frames frames = segment.run.from(stream.sequence_next);
  std::string_view shared;
  if (frames.size() == 1 || members >= kStreamsToShareFor) {
    shared = join_bytes(segment.run, frames, stream.framing());
  }
  offer(index, segment.run, frames, shared, now);
}

// Collects the groups in which the stream has pending frames. Returns true if there are several.
bool Fanout::gather_groups(const Stream& stream) {
  gathered_.clear();
  if (small_.size() + large_.size() == 1) return false;  // This is the group being served.
  std::size_t looks = 0;
  streams_.for_each_subscription(stream, [&](const Subscription& subscription) {
    ++looks;
    const GroupIndex group = topics_[subscription.row].work;
    if (group == kNone) return;
    const SegmentIndex last = groups_[group].last;
    if (segments_[last].run.last() >= stream.sequence_next) gathered_.push_back(group);
  });
  spend(looks / kLooksPerStep);
  // So that streams with the same topics in another order share, too.
  std::ranges::sort(gathered_);
  return gathered_.size() > 1;
}

// Merges all pending frames up to `through`, and of each group not many more than one write takes.
void Fanout::merge_gathered(std::uint64_t through) {
  spend(gathered_.size());
  const bool known = merged_.version == version_ && merged_.groups == gathered_;
  if (known && merged_.complete_through >= through) {
    ++merged_.uses;
    return;
  }
  runs_.clear();
  merged_.complete_through = UINT64_MAX;
  for (const GroupIndex group : gathered_) {
    std::size_t bytes = 0;
    for (SegmentIndex at = groups_[group].first; at != kNone; at = segments_[at].next) {
      const FrameRun& run = segments_[at].run;
      if (bytes > kWriteBytesMax && run.first() > through) {
        merged_.complete_through = std::min(merged_.complete_through, run.first() - 1);
        break;
      }
      runs_.push_back(run.frames());
      bytes += run.bytes();
      spend(run.frames().size());
    }
  }
  pending_bytes_ -= merged_.run.joined_bytes();
  merged_.run.merge(runs_);
  merged_.groups = gathered_;
  merged_.version = version_;
  merged_.uses = 1;
}

// Offers the stream its pending frames of all groups: all up to `through`, the last event of the
// segment being served, because this segment does not visit the stream again; and of the later ones
// as many as fit into one write.
void Fanout::visit_merged(StreamIndex index, std::uint64_t through, Instant now) {
  merge_gathered(through);
  const Stream& stream = streams_[index];
  Frames frames = merged_.run.from(stream.sequence_next);
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < frames.size(); ++count) {
    bytes += frames[count]->wire(Framing::chunked).size();
    const std::uint64_t sequence = frames[count]->sequence();
    if (sequence > through && (bytes > kWriteBytesMax || sequence > merged_.complete_through)) {
      break;
    }
  }
  frames = frames.first(count);
  std::string_view shared;
  if (frames.size() == 1 || merged_.uses >= kStreamsToShareFor) {
    shared = join_bytes(merged_.run, frames, stream.framing());
  }
  offer(index, merged_.run, frames, shared, now);
}

// Returns the bytes of a stretch as one piece, and counts joined bytes as pending.
std::string_view Fanout::join_bytes(FrameRun& run, Frames stretch, Framing framing) {
  pending_bytes_ -= run.joined_bytes();
  const std::string_view bytes = run.joined(stretch, framing);
  pending_bytes_ += run.joined_bytes();
  return bytes;
}

void Fanout::finish_segment(Group& group) {
  const SegmentIndex index = group.first;
  Segment& segment = segments_[index];
  pending_bytes_ -= segment.run.bytes() + segment.run.joined_bytes();
  pending_frames_ -= segment.run.frames().size();
  ++version_;  // Before the frames that the merged run refers to are dropped.
  group.first = segment.next;
  if (group.first == kNone) group.last = kNone;
  segment.run.clear();
  segment.owned = FrameRef();
  segment.owned_further.clear();
  if (segment.owned_further.capacity() > kStorageKept) {
    segment.owned_further = std::vector<FrameRef>();
  }
  free_segments_.push_back(index);
}

// Frees a group. When nothing is pending any more, gives back the storage that a burst over many
// topics needed. (Assigning {} would keep it.)
void Fanout::drop_group(GroupIndex index) {
  groups_[index] = Group();
  free_groups_.push_back(index);
  if (free_groups_.size() < groups_.size()) return;
  CRIER_CHECK(free_segments_.size() == segments_.size());
  pending_bytes_ -= merged_.run.joined_bytes();
  merged_.run.clear();
  if (groups_.size() > kStorageKept) {
    groups_ = std::vector<Group>();
    free_groups_ = std::vector<GroupIndex>();
  }
  if (segments_.size() > kStorageKept) {
    segments_ = std::vector<Segment>();
    free_segments_ = std::vector<SegmentIndex>();
  }
}

}  // namespace crier::broadcast
