// A frame: one event, encoded once as the bytes that every subscriber of its topic is sent.
//
// A frame is one allocation: this header, the topic, then the SSE text as one HTTP chunk. A chunked
// stream is sent chunk head, text and tail. A close-delimited stream is sent the text alone, out of
// the same bytes:
//
//   | Frame | topic | "1f\r\n" | id: …\ndata: …\n\n | "\r\n" |
//                     '- chunk head  '- text             '- chunk tail
//
// A frame is immutable once made. FrameRef counts references atomically, so any thread may drop the
// last one, which frees the frame.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "core/instant.h"

namespace crier {

// How a response body is delimited: in chunks for HTTP/1.1, by the end of the connection for
// HTTP/1.0.
enum class Framing : std::uint8_t { chunked, plain };

// Appends `text` as one chunk (RFC 9112, section 7.1). For bytes that are written once, such as a
// stream's first ones. Requires: !text.empty(), because an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view text);

// Ends a chunked body. The connection could then serve another request.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Counts the frames that are still referenced, and the memory they hold. Any thread.
struct FrameAccount {
  std::atomic<std::uint64_t> frames{0};
  std::atomic<std::uint64_t> bytes{0};
};

class FrameRef;

class Frame {
 public:
  struct Header {
    std::uint64_t sequence = 0;  // 0 for a frame of crier's own, which has no position in the log.
    std::uint64_t topic_hash = 0;  // hash_of_topic(topic)
    Instant accepted;              // When crier accepted the publish.
    bool closes = false;           // The event closes its topic.
  };

  // Makes a frame of a copy of topic and text. `account` may be null; otherwise it must outlive the
  // frame. Requires: topic has at most 255 bytes and text at most 64 MiB.
  static FrameRef make(const Header& header, std::string_view topic, std::string_view text,
                       FrameAccount* account = nullptr);

  // Makes a frame of bytes that are already framed and are sent as they are. For crier's own short
  // events.
  static FrameRef make_raw(std::string_view bytes);

  std::uint64_t sequence() const { return sequence_; }
  std::uint64_t topic_hash() const { return topic_hash_; }
  Instant accepted() const { return accepted_; }
  bool closes() const { return closes_; }
  std::string_view topic() const { return {bytes(), topic_size_}; }

  // Returns the bytes that a stream of this framing is sent.
  std::string_view wire(Framing framing) const {
    return framing == Framing::chunked
               ? std::string_view(bytes() + topic_size_, chunk_head_size_ + text_size_ + tail_size_)
               : std::string_view(bytes() + topic_size_ + chunk_head_size_, text_size_);
  }

  // Returns the size of the allocation, which limits count.
  std::size_t memory_bytes() const {
    return sizeof(Frame) + topic_size_ + chunk_head_size_ + text_size_ + tail_size_;
  }

 private:
  friend class FrameRef;
  // Allocates a frame with room for `bytes` after the header.
  static Frame* allocate(const Header& header, FrameAccount* account, std::size_t bytes);
  Frame(const Header& header, FrameAccount* account)
      : sequence_(header.sequence),
        topic_hash_(header.topic_hash),
        accepted_(header.accepted),
        account_(account),
        closes_(header.closes) {}

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  static void destroy(const Frame* frame);

  std::uint64_t sequence_;
  std::uint64_t topic_hash_;
  Instant accepted_;
  FrameAccount* account_;
  mutable std::atomic<std::uint32_t> references_{1};
  std::uint32_t text_size_ = 0;
  std::uint8_t topic_size_ = 0;
  std::uint8_t chunk_head_size_ = 0;
  std::uint8_t tail_size_ = 0;
  bool closes_;
};

static_assert(sizeof(Frame) == 48, "every retained event pays for it");

// A shared reference to a frame, the size of a pointer. All-zero bytes are a null reference.
class FrameRef {
 public:
  FrameRef() = default;
  FrameRef(const FrameRef& other) : frame_(other.frame_) {
    if (frame_ != nullptr) frame_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FrameRef& operator=(FrameRef other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FrameRef() {
    if (frame_ != nullptr && frame_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Frame::destroy(frame_);
    }
  }

  // Adds a reference to a frame that another reference keeps alive.
  static FrameRef share(const Frame& frame) {
    frame.references_.fetch_add(1, std::memory_order_relaxed);
    return FrameRef(&frame);
  }

  explicit operator bool() const { return frame_ != nullptr; }
  const Frame& operator*() const { return *frame_; }
  const Frame* operator->() const { return frame_; }
  const Frame* get() const { return frame_; }
  friend bool operator==(const FrameRef&, const FrameRef&) = default;

 private:
  friend class Frame;
  explicit FrameRef(const Frame* frame) : frame_(frame) {}  // Takes over one reference.

  const Frame* frame_ = nullptr;
};

// A view of frames. The caller keeps the frames alive while the view is used.
using Frames = std::span<const Frame* const>;

}  // namespace crier
