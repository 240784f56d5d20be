#include "core/text/sse_parser.h"

#include <algorithm>
#include <utility>

#include "core/text/decimal.h"

namespace crier {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::size_t find_line_end(std::string_view bytes) {
  const auto found =
      std::find_if(bytes.begin(), bytes.end(), [](char c) { return c == '\n' || c == '\r'; });
  return static_cast<std::size_t>(found - bytes.begin());
}

}  // namespace

bool SseParser::feed(std::string_view bytes, const Callback& on_message) {
  while (!failed_ && !bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = find_line_end(bytes);
    const std::string_view piece = bytes.substr(0, end);
    // Checked before anything is kept, and for whole lines too, so that the result does not depend
    // on how the stream was cut into pieces.
    if (block_bytes_ + line_.size() + piece.size() > event_bytes_max_) {
      failed_ = true;
      break;
    }
    if (end == bytes.size()) {
      line_.append(piece);
      break;
    }
    if (line_.empty()) {
      take_line(piece, on_message);
    } else {
      line_.append(piece);
      take_line(line_, on_message);
      line_.clear();
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
  }
  return !failed_;
}

void SseParser::take_line(std::string_view line, const Callback& on_message) {
  // The mark contains no line end, so the parser can wait for the complete line.
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) return end_block(on_message);
  // A comment. It is not counted, because heartbeats come without a blank line after them.
  if (line.front() == ':') return;

  block_bytes_ += line.size();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return take_field(line, {});
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
}

void SseParser::take_field(std::string_view field, std::string_view value) {
  if (field == "data") {
    message_.data.append(value).push_back('\n');
  } else if (field == "event") {
    message_.event = value;
  } else if (field == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (field == "retry") {
    if (const auto milliseconds = parse_decimal<std::uint32_t>(value)) retry_ms_ = milliseconds;
  } else if (field == "crc32c") {
    message_.crc32c = value;
  }
}

void SseParser::end_block(const Callback& on_message) {
  block_bytes_ = 0;
  message_.last_event_id = id_;
  if (!message_.data.empty() || !message_.crc32c.empty()) {
    if (!message_.data.empty()) message_.data.pop_back();  // The LF after the last line.
    if (message_.event.empty()) message_.event = "message";
    on_message(message_);
  }
  message_.data.clear();
  message_.event.clear();
  message_.crc32c.clear();
}

}  // namespace crier
