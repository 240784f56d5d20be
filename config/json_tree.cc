#include "config/json_tree.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "config/json_value.h"
#include "config/load.h"
#include "core/text/decimal.h"
#include "core/text/json_scanner.h"

namespace crier::config {
namespace {

constexpr std::size_t kShownBytesMax = 60;

std::string text_of(const JsonValue& value) {
  std::string text(value.text.size(), '\0');
  text.resize(unescape_json_string(value, text.data()));
  return text;
}

// Builds the tree. Each of its functions returns false after a fault.
class TreeReader {
 public:
  explicit TreeReader(std::string_view text) : text_(text), cursor_(text, JsonComments::skipped) {}

  std::expected<JsonNode, JsonFault> read_all() {
    JsonNode root;
    if (read(root, 0) && (cursor_.at_end() || unexpected())) return root;
    if (what_.empty()) what_ = cursor_.problem()->message;
    return std::unexpected(JsonFault{line(), what_});
  }

 private:
  bool read(JsonNode& node, std::size_t depth) {
    if (cursor_.problem() != nullptr || cursor_.at_end()) return unexpected();
    node.line = line();
    const char first = text_[cursor_.at()];
    if (first != '{' && first != '[') return read_plain(node, first);
    if (depth == kConfigDepthMax) {
      return fail("nested more than " + std::to_string(kConfigDepthMax) + " levels deep");
    }
    cursor_.take(first);
    node.type = first == '{' ? JsonNode::Type::object : JsonNode::Type::list;
    const char last = first == '{' ? '}' : ']';
    if (cursor_.take(last)) return true;
    do {
      const bool good = first == '{' ? read_member(node.members.emplace_back(), depth + 1)
                                     : read(node.items.emplace_back(), depth + 1);
      if (!good) return false;
    } while (cursor_.take(','));
    return cursor_.take(last) || unexpected();
  }

  bool read_member(JsonMember& member, std::size_t depth) {
    if (cursor_.at_end() || text_[cursor_.at()] != '"') return unexpected();
    member.line = line();
    JsonValue key;
    if (!cursor_.read_string(key)) return false;
    member.key = text_of(key);
    return cursor_.take(':') ? read(member.value, depth) : unexpected();
  }

  bool read_plain(JsonNode& node, char first) {
    if (!std::string_view("\"-0123456789tfn").contains(first)) return unexpected();
    JsonValue value;
    if (!cursor_.read_value(value, 0)) return false;
    if (value.kind == JsonKind::string) {
      node.type = JsonNode::Type::text;
      node.text = text_of(value);
    } else if (value.kind == JsonKind::boolean) {
      node.type = JsonNode::Type::flag;
      node.flag = value.text == "true";
    } else if (value.kind == JsonKind::number) {
      const auto number = parse_decimal<std::uint64_t>(value.text);
      node.type = number ? JsonNode::Type::number : JsonNode::Type::odd_number;
      node.number = number.value_or(0);
      node.text = value.text;
    }
    return true;
  }

  bool fail(std::string what) {
    what_ = std::move(what);
    return false;
  }

  // Notes that the next word cannot stand there, unless the cursor has a problem. Returns false.
  bool unexpected() {
    if (cursor_.at_end()) return fail("it ends too early");
    if (cursor_.problem() != nullptr) return false;
    const std::string_view rest = text_.substr(cursor_.at());
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n,:[]{}", 1));
    if (word == "}" || word == "]") {
      return fail("unexpected '" + std::string(word) + "', perhaps after a comma");
    }
    const bool quoted = word.size() > 1 && word.front() == '"' && word.back() == '"' &&
                        shown(word.substr(1, word.size() - 2)) == word;
    return fail("unexpected " + (quoted ? std::string(word) : shown(word)));
  }

  // The line of the cursor's next byte; at the end of the text, of its last byte.
  std::uint32_t line() {
    const std::size_t at = std::min(cursor_.at(), std::max<std::size_t>(text_.size(), 1) - 1);
    const std::string_view passed = text_.substr(counted_, at - counted_);
    line_ += static_cast<std::uint32_t>(std::ranges::count(passed, '\n'));
    counted_ = at;
    return line_;
  }

  std::string_view text_;
  JsonCursor cursor_;
  std::string what_;         // The fault, unless the cursor has it.
  std::size_t counted_ = 0;  // The line ends before this are in line_.
  std::uint32_t line_ = 1;
};

}  // namespace

std::expected<JsonNode, JsonFault> parse_json(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return TreeReader(text).read_all();
}

std::string shown(std::string_view text) {
  const bool cut = text.size() > kShownBytesMax;
  std::string json = dump(Json(text.substr(0, kShownBytesMax)));
  return cut ? json + "…" : json;
}

std::string shown(const JsonNode& node) {
  switch (node.type) {
    case JsonNode::Type::null:
      return "null";
    case JsonNode::Type::flag:
      return node.flag ? "true" : "false";
    case JsonNode::Type::number:
      return std::to_string(node.number);
    case JsonNode::Type::odd_number:
      return node.text.size() > kShownBytesMax ? node.text.substr(0, kShownBytesMax) + "…"
                                               : node.text;
    case JsonNode::Type::text:
      return shown(node.text);
    case JsonNode::Type::list:
      return "a list";
    case JsonNode::Type::object:
      return "a section";
  }
  return {};
}

}  // namespace crier::config
