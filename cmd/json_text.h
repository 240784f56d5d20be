// JSON that the commands are answered, read in one place and into one type: nlohmann's reader is
// compiled anew for each kind of value and each kind of text.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace crier::cmd {

using Json = nlohmann::ordered_json;  // Keys as they come.

// Discarded (see is_discarded()) where the text is not JSON. Never throws.
Json parse_json(std::string_view text);

}  // namespace crier::cmd
