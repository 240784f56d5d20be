// A run of frames in sequence order that many streams are offered. It joins their bytes once, for
// all streams.
//
// A run does not own its frames: they must outlive it, or the next call of clear().
//
// Belongs to one worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/frame.h"

namespace crier::broadcast {

class FrameRun {
 public:
  // Adds a frame. Requires: its sequence is later than that of every frame before.
  void push_back(const Frame& frame);

  // Replaces the frames by those of several runs, each frame once. Requires: each run is in order.
  void merge(std::span<const Frames> runs);

  // Removes all frames. Keeps storage for a few.
  void clear();

  Frames frames() const { return only_ != nullptr ? Frames(&only_, 1) : Frames(frames_); }
  std::uint64_t first() const { return frames().front()->sequence(); }
  std::uint64_t last() const { return frames().back()->sequence(); }
  // Returns the bytes of all frames as chunks.
  std::size_t bytes() const { return bytes_; }
  // Whether one of the frames closes its topic.
  bool closes() const { return closes_; }
  // Returns the size of the bytes that were joined.
  std::size_t joined_bytes() const { return joined_[0].size() + joined_[1].size(); }

  // Returns the frames at or after `sequence`.
  Frames from(std::uint64_t sequence) const {
    const Frames all = frames();
    const auto at = std::ranges::lower_bound(all, sequence, {}, &Frame::sequence);
    return all.subspan(static_cast<std::size_t>(at - all.begin()));
  }

  // Returns the bytes of a stretch of frames() as one piece. The first call joins the bytes of all
  // frames. Requires: the stretch is not empty.
  std::string_view joined(Frames stretch, Framing framing);

 private:
  static constexpr std::size_t kFramesKept = 16;

  // Set in a run of one frame. Most runs are of this kind, and these allocate nothing.
  const Frame* only_ = nullptr;
  std::vector<const Frame*> frames_;  // Empty in a run of one frame.
  std::size_t bytes_ = 0;
  bool closes_ = false;
  std::string joined_[2];  // By framing.
};

}  // namespace crier::broadcast
