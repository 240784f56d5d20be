#include "core/frame.h"

#include <string>
#include <thread>
#include <utility>

#include "tests/support/catch.h"

using crier::append_chunk;
using crier::Frame;
using crier::FrameAccount;
using crier::FrameRef;
using crier::Framing;

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

TEST_CASE("chunks are appended, and the last one is empty") {
  std::string out;
  append_chunk(out, "data: a\n\n");
  append_chunk(out, ":\n");
  out += crier::kLastChunk;
  CHECK(out == "9\r\ndata: a\n\n\r\n2\r\n:\n\r\n0\r\n\r\n");
}

TEST_CASE("a frame's chunk equals what append_chunk() writes") {
  const std::string text = "id: e-1\ndata: " + std::string(300, 'x') + "\n\n";
  std::string out;
  append_chunk(out, text);
  const FrameRef frame = Frame::make({.sequence = 1}, "t", text);
  CHECK(frame->wire(Framing::chunked) == out);
  CHECK(frame->wire(Framing::plain) == text);
}

TEST_CASE("a frame has the header, topic and text it was made from") {
  const std::string topic = GENERATE(std::string(), std::string("a"), std::string(255, 't'));
  const FrameRef frame =
      Frame::make({.sequence = 7, .topic_hash = 8, .accepted = {9}}, topic, "data: x\n\n");
  CHECK(frame->sequence() == 7);
  CHECK(frame->topic_hash() == 8);
  CHECK(frame->accepted().us == 9);
  CHECK(frame->topic() == topic);
  CHECK(frame->memory_bytes() == sizeof(Frame) + topic.size() + 3 + 9 + 2);
}

TEST_CASE("raw bytes are the same in both framings") {
  const FrameRef frame = Frame::make_raw("2\r\n:\n\r\n");
  CHECK(frame->sequence() == 0);
  CHECK(frame->wire(Framing::chunked) == "2\r\n:\n\r\n");
  CHECK(frame->wire(Framing::plain) == "2\r\n:\n\r\n");
}

TEST_CASE("a frame is counted until any thread drops its last reference") {
  FrameAccount account;
  FrameRef first = Frame::make({}, "t", "text", &account);
  CHECK(account.frames == 1);
  CHECK(account.bytes == first->memory_bytes());
  FrameRef second = first;
  CHECK(second == first);
  FrameRef third = std::move(first);
  CHECK_FALSE(first);
  second = third;
  std::thread([gone = std::move(third)] {}).join();
  CHECK(account.frames == 1);
  std::thread([gone = std::move(second)] {}).join();
  CHECK(account.frames == 0);
  CHECK(account.bytes == 0);
  CHECK(FrameRef() == FrameRef());
}
