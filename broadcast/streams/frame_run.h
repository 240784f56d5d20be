// Frames in sequence order that many streams are offered, and their bytes, put together once.
//
// Does not own the frames: they outlive the run, or the next call of clear().
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

#include "core/check.h"
#include "core/frame.h"

namespace crier::broadcast {

class FrameRun {
 public:
  // Requires: a later sequence than every frame before.
  void push_back(const Frame& frame);

  // Replaces the frames by those of several runs, each frame once. Requires: runs are in order.
  void merge(std::span<const Frames> runs);

  // Keeps storage for a few frames.
  void clear();

  Frames frames() const { return only_ != nullptr ? Frames(&only_, 1) : Frames(frames_); }
  std::uint64_t first() const { return frames().front()->sequence(); }
  std::uint64_t last() const { return frames().back()->sequence(); }
  // Of all frames, as chunks.
  std::size_t bytes() const { return bytes_; }
  // Of the bytes that were put together.
  std::size_t together_bytes() const { return together_[0].size() + together_[1].size(); }

  // The frames at or after `sequence`.
  Frames from(std::uint64_t sequence) const {
    const Frames all = frames();
    const auto at = std::ranges::lower_bound(all, sequence, {}, &Frame::sequence);
    return all.subspan(static_cast<std::size_t>(at - all.begin()));
  }

  // The bytes of a stretch of frames(), one after the other; made by the first call. Requires: the
  // stretch is not empty.
  std::string_view together(Frames stretch, Framing framing);

 private:
  static constexpr std::size_t kFramesKept = 16;

  // A run of one frame, as nearly all are, allocates nothing.
  const Frame* only_ = nullptr;
  std::vector<const Frame*> frames_;  // Empty while there is only one.
  std::size_t bytes_ = 0;
  std::string together_[2];  // By framing.
};

}  // namespace crier::broadcast
