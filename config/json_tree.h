// JSON with comments, as a tree that knows its lines: what the reader of the configuration walks.
//
// Objects keep repeated keys, so that the reader can refuse them. Nesting and size are bounded, and
// no exception leaves this file's functions.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace crier::config {

struct JsonMember;

struct JsonNode {
  enum class Type : std::uint8_t {
    null,
    flag,
    number,      // Whole, not negative, below 2^64.
    odd_number,  // Any other: `text` has it as it should be shown.
    text,
    list,
    object,
  };

  Type type = Type::null;
  bool flag = false;
  std::uint32_t line = 0;  // Where it begins (a value) or begins its brackets; 0: not in a file.
  std::uint64_t number = 0;
  std::string text;
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;
};

struct JsonMember {
  std::string key;
  std::uint32_t line = 0;  // Of the key.
  JsonNode value;
};

struct JsonFault {
  std::uint32_t line = 0;
  std::string what;  // "unexpected '}'": what comes after "is not valid JSON: ".
};

[[nodiscard]] std::expected<JsonNode, JsonFault> parse_json(std::string_view text);

// As it would stand in a message: short, on one line, printable.
std::string shown(const JsonNode& node);
std::string shown(std::string_view text);  // With quotes.

}  // namespace crier::config
