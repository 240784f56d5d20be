// What bounds a request head, and how far reading it has come.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crier::net {

struct HeadLimits {
  std::size_t head_bytes_max = 16 * 1024;   // 431 beyond. At most 1 MiB.
  std::size_t target_bytes_max = 8 * 1024;  // 414 beyond.
  std::size_t fields_max = 100;             // 431 beyond.
  // false: a Content-Length other than 0 is refused, 405 to a POST (the subscriber port).
  // true: POST needs one Content-Length or `Transfer-Encoding: chunked`, 411 without (the publish
  // socket).
  bool bodies = false;
};

enum class HeadProgress : std::uint8_t { more, complete, refused };

}  // namespace crier::net
