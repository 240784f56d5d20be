#include "core/text/roff.h"

namespace crier {
namespace {

// Returns the escape of a character that roff would change, so that a shell command can be copied
// from the page; nothing for other characters.
std::string_view escape_of(char c) {
  switch (c) {
    case '\\':
      return "\\e";
    case '-':
      return "\\-";
    case '"':
      return "\\(dq";
    case '\'':
      return "\\(aq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    default:
      return {};
  }
}

}  // namespace

std::string roff_text(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    const std::string_view escape = escape_of(c);
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (escape.empty()) {
      out += c;
    } else {
      out += escape;
    }
    line_begins = c == '\n';
  }
  return out;
}

}  // namespace crier
