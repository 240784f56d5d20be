// Tells the kind of a publisher's body, from its Content-Type and from its first bytes.
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
  other,   // Any other type, or a charset that is not UTF-8.
};

BodyType body_type(std::string_view content_type);

// Whether `json` is a JSON array or begins like one.
bool is_array(std::string_view json);

}  // namespace crier::cmd
