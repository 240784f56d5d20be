// A strict reader of JSON (RFC 8259) that builds nothing: it checks a text and says where the
// members of its outermost object lie, so that a value can be passed on as the bytes its author
// wrote (a parser's dump would round numbers and sort keys).
//
//   JsonObjectReader reader(text);
//   while (reader.next(member)) …
//   if (reader.problem() != nullptr) …      // Of the whole text, not of what was read so far.
//
// Refused, whatever the depth: bytes that are not UTF-8, control characters and unknown escapes in
// strings, halves of surrogate pairs, a byte order mark, more than kJsonDepthMax levels, anything
// after the value. Keys may repeat: what that means is the caller's to say.
//
// Views live as long as the text. Any thread; nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crier {

inline constexpr std::size_t kJsonDepthMax = 64;

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

struct JsonValue {
  std::string_view text;  // As written; a string with its quotes.
  JsonKind kind = JsonKind::null;
  bool escaped = false;  // A string with a backslash in it.
};

struct JsonMember {
  JsonValue key;
  JsonValue value;
};

struct JsonProblem {
  std::string_view message;  // A constant, e.g. "a string is not closed".
  std::size_t at = 0;        // Offset of the byte in question; the size of the text for its end.
};

// Whether // and /* */ count as white space, as in the configuration. Comments may have any bytes,
// so with them only strings are checked to be UTF-8.
enum class JsonComments : std::uint8_t { refused, skipped };

// Walks over a text, value by value. The first problem stays and ends the walk.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text, JsonComments comments = JsonComments::refused);

  // How many bytes are behind it. Behind at_end(): the next byte is none of white space.
  std::size_t at() const { return at_; }
  const JsonProblem* problem() const { return problem_.message.empty() ? nullptr : &problem_; }
  bool read_value(JsonValue& value, std::size_t depth);
  bool read_string(JsonValue& value);
  // Is the next byte, after white space, this one? Then it is taken.
  bool take(char byte);
  bool at_end();
  bool fail(std::string_view message);

 private:
  void skip_space();
  bool skip_comment();
  bool read_escape();
  bool read_hex(std::uint32_t& unit);
  bool read_number();
  bool read_digits();
  bool read_word(std::string_view word);
  bool read_array(std::size_t depth);
  bool read_object(std::size_t depth);

  std::string_view text_;
  std::size_t at_ = 0;
  JsonComments comments_;
  JsonProblem problem_;
};

class JsonObjectReader {
 public:
  explicit JsonObjectReader(std::string_view text) : cursor_(text) {}

  // False: there is no further member, or there is a problem.
  bool next(JsonMember& member);
  const JsonProblem* problem() const { return cursor_.problem(); }

 private:
  enum class Place : std::uint8_t { start, members, end };

  JsonCursor cursor_;
  Place place_ = Place::start;
};

// Is it one JSON value? An empty message: it is.
JsonProblem check_json(std::string_view text);

// Writes what a string says, without its quotes, to `out`, which has room for value.text.size()
// bytes, and returns how many it wrote. Requires: a string that a reader has passed.
std::size_t unescape_json_string(const JsonValue& value, char* out);

}  // namespace crier
