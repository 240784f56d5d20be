// Converts settings to JSON; only this file turns crier's values into nlohmann's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/knob.h"

namespace crier::config {

using Json = nlohmann::ordered_json;  // Keys stay in the order in which they were added.

// Parses JSON. is_discarded() of the result is true if the text is not JSON. Never throws. Use it
// instead of Json::parse(), which is compiled again for each type of input.
Json read_json(std::string_view text);

Json json_of(const Value& value);  // null for monostate
Json json_of(const std::vector<TopicRow>& rows);

// Printable ASCII, on one line if indent is negative. Never throws: bytes that are not UTF-8 are
// replaced.
std::string dump(const Json& json, int indent = -1);

}  // namespace crier::config
