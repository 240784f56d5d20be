#include "cmd/json_text.h"

namespace crier::cmd {

Json parse_json(std::string_view text) {
  return Json::parse(text.data(), text.data() + text.size(), nullptr, false);
}

}  // namespace crier::cmd
