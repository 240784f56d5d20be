// The ways in which a trusted proxy names its client: settings that the configuration and the
// network layer share. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier {

// The header in which a proxy names the client; the other one is ignored.
enum class ClientHeader : std::uint8_t { x_forwarded_for, forwarded };
constexpr std::array<std::string_view, 2> names_of(ClientHeader /*selects*/) {
  return {"x-forwarded-for", "forwarded"};
}

// Whether a proxy's connections begin with a PROXY protocol header.
enum class ProxyProtocol : std::uint8_t { off, optional, required };
constexpr std::array<std::string_view, 3> names_of(ProxyProtocol /*selects*/) {
  return {"off", "optional", "required"};
}

}  // namespace crier
