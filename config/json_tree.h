// Parses JSON with comments into a tree with line numbers, for the reader of the configuration.
//
// Objects keep repeated keys, so that the reader can refuse them. Nesting is bounded:
// kConfigDepthMax. Pure functions.
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
    odd_number,  // Any other number; `text` has it as it was written.
    text,
    list,
    object,
  };

  Type type = Type::null;
  bool flag = false;
  std::uint32_t line = 0;  // The line on which it begins; 0: not from a file.
  std::uint64_t number = 0;
  std::string text;
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;
};

struct JsonMember {
  std::string key;
  std::uint32_t line = 0;  // The line of the key.
  JsonNode value;
};

struct JsonFault {
  std::uint32_t line = 0;
  std::string what;  // "unexpected '}'", to follow "is not valid JSON: ".
};

[[nodiscard]] std::expected<JsonNode, JsonFault> parse_json(std::string_view text);

// The value as messages show it: short, printable, on one line.
std::string shown(const JsonNode& node);
std::string shown(std::string_view text);  // With quotes.

}  // namespace crier::config
