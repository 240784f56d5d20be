// Suggests the key that a misspelt one was meant to be.
#pragma once

#include <string>
#include <string_view>

namespace crier::config {

// The known key, section or `topics[N].name` that is closest to `key`; empty: none is close enough.
std::string closest_key(std::string_view key);

}  // namespace crier::config
