#include "core/text/sse_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "core/check.h"
#include "core/crc32c.h"
#include "core/text/utf8.h"

namespace crier {
namespace {

// find_first_of() would search for each byte by a call.
bool has_breaking_byte(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append_field(std::string& out, std::string_view field, std::string_view value) {
  // A client removes one space after the colon, so a value's own leading space is kept.
  out.append(field).append(": ").append(value).push_back('\n');
}

// Finds line ends. It keeps the position of the next LF and of the next CR until it has passed
// them, so that it looks at each byte once, however LF and CR are mixed.
class LineEnds {
 public:
  explicit LineEnds(std::string_view text)
      : text_(text), next_lf_(text.find('\n')), next_cr_(text.find('\r')) {}

  // Returns the first line end at or after `from`, or npos behind the last line end.
  std::size_t after(std::size_t from) {
    if (next_lf_ < from) next_lf_ = find('\n', from);
    if (next_cr_ < from) next_cr_ = find('\r', from);
    return std::min(next_lf_, next_cr_);
  }

 private:
  // Avoids a call for an empty line, since text with many lines often has many empty ones.
  std::size_t find(char end, std::size_t from) const {
    return from < text_.size() && text_[from] == end ? from : text_.find(end, from);
  }

  std::string_view text_;
  std::size_t next_lf_;
  std::size_t next_cr_;
};

// Calls take(line) for each line of the data, which are one at least.
template <typename Take>
void for_each_line(std::string_view data, Take&& take) {
  LineEnds ends(data);
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = ends.after(begin);
    take(data.substr(begin, end - begin));
    if (end == std::string_view::npos) return;
    const bool crlf = data.substr(end, 2) == "\r\n";
    begin = end + (crlf ? 2 : 1);
  }
}

}  // namespace

void append_sse_event(std::string& out, const SseEvent& event) {
  CRIER_CHECK(!has_breaking_byte(event.id));
  CRIER_CHECK(!has_breaking_byte(event.name));

  if (!event.id.empty()) append_field(out, "id", event.id);
  if (!event.name.empty()) append_field(out, "event", event.name);
  if (event.retry_ms != 0) {
    std::array<char, 10> digits{};
    const auto printed =
        std::to_chars(digits.data(), digits.data() + digits.size(), event.retry_ms);
    CRIER_CHECK(printed.ec == std::errc{});
    append_field(out, "retry", std::string_view(digits.data(), printed.ptr));
  }
  for_each_line(event.data, [&out](std::string_view line) {
    out.append("data: ", 6).append(line).push_back('\n');
  });
  if (event.checksum) {
    append_field(out, "crc32c", event_checksum(event.id, event.name, event.data));
  }
  out.push_back('\n');
}

std::string event_checksum(std::string_view id, std::string_view name, std::string_view data) {
  std::uint32_t crc = crc32c(id);
  crc = crc32c("\n", crc);
  crc = crc32c(name.empty() ? "message" : name, crc);
  for_each_line(data, [&crc](std::string_view line) { crc = crc32c(line, crc32c("\n", crc)); });

  std::string digits(8, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, crc >>= 4) {
    *digit = "0123456789abcdef"[crc & 15];
  }
  return digits;
}

bool allowed_event_name(std::string_view name) {
  if (name.size() > kEventNameBytesMax) return false;
  if (name.starts_with("crier.") || name == "error" || name == "open") return false;
  while (!name.empty()) {
    const Utf8Step step = utf8_step(name);
    if (!step.valid || is_control_character(name.substr(0, step.bytes))) return false;
    name.remove_prefix(step.bytes);
  }
  return true;
}

}  // namespace crier
