#include "core/text/utf8.h"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"

using crier::is_control_character;
using crier::utf8_step;
using crier::valid_event_text;
using crier::valid_utf8;

namespace {

// The reference: decodes to code points and checks these. Slow, but by a different method.
bool reference_valid(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    std::size_t following = 0;
    while (following < 7 && (lead & (0x80 >> following)) != 0) ++following;
    if (following == 0) continue;
    if (following == 1 || following > 4) return false;
    std::uint32_t code = lead & (0x7Fu >> following);
    for (std::size_t k = 1; k < following; ++k, ++i) {
      if (i == text.size() || (text[i] & 0xC0) != 0x80) return false;
      code = code << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3Fu);
    }
    constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[following] || code > 0x10FFFF) return false;
    if (code >= 0xD800 && code <= 0xDFFF) return false;
  }
  return true;
}

std::string bytes_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

// The first and the last byte of every class of bytes in UTF-8.
const std::array<int, 29> kEdges = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                    0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                    0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFC, 0xFE, 0xFF};

bool agree(const std::string& text) {
  return valid_utf8(text) == reference_valid(text);
}

}  // namespace

TEST_CASE("every text of one or two bytes gets the same result as from the reference") {
  std::size_t wrong = 0;
  std::size_t valid = 0;
  for (int first = 0; first < 256; ++first) {
    wrong += !agree(bytes_of({first}));
    for (int second = 0; second < 256; ++second) {
      const std::string text = bytes_of({first, second});
      wrong += !agree(text);
      valid += valid_utf8(text);
    }
  }
  CHECK(wrong == 0);
  CHECK(valid == 128 * 128 + 30 * 64);  // Two ASCII characters, or C2..DF with 80..BF.
}

TEST_CASE("texts of three and four bytes of every class get the same result") {
  std::size_t wrong = 0;
  for (const int a : kEdges) {
    for (const int b : kEdges) {
      for (const int c : kEdges) {
        wrong += !agree(bytes_of({a, b, c}));
        for (const int d : kEdges) wrong += !agree(bytes_of({a, b, c, d}));
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("longer random texts, with ASCII at every offset, get the same result") {
  std::mt19937_64 random(7);
  const std::array<std::string, 8> kParts = {"\xC3\xA9",         "\xE2\x82\xAC", "\xED\x9F\xBF",
                                             "\xF0\x9F\x93\xA3", "\xC2",         "\xED\xA0\x80",
                                             "\xF4\x90\x80\x80", "\x80"};
  std::size_t wrong = 0;
  std::size_t valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t parts = random() % 6; parts > 0; --parts) {
      text.append(random() % 20, 'a');
      // Mostly valid parts, so that texts of several parts are valid at all.
      text += kParts[random() % (random() % 4 == 0 ? 8 : 4)];
    }
    text.append(random() % 20, 'z');
    if (random() % 8 == 0) text.resize(random() % (text.size() + 1));
    wrong += !agree(text);
    valid += valid_utf8(text);
  }
  CHECK(wrong == 0);
  CHECK(valid > 5'000);
  CHECK(valid < 15'000);
}

TEST_CASE("the first and last valid sequences are accepted, malformed ones are not") {
  const auto [text, valid] = GENERATE(table<std::string, bool>({
      {"", true},
      {"\x7F", true},
      {"\xC2\x80", true},
      {"\xDF\xBF", true},
      {"\xE0\xA0\x80", true},
      {"\xED\x9F\xBF", true},
      {"\xEE\x80\x80", true},
      {"\xEF\xBF\xBF", true},
      {"\xEF\xBB\xBF", true},
      {"\xF0\x90\x80\x80", true},
      {"\xF4\x8F\xBF\xBF", true},
      {"\xC0\x80", false},  // NUL, overlong
      {"\xC1\xBF", false},
      {"\xE0\x9F\xBF", false},
      {"\xF0\x8F\xBF\xBF", false},
      {"\xED\xA0\x80", false},  // surrogates
      {"\xED\xBF\xBF", false},
      {"\xF4\x90\x80\x80", false},  // beyond U+10FFFF
      {"\xF5\x80\x80\x80", false},
      {"\x80", false},      // a continuation alone
      {"\xE2\x82", false},  // cut short
      {"\xF0\x9F\x93", false},
      {"12345678\x80", false},  // behind eight bytes of ASCII
      {"1234567\xC3", false},   // across them
      {"1234567\xC3\xA9", true},
  }));
  CHECK(valid_utf8(text) == valid);
  CHECK(reference_valid(text) == valid);
}

TEST_CASE("event text has no NUL") {
  CHECK(valid_event_text(""));
  CHECK(valid_event_text("a\r\nb\x01\xEF\xBB\xBF"));
  CHECK(!valid_event_text(std::string(1, '\0')));
  CHECK(!valid_event_text(std::string("1234567\0abcdefgh", 16)));
  CHECK(!valid_event_text("1234567\xFF"));
}

TEST_CASE("invalid bytes are split into the pieces that a browser replaces") {
  // The Unicode Standard, chapter 3, tables 3-8 to 3-11: sizes of the pieces; negative: not valid.
  const auto [text, expected] = GENERATE(table<std::string, std::vector<int>>({
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", {-1, -1, -1, -1, -1, -1, -1, -1, 1}},
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", {-1, -1, -1, -1, -1, -1, -1, -1, 1}},
      {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", {-1, -1, -1, -1, -1, 1, -1, -1, 1}},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", {-2, -1, -3, -2, 1}},
      {"\xE2\x82\xAC\xC3\xA9x", {3, 2, 1}},
  }));
  std::vector<int> pieces;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto step = utf8_step(rest);
    pieces.push_back(step.valid ? static_cast<int>(step.bytes) : -static_cast<int>(step.bytes));
    rest.remove_prefix(step.bytes);
  }
  CHECK(pieces == expected);
}

TEST_CASE("control characters are recognised") {
  const auto [character, control] = GENERATE(table<std::string, bool>({
      {"\x1F", true},
      {" ", false},
      {"~", false},
      {"\x7F", true},
      {"\xC2\x80", true},
      {"\xC2\x9F", true},
      {"\xC2\xA0", false},
      {"\xC3\x80", false},
      {"\xE2\x80\xA7", false},
      {"\xE2\x80\xA8", true},
      {"\xE2\x80\xA9", true},
      {"\xE2\x80\xAA", false},
      {"\xF0\x9F\x93\xA3", false},
  }));
  CHECK(is_control_character(character) == control);
  CHECK(is_control_character(std::string(1, '\0')));
}
