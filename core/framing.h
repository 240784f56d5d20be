// Text as it goes over the wire where the body's length is not known beforehand: HTTP/1.1 chunks,
// by RFC 9112, section 7.1. No chunk extensions, no trailer.
//
// For what is written once, e.g. a stream's first bytes; an event's chunk is part of its Frame.
#pragma once

#include <string>
#include <string_view>

namespace crier {

// Appends `text` as one chunk. Requires: !text.empty(), for an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view text);

// Ends the body; the connection could be used again after it.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace crier
