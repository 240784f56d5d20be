#include "core/text/wrap.h"

namespace crier {

std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns) {
  std::string out;
  std::string line(indent);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size() == text.size() ? word.size() : word.size() + 1);
    if (line.size() > indent.size() && line.size() + word.size() >= columns) {
      out += line + "\n";
      line = indent;
    }
    if (line.size() > indent.size()) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

}  // namespace crier
