// Everything that is written about the knobs, generated from their rows.
#pragma once

#include <string>

#include "config/config.h"

namespace crier::config {

// For editors and for `crier check` in other tools: JSON Schema, draft 2020-12.
std::string json_schema();

// A configuration with every key, its meaning and its default; it loads, as the defaults.
std::string commented_example();

// The configuration as JSON, for /debug/config.
std::string dump_json(const Config& config);

// Every key with meaning, default, what is allowed and when a change counts: to read in a terminal,
// and the same as the body of a section of a manual page (man(7)).
std::string reference_text();
std::string reference_man();

}  // namespace crier::config
