#include "cmd/json_text.h"

namespace crier::cmd {

Json parse_json(std::string_view text) {
  return Json::parse(text.data(), text.data() + text.size(), nullptr, false);
}

bool is_json(std::string_view text) {
  return Json::accept(text.data(), text.data() + text.size());
}

}  // namespace crier::cmd
