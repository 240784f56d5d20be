#include "core/text/sse_parser.h"

#include <array>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "core/text/sse_text.h"
#include "core/text/utf8.h"
#include "tests/support/catch.h"

using crier::SseMessage;
using crier::SseParser;

namespace {

constexpr std::size_t kPlenty = 1'000'000;

// Event, data, last event id.
using Seen = std::tuple<std::string, std::string, std::string>;

struct Reading {
  std::vector<Seen> events;
  std::string last_event_id;
  std::optional<std::uint32_t> retry_ms;
  bool ok = true;
  friend bool operator==(const Reading&, const Reading&) = default;
};

// Feeds `stream` in pieces of `piece_bytes`.
Reading read(std::string_view stream, std::size_t piece_bytes = kPlenty,
             std::size_t event_bytes_max = kPlenty) {
  Reading reading;
  SseParser parser(event_bytes_max);
  while (!stream.empty() && reading.ok) {
    reading.ok = parser.feed(stream.substr(0, piece_bytes), [&](const SseMessage& message) {
      reading.events.emplace_back(message.event, message.data, message.last_event_id);
    });
    stream.remove_prefix(std::min(piece_bytes, stream.size()));
  }
  reading.last_event_id = parser.last_event_id();
  reading.retry_ms = parser.retry_ms();
  return reading;
}

}  // namespace

TEST_CASE("an event brings its own checksum, and with one is an event even without data") {
  std::vector<std::string> seen;
  SseParser parser(kPlenty);
  CHECK(parser.feed(
      "data: x\ncrc32c: 1\n\ndata: y\n\ncrc32c: 2\ncrc32c:3\ndata\n\ndbta: z\ncrc32c: 4\n\n",
      [&](const SseMessage& m) { seen.push_back(m.data + "|" + m.crc32c); }));
  CHECK(seen == std::vector<std::string>{"x|1", "y|", "|3", "|4"});
}

TEST_CASE("streams are read by the standard") {
  const auto [stream, events] = GENERATE(table<std::string, std::vector<Seen>>({
      {"", {}},
      {"data: x\n\n", {{"message", "x", ""}}},
      {"data: x\r\n\r\n", {{"message", "x", ""}}},
      {"data: x\r\r", {{"message", "x", ""}}},
      {"data: x\r\n\r", {{"message", "x", ""}}},
      {"data: x\n\r\n", {{"message", "x", ""}}},
      {"data: x\n\n\ndata: y\n\n", {{"message", "x", ""}, {"message", "y", ""}}},
      {"data: x\n", {}},
      {"data: x", {}},
      {"data: x\n\ndata: cut", {{"message", "x", ""}}},
      {"data: a\ndata: b\ndata: c\n\n", {{"message", "a\nb\nc", ""}}},
      {"data:x\n\n", {{"message", "x", ""}}},
      {"data:  x \n\n", {{"message", " x ", ""}}},
      {"data:\tx\n\n", {{"message", "\tx", ""}}},
      {"data: a: b\n\n", {{"message", "a: b", ""}}},
      {"data\n\n", {{"message", "", ""}}},
      {"data:\n\n", {{"message", "", ""}}},
      {"data\ndata\n\n", {{"message", "\n", ""}}},
      {"data\n\ndata\ndata\n\ndata:", {{"message", "", ""}, {"message", "\n", ""}}},
      {"event: tick\ndata: x\n\n", {{"tick", "x", ""}}},
      {"data: x\nevent: tick\n\n", {{"tick", "x", ""}}},
      {"event: a\nevent: b\ndata: x\n\n", {{"b", "x", ""}}},
      {"event: a\nevent\ndata: x\n\n", {{"message", "x", ""}}},
      {"event: tick\n\ndata: x\n\n", {{"message", "x", ""}}},
      {"event: tick\ndata: x\n\ndata: y\n\n", {{"tick", "x", ""}, {"message", "y", ""}}},
      {"id: 1\ndata: x\n\ndata: y\n\n", {{"message", "x", "1"}, {"message", "y", "1"}}},
      {"id: 1\ndata: x\n\nid\ndata: y\n\n", {{"message", "x", "1"}, {"message", "y", ""}}},
      {"id: 1\n\ndata: x\n\n", {{"message", "x", "1"}}},
      {"data: x\nid: 1\nid: 2\n\n", {{"message", "x", "2"}}},
      {": comment\ndata: x\n:\n\n", {{"message", "x", ""}}},
      {":\n:\n:\n\n", {}},
      {"Data: x\n\n", {}},
      {" data: x\n\n", {}},
      {"data : x\n\n", {}},
      {"foo: x\nbar\ndata: y\n\n", {{"message", "y", ""}}},
      {"\xEF\xBB\xBF"
       "data: x\n\n",
       {{"message", "x", ""}}},
      {"\xEF\xBB\xBF\n\ndata: x\n\n", {{"message", "x", ""}}},
      {"\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: x\ndata: y\n\n",
       {{"message", "y", ""}}},
      {"\xEF\xBB"
       "data: x\ndata: y\n\n",
       {{"message", "y", ""}}},
      {"\n\xEF\xBB\xBF"
       "data: x\n\n",
       {}},
      {"data: \xEF\xBB\xBFx\n\n", {{"message", "\xEF\xBB\xBFx", ""}}},
      {"data: \xFFx\n\n", {{"message", "\xFFx", ""}}},
  }));
  INFO(stream);
  const Reading whole = read(stream);
  CHECK(whole.ok);
  CHECK(whole.events == events);
  for (std::size_t piece = 1; piece < 4; ++piece) CHECK(read(stream, piece) == whole);
}

TEST_CASE("an id with a NUL is ignored") {
  const std::string stream("id: 1\nid: 2\0\ndata: x\n\n", 22);
  CHECK(read(stream).events == std::vector<Seen>{{"message", "x", "1"}});
}

TEST_CASE("an id becomes the resume position at the end of its block") {
  const auto [stream, id] = GENERATE(table<std::string, std::string>({
      {"id: 1\ndata: x\n", ""},
      {"id: 1\ndata: x\n\n", "1"},
      {"id: 1\n\n", "1"},
      {"id: 1\n\nid: 2\ndata: x\n", "1"},
      {"id: 1\n\nid:\n\n", ""},
  }));
  INFO(stream);
  CHECK(read(stream).last_event_id == id);
}

TEST_CASE("a retry value applies at once if it is digits") {
  const auto [stream, retry] = GENERATE(table<std::string, std::optional<std::uint32_t>>({
      {"retry: 2000\n", 2000U},
      {"retry:0\n", 0U},
      {"retry: 007\n", 7U},
      {"retry: 1\nretry: 2\n\n", 2U},
      {"retry: 4294967295\n", 4'294'967'295U},
      {"retry: 4294967296\n", std::nullopt},
      {"retry: 2000", std::nullopt},
      {"retry\n", std::nullopt},
      {"retry: -1\n", std::nullopt},
      {"retry: +1\n", std::nullopt},
      {"retry:  1\n", std::nullopt},
      {"retry: 1 \n", std::nullopt},
      {"retry: 1.5\n", std::nullopt},
      {"retry: 1s\n", std::nullopt},
  }));
  INFO(stream);
  CHECK(read(stream).retry_ms == retry);
}

TEST_CASE("an event is complete with the CR of its blank line") {
  SseParser parser(kPlenty);
  int events = 0;
  const auto count = [&](const SseMessage&) { ++events; };
  CHECK(parser.feed("data: x\r\n\r", count));
  CHECK(events == 1);  // The parser does not wait for a LF that may never come.
  CHECK(parser.feed("\ndata: y\n\n", count));
  CHECK(events == 2);
}

TEST_CASE("an event beyond the bound is refused in pieces of any size") {
  const auto [stream, ok] = GENERATE(table<std::string, bool>({
      {"data: 7890\n\n", true},
      {"data: 78901\n\n", false},
      {"data: 78901", false},
      {"data:\ndata:\n\n", true},
      {"data:\ndata:1\n\n", false},
      {"data: 7890\n\ndata: 7890\n\n", true},
      {"id: 567890\n\ndata: 7890\n\n", true},
      {"id: 567\ndata:\n\n", false},
      {":234567890\n", true},
      {":2345678901", false},
      {":23456789\n:23456789\n:23456789\ndata: 7890\n\n", true},
      {"data: 7890\n:\n", false},
      {"unknown-field: 1\n", false},
  }));
  INFO(stream);
  const Reading whole = read(stream, kPlenty, 10);
  CHECK(whole.ok == ok);
  for (std::size_t piece = 1; piece < 4; ++piece) CHECK(read(stream, piece, 10) == whole);

  SseParser parser(3);
  CHECK(!parser.feed("data: x", [](const SseMessage&) {}));
  CHECK(!parser.feed("\n\n", [](const SseMessage&) {}));
}

namespace {

// The text that a client should read for a publisher's data.
std::string with_lf(std::string_view text) {
  std::string normalised;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      normalised.push_back('\n');
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      normalised.push_back(text[i]);
    }
  }
  return normalised;
}

// Random text of the characters that matter to event streams, with a few other bytes.
std::string random_text(std::mt19937_64& random, std::uint64_t parts_max) {
  static const std::array<std::string, 16> kParts = {"\r",
                                                     "\n",
                                                     "\r\n",
                                                     ":",
                                                     " ",
                                                     "\xEF\xBB\xBF",
                                                     "data",
                                                     "id: 7",
                                                     "event: forged",
                                                     "retry: 1",
                                                     "x",
                                                     "\t",
                                                     "\xE2\x82\xAC",
                                                     "\xC2\x85",
                                                     "0",
                                                     "crier."};
  std::string text;
  for (std::uint64_t parts = random() % (parts_max + 1); parts > 0; --parts) {
    if (random() % 50 == 0) {
      text.push_back(static_cast<char>(random()));
    } else {
      text += kParts[random() % kParts.size()];
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a client reads exactly the text that was published, unless it was refused") {
  std::mt19937_64 random(20'240'501);
  std::size_t published = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 4'000; ++round) {
    std::string stream;
    std::vector<Seen> expected;
    for (std::uint64_t events = random() % 6; events > 0; --events) {
      const std::string name = random() % 2 == 0 ? "" : random_text(random, 3);
      const std::string data = random_text(random, 12);
      if (!crier::allowed_event_name(name) || !crier::valid_event_text(data)) {
        ++refused;
        continue;
      }
      const std::string id = "e-" + std::to_string(++published);
      crier::append_sse_event(stream, {.id = id, .name = name, .data = data});
      expected.emplace_back(name.empty() ? "message" : name, with_lf(data), id);
    }
    const Reading whole = read(stream);
    REQUIRE(whole.ok);
    REQUIRE(whole.events == expected);
    REQUIRE(!whole.retry_ms);
    REQUIRE(read(stream, 1) == whole);
    REQUIRE(read(stream, 1 + random() % 20) == whole);
  }
  CHECK(published > 5'000);
  CHECK(refused > 1'000);
}
