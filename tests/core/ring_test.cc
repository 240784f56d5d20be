#include "core/ring.h"

#include <array>

#include "core/index_pool.h"
#include "core/token_bucket.h"
#include "tests/support/catch.h"

using crier::Frame;
using crier::FrameRef;
using crier::Ring;

TEST_CASE("a ring gives frames back in order, across the end of its storage") {
  std::array<FrameRef, 4> storage;
  Ring ring{std::span<FrameRef>(storage)};
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (int round = 0; round < 50; ++round) {
    while (!ring.full()) ring.push(Frame::make({.sequence = ++in}, "t", "x"));
    CHECK(ring.size() == 4);
    for (int i = 0; i < 3; ++i) CHECK(ring.pop()->sequence() == ++out);
  }
}
