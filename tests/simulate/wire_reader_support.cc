#include <algorithm>
#include <charconv>

#include "core/text/sse_text.h"
#include "tests/simulate/wire_reader.h"

namespace crier::broadcast::simulate {

std::string WireReader::feed(std::string_view bytes, const Callback& on_message) {
  const std::size_t of_head = std::min(bytes.size(), head_.size() - head_read_);
  if (bytes.substr(0, of_head) != std::string_view(head_).substr(head_read_, of_head)) {
    return "the response does not begin with its head";
  }
  head_read_ += of_head;
  bytes.remove_prefix(of_head);
  if (bytes.empty()) return {};
  if (framing_ == Framing::plain) return take_text(bytes, on_message);
  pending_ += bytes;
  return take_chunks(on_message);
}

std::string WireReader::take_chunks(const Callback& on_message) {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    if (ended_) return "bytes after the last chunk: " + std::string(rest);
    const std::size_t line_end = rest.find("\r\n");
    if (line_end == std::string_view::npos) {
      if (rest.size() > 10) return "no end of a chunk's first line: " + std::string(rest);
      break;
    }
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + line_end, size, 16);
    if (error != std::errc{} || end != rest.data() + line_end) {
      return "not a chunk's size: " + std::string(rest.substr(0, line_end));
    }
    if (rest.size() < line_end + 2 + size + 2) break;
    const std::string_view text = rest.substr(line_end + 2, size);
    if (rest.substr(line_end + 2 + size, 2) != "\r\n") return "a chunk without its end";
    rest.remove_prefix(line_end + 2 + size + 2);
    if (size == 0) {
      ended_ = true;
    } else if (std::string problem = take_text(text, on_message); !problem.empty()) {
      return problem;
    }
  }
  pending_.erase(0, pending_.size() - rest.size());
  return {};
}

std::string WireReader::take_text(std::string_view text, const Callback& on_message) {
  if (text == kHeartbeat) ++comments_;
  return parser_.feed(text, on_message) ? std::string() : "an event beyond the parser's bound";
}

}  // namespace crier::broadcast::simulate
