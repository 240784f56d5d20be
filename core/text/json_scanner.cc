#include "core/text/json_scanner.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/text/decimal.h"
#include "core/text/utf8.h"

namespace crier {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

// Returns nonzero if one of the eight bytes is 0. May also mark a byte above a zero byte.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

bool plain(char c) {
  return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
}

// Returns how many bytes at the beginning of `text` a JSON string contains unescaped.
std::size_t plain_bytes(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    if ((control | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\')) != 0) break;
  }
  while (at < text.size() && plain(text[at])) ++at;
  return at;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Returns true if backslash and `letter` stand for one byte.
bool stands_for_one_byte(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (!step.valid) break;
    at += step.bytes;
  }
  return at;
}

}  // namespace

JsonCursor::JsonCursor(std::string_view text, JsonComments comments)
    : text_(text), comments_(comments) {
  if (comments == JsonComments::skipped || valid_utf8(text)) return;
  at_ = first_bad_byte(text);
  fail("it is not UTF-8");
}

bool JsonCursor::fail(std::string_view message) {
  if (problem_.message.empty()) problem_ = {message, at_};
  return false;
}

void JsonCursor::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else if (c != '/' || comments_ == JsonComments::refused || !skip_comment()) {
      return;
    }
  }
}

bool JsonCursor::skip_comment() {
  const std::string_view begin = text_.substr(at_, 2);
  const bool is_line = begin == "//";
  if (!is_line && begin != "/*") return false;
  const std::size_t end = is_line ? text_.find_first_of("\r\n", at_) : text_.find("*/", at_ + 2);
  if (end == std::string_view::npos && !is_line) return fail("a comment is not closed");
  at_ = is_line ? std::min(end, text_.size()) : end + 2;
  return true;
}

bool JsonCursor::take(char byte) {
  const auto is_next = [&] { return at_ < text_.size() && text_[at_] == byte; };
  if (!is_next()) skip_space();  // `byte` is never white space.
  if (!is_next()) return false;
  ++at_;
  return true;
}

bool JsonCursor::at_end() {
  skip_space();
  return at_ == text_.size();
}

bool JsonCursor::read_value(JsonValue& value, std::size_t depth) {
  if (problem() != nullptr) return false;
  if (at_end()) return fail("a value is missing at the end");
  const std::size_t begin = at_;
  const char first = text_[at_];
  bool good = false;
  if (first == '"') return read_string(value);
  if (first == '{' || first == '[') {
    if (depth >= kJsonDepthMax) return fail("it is nested more than 64 levels deep");
    value.kind = first == '{' ? JsonKind::object : JsonKind::array;
    good = first == '{' ? read_object(depth + 1) : read_array(depth + 1);
  } else if (first == '-' || is_digit(first)) {
    value.kind = JsonKind::number;
    good = read_number();
  } else if (first == 'n') {
    value.kind = JsonKind::null;
    good = read_word("null");
  } else {
    value.kind = JsonKind::boolean;
    good = read_word(first == 't' ? "true" : "false");
  }
  value.escaped = false;
  value.text = text_.substr(begin, at_ - begin);
  return good;
}

bool JsonCursor::read_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return fail("this is not a JSON value");
  at_ += word.size();
  return true;
}

bool JsonCursor::read_string(JsonValue& value) {
  if (!take('"')) return fail("a string in double quotes is expected here");
  const std::size_t begin = at_ - 1;
  value.kind = JsonKind::string;
  value.escaped = false;
  for (;;) {
    if (at_ < text_.size() && text_[at_] != '\\') at_ += plain_bytes(text_.substr(at_));
    if (at_ == text_.size()) return fail("a string is not closed");
    if (text_[at_] == '"') break;
    if (text_[at_] != '\\')
      return fail("a line end or control character in a string must be escaped");
    value.escaped = true;
    if (!read_escape()) return false;
  }
  ++at_;
  value.text = text_.substr(begin, at_ - begin);
  if (comments_ == JsonComments::refused || valid_utf8(value.text)) return true;
  at_ = begin + first_bad_byte(value.text);
  return fail("it is not UTF-8");
}

bool JsonCursor::read_escape() {
  const std::size_t begin = at_++;
  const char letter = at_ < text_.size() ? text_[at_] : '\0';
  if (letter != 'u') {
    if (!stands_for_one_byte(letter)) return fail("this escape is unknown");
    ++at_;
    return true;
  }
  ++at_;
  std::uint32_t unit = 0;
  if (!read_hex(unit)) return false;
  if (is_high_surrogate(unit) && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    if (!read_hex(unit)) return false;
    if (is_low_surrogate(unit)) return true;
    unit = 0xD800;  // The first half stands alone.
  }
  if (!is_high_surrogate(unit) && !is_low_surrogate(unit)) return true;
  at_ = begin;
  return fail("half of a surrogate pair stands alone");
}

bool JsonCursor::read_hex(std::uint32_t& unit) {
  unit = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const int digit = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
    if (digit < 0) return fail("\\u needs four hexadecimal digits");
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  return true;
}

bool JsonCursor::read_digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ > begin || fail("a number lacks a digit");
}

bool JsonCursor::read_number() {
  const auto next_is = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
  if (next_is('-')) ++at_;
  if (next_is('0')) {
    ++at_;
    if (at_ < text_.size() && is_digit(text_[at_])) return fail("a number begins with 0");
  } else if (!read_digits()) {
    return false;
  }
  if (next_is('.')) {
    ++at_;
    if (!read_digits()) return false;
  }
  if (next_is('e') || next_is('E')) {
    ++at_;
    if (next_is('+') || next_is('-')) ++at_;
    return read_digits();
  }
  return true;
}

bool JsonCursor::read_array(std::size_t depth) {
  CRIER_CHECK(take('['));
  if (take(']')) return true;
  JsonValue ignored;
  do {
    if (!read_value(ignored, depth)) return false;
  } while (take(','));
  return take(']') || fail("',' or ']' is missing");
}

bool JsonCursor::read_object(std::size_t depth) {
  CRIER_CHECK(take('{'));
  if (take('}')) return true;
  JsonValue ignored;
  do {
    if (!read_string(ignored)) return false;
    if (!take(':')) return fail("':' is missing");
    if (!read_value(ignored, depth)) return false;
  } while (take(','));
  return take('}') || fail("',' or '}' is missing");
}

bool JsonObjectReader::next(JsonMember& member) {
  if (problem() != nullptr || place_ == Place::end) return false;
  const bool first = place_ == Place::start;
  if (first && !cursor_.take('{')) return cursor_.fail("it is not an object");
  place_ = Place::members;
  if (cursor_.take('}')) {
    place_ = Place::end;
    if (!cursor_.at_end()) cursor_.fail("something follows the object");
    return false;
  }
  if (!first && !cursor_.take(',')) return cursor_.fail("',' or '}' is missing");
  if (!cursor_.read_string(member.key)) return false;
  if (!cursor_.take(':')) return cursor_.fail("':' is missing");
  return cursor_.read_value(member.value, 1);
}

JsonProblem check_json(std::string_view text) {
  JsonCursor cursor(text);
  JsonValue value;
  if (cursor.read_value(value, 0) && !cursor.at_end()) cursor.fail("something follows the value");
  return cursor.problem() == nullptr ? JsonProblem{} : *cursor.problem();
}

namespace {

std::uint32_t hex_unit(const char* digits) {
  std::uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) unit = unit << 4 | static_cast<std::uint32_t>(hex_digit(digits[i]));
  return unit;
}

char* write_utf8(char* out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
    return out;
  }
  if (point < 0x800) {
    put(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
  }
  put(0x80 | (point & 0x3F));
  return out;
}

char single_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;  // '"', '\\', '/'
  }
}

}  // namespace

std::size_t unescape_json_string(const JsonValue& value, char* out) {
  CRIER_CHECK(value.kind == JsonKind::string);
  CRIER_CHECK(value.text.size() >= 2);
  std::string_view rest = value.text.substr(1, value.text.size() - 2);
  char* const begin = out;
  while (!rest.empty()) {
    if (rest.front() != '\\') {
      const std::size_t as_is = std::min(rest.find('\\'), rest.size());
      std::memcpy(out, rest.data(), as_is);
      out += as_is;
      rest.remove_prefix(as_is);
      continue;
    }
    if (rest[1] != 'u') {
      *out++ = single_escape(rest[1]);
      rest.remove_prefix(2);
      continue;
    }
    std::uint32_t point = hex_unit(rest.data() + 2);
    rest.remove_prefix(6);
    if (is_high_surrogate(point)) {
      point = 0x10000 + ((point - 0xD800) << 10) + (hex_unit(rest.data() + 2) - 0xDC00);
      rest.remove_prefix(6);
    }
    out = write_utf8(out, point);
  }
  return static_cast<std::size_t>(out - begin);
}

}  // namespace crier
