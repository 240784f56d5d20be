#include "core/text/escape.h"

#include <cstdint>

#include "core/check.h"
#include "core/text/utf8.h"

namespace crier {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

void append_hex(std::string& out, std::string_view prefix, char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto value = static_cast<std::uint8_t>(byte);
  out.append(prefix).push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 15]);
}

// Returns the letter that represents `c` after a backslash, or 0 if no letter does.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// Appends one character in the form of a line. `valid` is false for bytes that are not UTF-8.
void append_for_line(std::string& out, std::string_view character, bool valid) {
  if (valid && !is_control_character(character)) {
    out.append(character);
  } else if (const char letter = short_escape(character.front()); letter != 0) {
    out.append({'\\', letter});
  } else {
    for (const char byte : character) append_hex(out, "\\x", byte);
  }
}

void append_for_log(std::string& out, std::string_view character, bool valid) {
  if (character == "\"" || character == "\\") out.push_back('\\');
  append_for_line(out, character, valid);
}

// Appends one character in the form of a JSON string.
void append_for_json(std::string& out, std::string_view character, bool valid) {
  if (!valid) {
    out.append(kReplacement);
  } else if (const char letter = short_escape(character.front()); letter != 0) {
    out.append({'\\', letter});
  } else if (!is_control_character(character)) {
    out.append(character);
  } else if (character.size() < 3) {  // C0, DEL, and C1, whose second byte is its code point's.
    append_hex(out, "\\u00", character.back());
  } else {
    out.append(character.back() == '\xA8' ? "\\u2028" : "\\u2029");
  }
}

using Append = void(std::string& out, std::string_view character, bool valid);

std::string escaped(std::string_view text, std::size_t bytes_max, Append& append) {
  CRIER_CHECK(bytes_max >= kEllipsis.size());
  std::string escaped;
  std::size_t whole_with_ellipsis = 0;  // How much of `escaped` leaves room for the ellipsis.
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    append(escaped, text.substr(0, step.bytes), step.valid);
    text.remove_prefix(step.bytes);
    if (escaped.size() > bytes_max) {
      escaped.resize(whole_with_ellipsis);
      return escaped.append(kEllipsis);
    }
    if (escaped.size() + kEllipsis.size() <= bytes_max) whole_with_ellipsis = escaped.size();
  }
  return escaped;
}

}  // namespace

std::string escaped_for_log(std::string_view text, std::size_t bytes_max) {
  return escaped(text, bytes_max, append_for_log);
}

std::string escaped_for_line(std::string_view text, std::size_t bytes_max) {
  return escaped(text, bytes_max, append_for_line);
}

std::string in_quotes(std::string_view text, std::size_t bytes_max) {
  return "\"" + escaped_for_log(text, bytes_max) + "\"";
}

std::string escaped_for_json(std::string_view text, std::size_t bytes_max) {
  return escaped(text, bytes_max, append_for_json);
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    append_for_json(out, text.substr(0, step.bytes), step.valid);
    text.remove_prefix(step.bytes);
  }
  out.push_back('"');
}

}  // namespace crier
