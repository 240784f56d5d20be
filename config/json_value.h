// Settings as JSON, for whatever prints them. The one place that turns our values into nlohmann's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/knob.h"

namespace crier::config {

using Json = nlohmann::ordered_json;  // Keys stay in the order in which they were added.

// JSON text as a value: discarded (see is_discarded()) where it is not JSON. Never throws. The one
// reader of the commands and the daemon, as each type it is used with is compiled again.
Json read_json(std::string_view text);

Json json_of(const Value& value);  // null for monostate
Json json_of(const std::vector<TopicRow>& rows);

// Printable ASCII, on one line if indent is negative. Never throws: bytes that are not UTF-8 are
// replaced.
std::string dump(const Json& json, int indent = -1);

}  // namespace crier::config
