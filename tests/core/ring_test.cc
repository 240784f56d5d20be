#include "core/ring.h"

#include <array>
#include <vector>

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

TEST_CASE("a ring keeps the frames that are asked for, in order, and drops the others") {
  for (std::uint32_t kept = 0; kept < 1U << 5; ++kept) {
    INFO("mask " << kept);
    std::array<FrameRef, 8> storage;
    Ring ring{std::span<FrameRef>(storage)};
    for (std::uint64_t i = 0; i < 5; ++i) ring.push(Frame::make({.sequence = i}, "t", "x"));
    std::uint64_t asked = 5;
    ring.keep_if([&](std::uint32_t i, const Frame& frame) {
      CHECK(frame.sequence() == --asked);
      CHECK(i == asked);
      return (kept >> i & 1) != 0;
    });
    CHECK(asked == 0);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < 5; ++i) {
      if ((kept >> i & 1) != 0) CHECK(ring[next++]->sequence() == i);
    }
    CHECK(ring.size() == next);
    while (!ring.empty()) ring.pop();
    for (const FrameRef& left : storage) CHECK_FALSE(left);
  }
}

TEST_CASE("frames can be added and removed at both ends, and removed in the middle") {
  std::array<FrameRef, 4> storage;
  std::array<FrameRef, 8> larger;
  Ring ring{std::span<FrameRef>(storage)};
  const auto sequences = [&ring] {
    std::vector<std::uint64_t> all;
    for (std::uint32_t i = 0; i < ring.size(); ++i) all.push_back(ring[i]->sequence());
    return all;
  };
  using Sequences = std::vector<std::uint64_t>;
  for (std::uint64_t i = 2; i <= 4; ++i) ring.push(Frame::make({.sequence = i}, "t", "x"));
  ring.push_front(Frame::make({.sequence = 1}, "t", "x"));
  CHECK(sequences() == Sequences{1, 2, 3, 4});
  CHECK(ring.erase(2)->sequence() == 3);
  CHECK(sequences() == Sequences{1, 2, 4});
  ring.push(Frame::make({.sequence = 5}, "t", "x"));
  ring.move_to(larger);
  CHECK(ring.capacity() == 8);
  CHECK(sequences() == Sequences{1, 2, 4, 5});
  CHECK(ring.pop_newest()->sequence() == 5);
  CHECK(ring.erase(0)->sequence() == 1);
  CHECK(sequences() == Sequences{2, 4});
  for (const FrameRef& left : storage) CHECK_FALSE(left);
}
