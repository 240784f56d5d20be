// Settings as JSON, for whatever prints them. The one place that turns our values into nlohmann's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/knob.h"

namespace crier::config {

using OrderedJson = nlohmann::ordered_json;  // Keys as they come: in the order of the tables.

OrderedJson json_of(const Value& value);  // null for monostate
OrderedJson json_of(const std::vector<TopicRow>& rows);

// Printable ASCII, on one line if indent is negative. Never throws: bytes that are not UTF-8 are
// replaced.
std::string dump(const OrderedJson& json, int indent = -1);

}  // namespace crier::config
