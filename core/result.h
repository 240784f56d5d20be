// The one error type for everything that can fail outside the hot path. Values; any thread.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace crier {

enum class Errc {
  invalid_config,
  address_in_use,
  limit_reached,
  bad_request,
  not_found,
  denied,  // The system does not let this user do it.
  os,
};

struct Error {
  Errc code;           // For the program to branch on.
  std::string detail;  // For a person to read: what failed, with which value, and what to do.
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string detail) {
  return std::unexpected(Error{code, std::move(detail)});
}

}  // namespace crier
