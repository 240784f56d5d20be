#include "config/json_tree.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/json_value.h"
#include "config/load.h"
#include "core/check.h"

namespace crier::config {
namespace {

constexpr std::size_t kShownBytesMax = 60;

// The line on which the last byte handed out stands: a line's end belongs to the line it ends,
// because a number is only known to be over when the byte after it was read.
class LineCount {
 public:
  void take(char c) {
    if (ended_) ++line_;
    ended_ = c == '\n';
  }
  std::uint32_t line() const { return line_; }

 private:
  std::uint32_t line_ = 1;
  bool ended_ = false;
};

// Walks the text for nlohmann's reader, which takes each byte once, and counts lines as it goes.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, LineCount* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    count_->take(*at_++);
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }

 private:
  const char* at_;
  LineCount* count_;
};

// Builds the tree. `open_` is the path from the root to the container being filled; its pointers
// stay valid because only the innermost one grows.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit TreeBuilder(const LineCount& count) : count_(count) {}

  bool null() override { return add(JsonNode::Type::null) != nullptr; }
  bool boolean(bool value) override {
    add(JsonNode::Type::flag)->flag = value;
    return true;
  }
  bool number_integer(number_integer_t value) override {  // Only for numbers with a minus sign.
    add(JsonNode::Type::odd_number)->text = value == 0 ? "-0" : std::to_string(value);
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    add(JsonNode::Type::number)->number = value;
    return true;
  }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    add(JsonNode::Type::odd_number)->text = text;
    return true;
  }
  bool string(string_t& value) override {
    add(JsonNode::Type::text)->text = std::move(value);
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON text has none.
  bool start_object(std::size_t /*size*/) override { return open(JsonNode::Type::object); }
  bool start_array(std::size_t /*size*/) override { return open(JsonNode::Type::list); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    open_.back()->members.push_back({std::move(name), count_.line(), {}});
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    fault_ = {count_.line(), describe(token, error.what())};
    return false;
  }

  JsonFault take_fault() { return std::move(fault_); }
  JsonNode take_root() { return std::move(root_); }

 private:
  JsonNode* add(JsonNode::Type type) {
    JsonNode* node = &root_;
    if (!open_.empty() && open_.back()->type == JsonNode::Type::object) {
      node = &open_.back()->members.back().value;
    } else if (!open_.empty()) {
      node = &open_.back()->items.emplace_back();
    }
    node->type = type;
    node->line = count_.line();
    return node;
  }

  bool open(JsonNode::Type type) {
    if (open_.size() == kConfigDepthMax) {
      fault_ = {count_.line(),
                "nested more than " + std::to_string(kConfigDepthMax) + " levels deep"};
      return false;
    }
    open_.push_back(add(type));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // Where a token is one character, nlohmann hands out all that it has skipped before it, too, with
  // control characters spelled out.
  static std::string last_word(std::string token) {
    if (token.ends_with('"')) return token;
    constexpr std::string_view kLineEnd = "<U+000A>";
    if (const std::size_t at = token.rfind(kLineEnd); at != std::string::npos) {
      token.erase(0, at + kLineEnd.size());
    }
    return token.substr(token.find_last_of(' ') + 1);
  }

  // The library's own sentence speaks of its grammar; the offending token says more.
  static std::string describe(const std::string& token, std::string_view reason) {
    reason = reason.substr(0, reason.find("; last read"));  // What follows is the token.
    if (reason.contains("missing closing quote")) return "a string without its closing quote";
    if (reason.contains("control character")) return "a line end or control character in a string";
    // As of nlohmann-json 3.11.3, nothing at all is another reason.
    if (reason.contains("unexpected end of input") || reason.contains("empty input")) {
      return "it ends too early";
    }
    if (reason.contains("ill-formed UTF-8")) return "a byte that is not UTF-8";
    if (reason.contains("comment")) return "a comment without its end, or a single '/'";
    const std::string last = last_word(token);
    if (last == "}" || last == "]") return "unexpected '" + last + "', perhaps after a comma";
    return "unexpected " + shown(last);
  }

  const LineCount& count_;
  JsonNode root_;
  std::vector<JsonNode*> open_;
  JsonFault fault_;
};

}  // namespace

std::expected<JsonNode, JsonFault> parse_json(std::string_view text) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    // nlohmann's reader takes it for the end of the text and would ignore the rest.
    const auto lines = std::ranges::count(text.substr(0, nul), '\n');
    return std::unexpected(JsonFault{static_cast<std::uint32_t>(lines + 1), "a NUL byte"});
  }
  LineCount count;
  TreeBuilder builder(count);
  const CountingIterator first(text.data(), &count);
  const CountingIterator last(text.data() + text.size(), &count);
  const bool whole = Json::sax_parse(first, last, &builder, nlohmann::detail::input_format_t::json,
                                     /*strict=*/true, /*ignore_comments=*/true);
  if (!whole) return std::unexpected(builder.take_fault());
  return builder.take_root();
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
