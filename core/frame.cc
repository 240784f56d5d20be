#include "core/frame.h"

#include <array>
#include <charconv>
#include <cstring>
#include <new>

namespace crier {

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
  CRIER_CHECK(text.size() <= (std::size_t{64} << 20));

  std::array<char, 16> head{};
  const auto digits = std::to_chars(head.data(), head.data() + head.size() - 2, text.size(), 16);
  CRIER_CHECK(digits.ec == std::errc{});
  std::size_t head_size = static_cast<std::size_t>(digits.ptr - head.data());
  head[head_size++] = '\r';
  head[head_size++] = '\n';

  Frame* frame = allocate(header, account, topic.size() + head_size + text.size() + 2);
  frame->topic_size_ = static_cast<std::uint8_t>(topic.size());
  frame->chunk_head_size_ = static_cast<std::uint8_t>(head_size);
  frame->text_size_ = static_cast<std::uint32_t>(text.size());
  frame->tail_size_ = 2;

  char* out = frame->bytes();
  for (const std::string_view part :
       {topic, std::string_view(head.data(), head_size), text, std::string_view("\r\n")}) {
    if (!part.empty()) std::memcpy(out, part.data(), part.size());
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
