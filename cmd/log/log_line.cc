#include "cmd/log/log_line.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <type_traits>
#include <variant>

#include "core/text/escape.h"

namespace crier::cmd {
namespace {

using config::LogFormat;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool needs_quotes(std::string_view text) {
  for (const char c : text) {
    if (!is_letter_or_digit(c) && !std::string_view("-._~/:@+,*>[]%").contains(c)) return true;
  }
  return text.empty();
}

void append_quoted(std::string& out, LogFormat format, std::string_view text) {
  out += '"';
  out += format == LogFormat::text ? escaped_for_log(text) : escaped_for_json(text);
  out += '"';
}

void append_value(std::string& out, LogFormat format, std::string_view text) {
  if (format == LogFormat::json || needs_quotes(text)) {
    append_quoted(out, format, text);
  } else {
    out += escaped_for_log(text);  // Nothing is escaped here; the call shortens long text.
  }
}

void append_value(std::string& out, LogFormat /*format*/, bool yes) {
  out += yes ? "true" : "false";
}

template <typename Number>
void append_number(std::string& out, LogFormat format, Number number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (format == LogFormat::json && !std::isfinite(number)) {
      out += "null";
      return;
    }
  }
  std::array<char, 64> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

// The field with its separator from the field before.
std::string field_text(LogFormat format, const Field& field) {
  const bool json = format == LogFormat::json;
  std::string out(json ? ",\"" : " ");
  for (const char c : field.key) out += is_letter_or_digit(c) || c == '_' || c == '.' ? c : '_';
  out += json ? "\":" : "=";
  std::visit(
      [&](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string_view> || std::is_same_v<Value, bool>) {
          append_value(out, format, value);
        } else {
          append_number(out, format, value);
        }
      },
      field.value.get());
  return out;
}

std::string beginning(LogFormat format, std::string_view time, Level level,
                      std::string_view message) {
  std::string line;
  switch (format) {
    case LogFormat::text:
      if (!time.empty()) line.append(time).append(" ");
      line.append(to_string(level)).append(" ").append(escaped_for_line(message));
      break;
    case LogFormat::logfmt:
      if (!time.empty()) line.append("ts=").append(time).append(" ");
      line.append("level=").append(to_string(level)).append(" msg=");
      append_quoted(line, format, message);
      break;
    case LogFormat::json:
      line = "{";
      if (!time.empty()) line.append("\"ts\":\"").append(time).append("\",");
      line.append("\"level\":\"").append(to_string(level)).append("\",\"msg\":");
      append_quoted(line, format, message);
      break;
  }
  return line;
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(since - whole).count();
  const std::time_t seconds = whole.count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(text.data(), size) + "." + std::to_string(1'000 + ms).substr(1) + "Z";
}

std::string log_line(LogFormat format, std::string_view time, Level level, std::string_view message,
                     std::span<const Field> fields) {
  const std::string_view close = format == LogFormat::json ? "}" : "";
  const std::string cut = field_text(format, {"cut", true});
  std::string line = beginning(format, time, level, message);
  for (const Field& field : fields) {
    const std::string text = field_text(format, field);
    if (line.size() + text.size() + cut.size() + close.size() > kLogLineBytesMax) {
      line += cut;
      break;
    }
    line += text;
  }
  return line.append(close);
}

}  // namespace crier::cmd
