#include "broadcast/streams/fanout.h"

#include <algorithm>

#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// What may wait in a worker before its inbox does, as may kPendingBytesMax.
constexpr std::size_t kPendingFramesMax = 16'384;

constexpr std::uint32_t kMultis = kNone;

// With fewer streams than this, gathering pieces costs less than putting bytes together.
constexpr std::size_t kStreamsToShareFor = 2;

}  // namespace

Fanout::Fanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery)
    : streams_(streams), topics_(topics), delivery_(delivery), multis_(streams, topics, delivery) {}

bool Fanout::full() const {
  return pending_bytes_ >= kPendingBytesMax || pending_frames_ >= kPendingFramesMax ||
         multis_.pending_frames() >= kPendingFramesMax;
}

void Fanout::add(const SharedBatch& batch) {
  for (const FrameRef& frame : *batch) {
    const auto row = topics_.find(frame->topic_hash(), frame->topic());
    if (row && topics_[*row].singles_size > 0) add_to_group(*row, frame);
  }
  if (topics_.any_multis()) {
    if (!multis_.unfinished()) turns_.push_back(kMultis);
    multis_.add(batch);
  }
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
    turns_.push_back(row.work);
  }
  Group& group = groups_[row.work];
  const std::size_t bytes = frame->wire(Framing::chunked).size();
  if (group.segments.empty() || group.segments.back().left != kNone ||
      group.segments.back().bytes + bytes > kWriteBytesMax) {
    group.segments.emplace_back();
  }
  Segment& segment = group.segments.back();
  segment.frames.push_back(frame);
  segment.bytes += bytes;
  pending_bytes_ += bytes;
  ++pending_frames_;
}

std::size_t Fanout::run(std::size_t most, Instant now) {
  std::size_t visited = 0;
  while (visited < most && !turns_.empty()) {
    const GroupIndex index = turns_.front();
    turns_.pop_front();
    if (index == kMultis) {
      visited += multis_.run(most - visited, now);
      if (multis_.unfinished()) turns_.push_back(kMultis);
    } else {
      // A group that nobody is in any more costs a look, too.
      visited += std::max<std::size_t>(serve(index, most - visited, now), 1);
    }
  }
  return visited;
}

std::size_t Fanout::serve(GroupIndex index, std::size_t most, Instant now) {
  Group& group = groups_[index];
  // The last stream may have left, and the row may have been given to another topic since.
  const bool wanted = topics_.taken(group.row) && topics_[group.row].work == index;
  if (!wanted) {
    while (!group.segments.empty()) finish_segment(group);
    drop_group(index);
    return 0;
  }
  std::size_t visited = 0;
  while (visited < most && !group.segments.empty()) {
    Segment& segment = group.segments.front();
    visited += serve_segment(segment, topics_[group.row], most - visited, now);
    if (segment.left == 0) finish_segment(group);
  }
  if (group.segments.empty()) {
    topics_[group.row].work = kNone;
    drop_group(index);
  } else {
    turns_.push_back(index);
  }
  return visited;
}

std::size_t Fanout::serve_segment(Segment& segment, const TopicEntry& row, std::size_t most,
                                  Instant now) {
  const auto members = row.single_streams();
  // From the end: a stream that leaves is replaced by the last one, which has then been visited.
  segment.left = std::min(segment.left, static_cast<std::uint32_t>(members.size()));
  const std::uint64_t first = segment.frames.front()->sequence();
  const std::uint64_t last = segment.frames.back()->sequence();
  std::size_t visited = 0;
  for (; visited < most && segment.left > 0; ++visited) {
    const StreamIndex index = members[--segment.left];
    const Stream& stream = streams_[index];
    const bool listens = stream.state == StreamState::live || stream.state == StreamState::owing;
    if (!listens || stream.sequence_next > last) continue;
    std::span<const FrameRef> frames = segment.frames;
    if (stream.sequence_next > first) {
      const auto from = std::ranges::find_if(
          frames, [&](const FrameRef& frame) { return frame->sequence() >= stream.sequence_next; });
      frames = frames.subspan(static_cast<std::size_t>(from - frames.begin()));
      delivery_.offer(index, frames, {}, now);
    } else {
      delivery_.offer(index, frames, together(segment, stream.framing(), members.size()), now);
    }
  }
  return visited;
}

std::string_view Fanout::together(Segment& segment, Framing framing, std::size_t streams) const {
  if (segment.frames.size() == 1) return segment.frames[0]->wire(framing);
  if (streams < kStreamsToShareFor) return {};
  std::string& bytes = segment.together[static_cast<std::size_t>(framing)];
  if (bytes.empty()) {
    bytes.reserve(segment.bytes);
    for (const FrameRef& frame : segment.frames) bytes += frame->wire(framing);
  }
  return bytes;
}

void Fanout::finish_segment(Group& group) {
  const Segment& segment = group.segments.front();
  pending_bytes_ -= segment.bytes;
  pending_frames_ -= segment.frames.size();
  group.segments.pop_front();
}

void Fanout::drop_group(GroupIndex index) {
  groups_[index] = Group();
  free_groups_.push_back(index);
}

}  // namespace crier::broadcast
