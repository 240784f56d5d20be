// What a publisher's Content-Type says of the body, and what the body shows itself to be.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier::cmd {

enum class BodyType : std::uint8_t {
  object,  // application/json
  lines,   // application/x-ndjson
  form,    // multipart/…
  other,   // Also a charset that is not UTF-8.
};

BodyType body_type(std::string_view content_type);

// Is it a JSON array, or the beginning of one?
bool is_array(std::string_view json);

}  // namespace crier::cmd
