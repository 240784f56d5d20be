// A strict JSON reader (RFC 8259) that builds no document. It checks a text and returns where the
// members of the outermost object lie, so that crier can pass a value on as the bytes its author
// wrote. (A parser that writes its document out again would round numbers and sort keys.)
//
//   JsonObjectReader reader(text);
//   while (reader.next(member)) …
//   if (reader.problem() != nullptr) …      // After the loop, it covers the whole text.
//
// At every depth it refuses: bytes that are not UTF-8, control characters and unknown escapes in
// strings, halves of surrogate pairs, a byte order mark, more than kJsonDepthMax levels, and bytes
// after the value. Keys may repeat; the caller decides what that means.
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
  std::string_view text;  // The bytes as written; a string includes its quotes.
  JsonKind kind = JsonKind::null;
  bool escaped = false;  // True for a string that contains a backslash.
};

struct JsonMember {
  JsonValue key;
  JsonValue value;
};

struct JsonProblem {
  std::string_view message;  // A constant, e.g. "a string is not closed".
  std::size_t at = 0;        // Offset of the byte in question, or the size of the text for its end.
};

// Whether // and /* */ comments count as white space, as in the configuration. Comments may contain
// any bytes, so with them only strings are checked for UTF-8.
enum class JsonComments : std::uint8_t { refused, skipped };

// Walks over a text, value by value. The first problem ends the walk; problem() keeps it.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text, JsonComments comments = JsonComments::refused);

  // Returns the offset of the next byte. After at_end(), that byte is not white space.
  std::size_t at() const { return at_; }
  const JsonProblem* problem() const { return problem_.message.empty() ? nullptr : &problem_; }
  // Reads one value of any kind. `depth` is the number of arrays and objects around it. Returns
  // false at a problem.
  bool read_value(JsonValue& value, std::size_t depth);
  // Reads one string. Returns false at a problem.
  bool read_string(JsonValue& value);
  // Skips white space, and then the next byte if it is `byte`; returns whether it was. `byte` is
  // neither white space nor '/'.
  bool take(char byte);
  // Skips white space. Returns true if nothing follows.
  bool at_end();
  // Stores a problem at the current offset, unless there is one already. Returns false.
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

// Reads the members of one object, and checks that nothing follows it.
class JsonObjectReader {
 public:
  explicit JsonObjectReader(std::string_view text) : cursor_(text) {}

  // Returns false when there is no further member, or when there is a problem.
  bool next(JsonMember& member);
  const JsonProblem* problem() const { return cursor_.problem(); }

 private:
  enum class Place : std::uint8_t { start, members, end };

  JsonCursor cursor_;
  Place place_ = Place::start;
};

// Checks that the text is one JSON value. An empty message means that it is.
JsonProblem check_json(std::string_view text);

// Writes the text that a string stands for, without quotes, to `out` and returns how many bytes it
// wrote. Requires: `out` has room for value.text.size() bytes, and a reader accepted the string.
std::size_t unescape_json_string(const JsonValue& value, char* out);

}  // namespace crier
