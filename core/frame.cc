#include "core/frame.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <new>

namespace crier {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// The size line that begins a chunk.
class ChunkHead {
 public:
  explicit ChunkHead(std::size_t text_size) {
    const auto digits = std::to_chars(text_.begin(), text_.end(), text_size, 16);
    CRIER_CHECK(digits.ec == std::errc{});
    end_ = std::ranges::copy(kLineEnd, digits.ptr).out;
  }
  std::string_view view() const { return {text_.begin(), end_}; }

 private:
  std::array<char, 18> text_;  // 16 digits and a line end.
  const char* end_ = nullptr;
};

}  // namespace

void append_chunk(std::string& out, std::string_view text) {
  CRIER_CHECK(!text.empty());
  out.append(ChunkHead(text.size()).view()).append(text).append(kLineEnd);
}

Frame* Frame::allocate(const Header& header, FrameAccount* account, std::size_t bytes) {
  return new (::operator new(sizeof(Frame) + bytes)) Frame(header, account);
}

FrameRef Frame::make_raw(std::string_view bytes) {
  CRIER_CHECK(!bytes.empty());
  Frame* frame = allocate(Header{}, nullptr, bytes.size());
  frame->text_size_ = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(frame->bytes(), bytes.data(), bytes.size());
  return FrameRef(frame);
}

FrameRef Frame::make(const Header& header, std::string_view topic, std::string_view text,
                     FrameAccount* account) {
  CRIER_CHECK(topic.size() <= 255);
  CRIER_CHECK(topic.data() != nullptr);
  CRIER_CHECK(text.data() != nullptr);
  CRIER_CHECK(text.size() <= (std::size_t{64} << 20));

  const ChunkHead chunk(text.size());
  const std::string_view head = chunk.view();
  Frame* frame =
      allocate(header, account, topic.size() + head.size() + text.size() + kLineEnd.size());
  frame->topic_size_ = static_cast<std::uint8_t>(topic.size());
  frame->chunk_head_size_ = static_cast<std::uint8_t>(head.size());
  frame->text_size_ = static_cast<std::uint32_t>(text.size());
  frame->tail_size_ = static_cast<std::uint8_t>(kLineEnd.size());

  char* out = frame->bytes();
  // std::ranges::copy() would copy byte by byte.
  for (const std::string_view part : {topic, head, text, kLineEnd}) {
    std::memcpy(out, part.data(), part.size());
    out += part.size();
  }
  if (account != nullptr) {
    account->frames.fetch_add(1, std::memory_order_relaxed);
    account->bytes.fetch_add(frame->memory_bytes(), std::memory_order_relaxed);
  }
  return FrameRef(frame);
}

void Frame::destroy(const Frame* frame) {
  if (FrameAccount* account = frame->account_; account != nullptr) {
    account->frames.fetch_sub(1, std::memory_order_relaxed);
    account->bytes.fetch_sub(frame->memory_bytes(), std::memory_order_relaxed);
  }
  frame->~Frame();
  ::operator delete(const_cast<Frame*>(frame));
}

}  // namespace crier
