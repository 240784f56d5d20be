// The bounds of a request head, and the progress of a reader of one. Sizes are in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crier::net {

struct HeadLimits {
  std::size_t head_bytes_max = 16 * 1024;   // A longer head is refused with 431. At most 1 MiB.
  std::size_t target_bytes_max = 8 * 1024;  // A longer target is refused with 414.
  std::size_t fields_max = 100;             // More header lines are refused with 431.
  // false (subscriber port): a request with a body is refused, a POST with 405.
  // true (publish socket): a POST without Content-Length and `Transfer-Encoding: chunked` is
  // refused with 411.
  bool bodies = false;
  // With `bodies`: such a POST is one with an empty body.
  bool empty_posts = false;
};

enum class HeadProgress : std::uint8_t {
  more,      // The head is not complete yet.
  complete,  // The head is complete and accepted.
  refused,   // The head, or its beginning, is refused.
};

}  // namespace crier::net
