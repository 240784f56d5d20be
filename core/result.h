// One error type for everything that can fail outside the hot path.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace crier {

enum class Errc { invalid_config, address_in_use, limit_reached, bad_request, not_found, os };

struct Error {
  Errc code;           // To branch on.
  std::string detail;  // To print: what failed, with which value, what to do.
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string detail) {
  return std::unexpected(Error{code, std::move(detail)});
}

}  // namespace crier
