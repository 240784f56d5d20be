#include "cmd/log_line.h"

#include <array>
#include <charconv>
#include <type_traits>
#include <variant>

#include "core/escape.h"

namespace crier::cmd {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool needs_quotes(std::string_view text) {
  for (const char c : text) {
    if (!is_letter_or_digit(c) && !std::string_view("-._~/:@+,*>[]%").contains(c)) return true;
  }
  return text.empty();
}

void append_key(std::string& out, std::string_view key) {
  for (const char c : key) out += is_letter_or_digit(c) || c == '_' || c == '.' ? c : '_';
  out += '=';
}

void append_value(std::string& out, std::string_view text) {
  if (needs_quotes(text)) {
    out.append("\"").append(escaped_for_log(text)).append("\"");
  } else {
    out.append(escaped_for_log(text));  // Only to cut it.
  }
}

void append_value(std::string& out, bool yes) {
  out.append(yes ? "true" : "false");
}

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 64> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string log_line(Level level, std::string_view message, std::span<const Field> fields) {
  std::string line(to_string(level));
  line.append(" ").append(escaped_for_log(message));
  for (const Field& field : fields) {
    line += ' ';
    append_key(line, field.key);
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view> ||
                        std::is_same_v<std::decay_t<decltype(value)>, bool>) {
            append_value(line, value);
          } else {
            append_number(line, value);
          }
        },
        field.value.get());
  }
  return line;
}

}  // namespace crier::cmd
