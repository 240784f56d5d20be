// An event, encoded once: the bytes that every subscriber of its topic is sent.
//
// A frame is one allocation: this header, the topic, then the SSE text in one HTTP chunk. A chunked
// stream is sent chunk head, text and tail; a close-delimited one the text alone, out of the same
// bytes:
//
//   | Frame | topic | "1f\r\n" | id: …\ndata: …\n\n | "\r\n" |
//                     '- chunk head  '- text             '- chunk tail
//
// Immutable once made; the count of references is atomic, so any thread may drop the last one.
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

// How a response body is delimited: HTTP/1.1 gets chunks, HTTP/1.0 the end of the connection.
enum class Framing : std::uint8_t { chunked, plain };

// Appends `text` as one chunk by RFC 9112, section 7.1, for what is written once, e.g. a stream's
// first bytes. Requires: !text.empty(), for an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view text);

// Ends the body; the connection could be used again after it.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Memory held by frames that somebody still refers to, whoever that is. Any thread.
struct FrameAccount {
  std::atomic<std::uint64_t> frames{0};
  std::atomic<std::uint64_t> bytes{0};
};

class FrameRef;

class Frame {
 public:
  struct Header {
    std::uint64_t sequence = 0;    // 0: not a position in the log (crier's own events).
    std::uint64_t topic_hash = 0;  // hash_of_topic(topic)
    Instant accepted;              // When the publish was accepted.
  };

  // Copies topic and text. `account` may be null, else it must outlive the frame.
  // Requires: topic is at most 255 bytes and text at most 64 MiB.
  static FrameRef make(const Header& header, std::string_view topic, std::string_view text,
                       FrameAccount* account = nullptr);

  // A frame of bytes that are framed already and go out as they are, for crier's own short
  // messages.
  static FrameRef make_raw(std::string_view bytes);

  std::uint64_t sequence() const { return header_.sequence; }
  std::uint64_t topic_hash() const { return header_.topic_hash; }
  Instant accepted() const { return header_.accepted; }
  std::string_view topic() const { return {bytes(), topic_size_}; }

  // What a stream of this framing is sent.
  std::string_view wire(Framing framing) const {
    return framing == Framing::chunked
               ? std::string_view(bytes() + topic_size_, chunk_head_size_ + text_size_ + tail_size_)
               : std::string_view(bytes() + topic_size_ + chunk_head_size_, text_size_);
  }

  // What the allocation costs, for limits.
  std::size_t memory_bytes() const {
    return sizeof(Frame) + topic_size_ + chunk_head_size_ + text_size_ + tail_size_;
  }

 private:
  friend class FrameRef;
  // One allocation with room for `bytes` behind the header.
  static Frame* allocate(const Header& header, FrameAccount* account, std::size_t bytes);
  Frame(const Header& header, FrameAccount* account) : header_(header), account_(account) {}

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  static void destroy(const Frame* frame);

  Header header_;
  FrameAccount* account_;
  mutable std::atomic<std::uint32_t> references_{1};
  std::uint32_t text_size_ = 0;
  std::uint8_t topic_size_ = 0;
  std::uint8_t chunk_head_size_ = 0;
  std::uint8_t tail_size_ = 0;
};

// Shared ownership of a frame, the size of a pointer. All-zero bytes are a null reference.
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

  // One more reference to a frame that another reference keeps alive.
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

// Frames that others keep alive for as long as this is looked at.
using Frames = std::span<const Frame* const>;

}  // namespace crier
