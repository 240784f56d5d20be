// The time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crier::net {

// Pure; any thread. Requires: a year from 1970 to 9999.
std::string http_date(std::int64_t unix_seconds);

// The date of now. Each thread formats it once a second; the view is valid until the thread's next
// call.
std::string_view http_date_now();

}  // namespace crier::net
