#include "core/framing.h"

#include <array>
#include <charconv>
#include <system_error>

#include "core/check.h"

namespace crier {

void append_chunk(std::string& out, std::string_view text) {
  CRIER_CHECK(!text.empty());
  std::array<char, 16> digits{};
  const auto printed = std::to_chars(digits.data(), digits.data() + digits.size(), text.size(), 16);
  CRIER_CHECK(printed.ec == std::errc{});
  out.append(digits.data(), printed.ptr).append("\r\n").append(text).append("\r\n");
}

}  // namespace crier
