#include "core/framing.h"

#include <string>

#include "core/frame.h"
#include "tests/support/catch.h"

using crier::append_chunk;

TEST_CASE("a chunk is its size in hexadecimal, its text and two line ends") {
  const auto [size, head] = GENERATE(table<std::size_t, std::string>({
      {1, "1\r\n"},
      {9, "9\r\n"},
      {10, "a\r\n"},
      {15, "f\r\n"},
      {16, "10\r\n"},
      {255, "ff\r\n"},
      {256, "100\r\n"},
      {65'536, "10000\r\n"},
      {1'048'575, "fffff\r\n"},
  }));
  const std::string text(size, 'x');
  std::string out;
  append_chunk(out, text);
  CHECK(out == head + text + "\r\n");
}

TEST_CASE("chunks follow one another, and the last one is empty") {
  std::string out;
  append_chunk(out, "data: a\n\n");
  append_chunk(out, ":\n");
  out += crier::kLastChunk;
  CHECK(out == "9\r\ndata: a\n\n\r\n2\r\n:\n\r\n0\r\n\r\n");
}

TEST_CASE("a frame's chunk is the same as one of our own") {
  const std::string text = "id: e-1\ndata: " + std::string(300, 'x') + "\n\n";
  std::string out;
  append_chunk(out, text);
  const crier::FrameRef frame = crier::Frame::make({.sequence = 1}, "t", text);
  CHECK(frame->wire(crier::Framing::chunked) == out);
}
