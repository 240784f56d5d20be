#include "broadcast/streams/frame_run.h"

#include <utility>

#include "core/check.h"

namespace crier::broadcast {
namespace {

std::size_t wire_bytes(Frames frames, Framing framing) {
  std::size_t bytes = 0;
  for (const Frame* frame : frames) bytes += frame->wire(framing).size();
  return bytes;
}

}  // namespace

void FrameRun::push_back(const Frame& frame) {
  CRIER_CHECK(frames().empty() || last() < frame.sequence());
  bytes_ += frame.wire(Framing::chunked).size();
  closes_ = closes_ || frame.closes();
  if (frames().empty()) {
    only_ = &frame;
    return;
  }
  if (only_ != nullptr) frames_.push_back(std::exchange(only_, nullptr));
  frames_.push_back(&frame);
}

void FrameRun::merge(std::span<const Frames> runs) {
  clear();
  bool in_order = true;
  for (const Frames run : runs) {
    if (!frames_.empty() && frames_.back()->sequence() >= run.front()->sequence()) in_order = false;
    frames_.insert(frames_.end(), run.begin(), run.end());
  }
  if (!in_order) std::ranges::sort(frames_, {}, &Frame::sequence);
  const auto [from, to] = std::ranges::unique(frames_);
  frames_.erase(from, to);
  bytes_ = wire_bytes(frames_, Framing::chunked);
  closes_ = std::ranges::any_of(frames_, &Frame::closes);
}

void FrameRun::clear() {
  if (frames_.capacity() > kFramesKept) {
    *this = FrameRun();
    return;
  }
  only_ = nullptr;
  frames_.clear();
  bytes_ = 0;
  closes_ = false;
  for (std::string& bytes : joined_) bytes = std::string();
}

std::string_view FrameRun::joined(Frames stretch, Framing framing) {
  if (stretch.size() == 1) return stretch[0]->wire(framing);
  std::string& bytes = joined_[static_cast<std::size_t>(framing)];
  if (bytes.empty()) {
    bytes.reserve(bytes_);
    for (const Frame* frame : frames()) bytes += frame->wire(framing);
  }
  const auto before = static_cast<std::size_t>(stretch.data() - frames().data());
  CRIER_CHECK(before + stretch.size() <= frames().size());
  const std::size_t offset = wire_bytes(frames().first(before), framing);
  const bool to_the_end = before + stretch.size() == frames().size();
  const std::size_t size = to_the_end ? bytes.size() - offset : wire_bytes(stretch, framing);
  return std::string_view(bytes).substr(offset, size);
}

}  // namespace crier::broadcast
