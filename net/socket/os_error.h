// errno as an Error that says what was tried.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include "core/result.h"

namespace crier::net {

inline std::string errno_text(int error) {
  return std::generic_category().message(error);
}

// "<what>: <text of the error>". Call it before anything else can change errno.
inline std::unexpected<Error> os_failure(const std::string& what, int error = errno) {
  return fail(Errc::os, what + ": " + errno_text(error));
}

// For constructors, which have no other way to say that the kernel refused: throws a
// std::system_error for libuv's negative status, with the name of what was tried.
inline void throw_unless_done(int uv_status, const char* what) {
  if (uv_status < 0) throw std::system_error(-uv_status, std::generic_category(), what);
}

}  // namespace crier::net
