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
  void push_back(const Frame& frame) {
    CRIER_CHECK(frames_.empty() || frames_.back()->sequence() < frame.sequence());
    frames_.push_back(&frame);
    bytes_ += frame.wire(Framing::chunked).size();
  }

  // Replaces the frames by those of several runs, each frame once. Requires: runs are in order.
  void merge(std::span<const Frames> runs);

  // Keeps storage for a few frames, so that the common case allocates nothing.
  void clear();

  Frames frames() const { return frames_; }
  std::uint64_t first() const { return frames_.front()->sequence(); }
  std::uint64_t last() const { return frames_.back()->sequence(); }
  // Of all frames, as chunks.
  std::size_t bytes() const { return bytes_; }
  // Of the bytes that were put together.
  std::size_t together_bytes() const { return together_[0].size() + together_[1].size(); }

  // The frames at or after `sequence`.
  Frames from(std::uint64_t sequence) const {
    const auto at = std::ranges::lower_bound(frames_, sequence, {}, &Frame::sequence);
    return Frames(frames_).subspan(static_cast<std::size_t>(at - frames_.begin()));
  }

  // The bytes of a stretch of frames(), one after the other; made by the first call. Requires: the
  // stretch is not empty.
  std::string_view together(Frames stretch, Framing framing);

 private:
  static constexpr std::size_t kFramesKept = 16;

  std::vector<const Frame*> frames_;
  std::size_t bytes_ = 0;
  std::string together_[2];  // By framing.
};

}  // namespace crier::broadcast
