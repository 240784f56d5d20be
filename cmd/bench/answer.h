// The answer to a stream's request: its head, why it is no stream, or the text of the stream.
//
// A proxy may cut a stream into other chunks than the server did, also inside an event: the stream
// is the text without the chunks' own lines. Values; one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace crier::bench {

// Reads the text of a stream, however its chunks and they again are cut. 16 bytes, one per stream.
class StreamText {
 public:
  StreamText() = default;
  explicit StreamText(bool chunked)
      : left_(chunked ? 0 : std::numeric_limits<std::uint64_t>::max()) {}

  // Calls on_text(std::string_view) for each piece of text in `bytes`.
  template <typename OnText>
  void feed(std::string_view bytes, OnText&& on_text) {
    while (!bytes.empty() && !ended_) {
      if (left_ == 0) {
        bytes.remove_prefix(take_size(bytes));
        continue;
      }
      const std::uint64_t text = left_ > kLineEnd ? left_ - kLineEnd : 0;
      const auto taken =
          static_cast<std::size_t>(std::min<std::uint64_t>(text > 0 ? text : left_, bytes.size()));
      if (text > 0) on_text(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      left_ -= taken;
    }
  }

  // The server sent the last chunk; the connection may stay open. What follows is not read.
  bool ended() const { return ended_; }

 private:
  static constexpr std::uint64_t kLineEnd = 2;

  // Takes the bytes of a chunk's first line that are there; returns how many.
  std::size_t take_size(std::string_view bytes);

  std::uint64_t left_ = 0;  // Of a chunk, with the line end after it. 0: its size is to come.
  std::uint32_t size_ = 0;
  bool extension_ = false;  // What follows the digits of the size.
  bool ended_ = false;
};

struct AnswerHead {
  // False: what comes is a whole body, of so many bytes if that is known, and no stream.
  bool is_stream = false;
  bool chunked = false;
  std::size_t body_bytes = 0;
};

// Reads a complete head, with the empty line at its end. A success with a length is no stream:
// crier answers so with `crier.busy`.
AnswerHead parse_answer_head(std::string_view head);

// Names the reason of an answer that is no stream, from as much as came of it: its status line, and
// the `code` of crier's JSON or the `reason` of `crier.busy`.
std::string refusal_reason(std::string_view answer);

}  // namespace crier::bench
