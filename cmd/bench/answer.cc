#include "cmd/bench/answer.h"

#include <charconv>

namespace crier::bench {
namespace {

// The value of the first field of this name; empty if the head has none. Requires: lower case.
std::string field(std::string_view head, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::string text(head);
  std::transform(text.begin(), text.end(), text.begin(), lower);
  const std::size_t at = text.find("\r\n" + std::string(name) + ":");
  if (at == std::string::npos) return {};
  const std::size_t from = text.find_first_not_of(' ', at + name.size() + 3);
  return text.substr(from, text.find('\r', from) - from);
}

// The text of this member of a JSON object, as it is written there.
std::string_view json_text(std::string_view json, std::string_view name) {
  const std::string begin = '"' + std::string(name) + "\":\"";
  const std::size_t at = json.find(begin);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = json.substr(at + begin.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace

std::size_t StreamText::take_size(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n') {
      ended_ = size_ == 0;
      left_ = size_ + kLineEnd;
      size_ = 0;
      extension_ = false;
      return i + 1;
    }
    std::uint32_t digit = 0;
    extension_ = extension_ || std::from_chars(&c, &c + 1, digit, 16).ec != std::errc{};
    if (!extension_) size_ = size_ << 4 | digit;
  }
  return bytes.size();
}

AnswerHead parse_answer_head(std::string_view head) {
  const std::string length = field(head, "content-length");
  AnswerHead answer{.is_stream = head.starts_with("HTTP/1.1 200") && length.empty(),
                    .chunked = field(head, "transfer-encoding") == "chunked"};
  std::from_chars(length.data(), length.data() + length.size(), answer.body_bytes);
  return answer;
}

std::string refusal_reason(std::string_view answer) {
  const std::size_t head = std::min(answer.find("\r\n\r\n"), answer.size());
  const std::string_view body = answer.substr(head);
  const bool busy = body.find("event: crier.busy\n") != std::string_view::npos;
  std::string reason(answer.substr(0, std::min(answer.find('\r'), head)));
  if (busy) reason += ", crier.busy";
  if (const auto code = json_text(body, busy ? "reason" : "code"); !code.empty()) {
    reason.append(", ").append(code);
  }
  return reason;
}

}  // namespace crier::bench
