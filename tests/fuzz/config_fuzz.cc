// Loads any text as a configuration file and as --set. It loads, or every problem is one line of
// text; a loaded configuration is unchanged after a dump and another load.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/differences.h"
#include "config/load.h"
#include "config/reference.h"
#include "core/check.h"

namespace {

using namespace crier::config;

void check(const Loaded& loaded) {
  if (!loaded) {
    CRIER_CHECK(!loaded.error().empty());
    for (const Problem& problem : loaded.error()) {
      CRIER_CHECK(!problem.message.empty());
      const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
      CRIER_CHECK(std::ranges::none_of(problem.message, is_control));
    }
    return;
  }
  const Loaded again = load_text(dump_json(*loaded), "dump");
  CRIER_CHECK(again.has_value());
  CRIER_CHECK(compare(*loaded, *again).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(load_text(text, "file"));
  // The same bytes, read as lines of --set.
  std::vector<std::string> overrides;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    overrides.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  check(load(std::nullopt, overrides));
  return 0;
}
