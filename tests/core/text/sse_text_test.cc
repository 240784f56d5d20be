#include "core/text/sse_text.h"

#include <limits>
#include <string>

#include "tests/support/catch.h"

using crier::allowed_event_name;
using crier::append_sse_event;
using crier::event_checksum;
using crier::SseEvent;

namespace {

std::string encode(const SseEvent& event) {
  std::string out;
  append_sse_event(out, event);
  return out;
}

}  // namespace

TEST_CASE("an event's lines come in a fixed order") {
  CHECK(encode({.data = "x"}) == "data: x\n\n");
  CHECK(encode({.id = "e-1", .data = "x"}) == "id: e-1\ndata: x\n\n");
  CHECK(encode({.name = "tick", .data = "x"}) == "event: tick\ndata: x\n\n");
  CHECK(encode({.id = "e-1", .name = "tick", .data = "x", .retry_ms = 2000}) ==
        "id: e-1\nevent: tick\nretry: 2000\ndata: x\n\n");
  CHECK(encode({.data = "x", .retry_ms = std::numeric_limits<std::uint32_t>::max()}) ==
        "retry: 4294967295\ndata: x\n\n");
}

TEST_CASE("an event is appended") {
  std::string out = "data: a\n\n";
  append_sse_event(out, {.data = "b"});
  CHECK(out == "data: a\n\ndata: b\n\n");
}

TEST_CASE("data is split at every line end of the standard, and at no other") {
  const auto [data, lines] = GENERATE(table<std::string, std::string>({
      {"", "data: \n"},
      {"a", "data: a\n"},
      {"a\nb", "data: a\ndata: b\n"},
      {"a\rb", "data: a\ndata: b\n"},
      {"a\r\nb", "data: a\ndata: b\n"},
      {"a\n\rb", "data: a\ndata: \ndata: b\n"},
      {"a\r\rb", "data: a\ndata: \ndata: b\n"},
      {"a\r\r\nb", "data: a\ndata: \ndata: b\n"},
      {"a\n", "data: a\ndata: \n"},
      {"a\r", "data: a\ndata: \n"},
      {"a\r\n", "data: a\ndata: \n"},
      {"\na", "data: \ndata: a\n"},
      {"\n", "data: \ndata: \n"},
      {"\r\n\r\n", "data: \ndata: \ndata: \n"},
      {" a", "data:  a\n"},
      {":a", "data: :a\n"},
      {"x\n\ndata: y\n\n", "data: x\ndata: \ndata: data: y\ndata: \ndata: \n"},
      {"x\rid: forged", "data: x\ndata: id: forged\n"},
      {"\xEF\xBB\xBFx", "data: \xEF\xBB\xBFx\n"},
      {"a\vb\fc\x1Dz", "data: a\vb\fc\x1Dz\n"},
      {"a\xC2\x85z\xE2\x80\xA8z", "data: a\xC2\x85z\xE2\x80\xA8z\n"},
  }));
  CHECK(encode({.data = data}) == lines + "\n");
}

struct SumCase {
  const char* name;
  SseEvent event;
  const char* checksum;
};

// deploy/http.md has the same vectors.
TEST_CASE("a checksum covers id, name and data as a client sees them") {
  const auto row = GENERATE(values<SumCase>({
      {"a message", {.id = "h5vq2mzkc7wna-1", .data = "Hello"}, "f00bc4bf"},
      {"the default name",
       {.id = "h5vq2mzkc7wna-1", .name = "message", .data = "Hello"},
       "f00bc4bf"},
      {"a name",
       {.id = "h5vq2mzkc7wna-3", .name = "paid", .data = R"({"order": 17, "sum": 10.50})"},
       "fd6f6cdd"},
      {"LF", {.id = "h5vq2mzkc7wna-5", .data = "two\nlines"}, "76d857f0"},
      {"CR counts as LF", {.id = "h5vq2mzkc7wna-5", .data = "two\rlines"}, "76d857f0"},
      {"so does CRLF", {.id = "h5vq2mzkc7wna-5", .data = "two\r\nlines"}, "76d857f0"},
      {"no data", {.id = "h5vq2mzkc7wna-6", .data = ""}, "83c0c69d"},
      {"UTF-8",
       {.id = "h5vq2mzkc7wna-7", .name = "gr\u00FC\u00DFe", .data = "\u4E16\u754C"},
       "fa948957"},
      {"no id", {.data = "x"}, "d1067f95"},
  }));
  INFO(row.name);
  CHECK(event_checksum(row.event.id, row.event.name, row.event.data) == row.checksum);
}

TEST_CASE("the checksum is a line after the data") {
  CHECK(encode({.id = "e-1", .data = "x", .checksum = true}) ==
        "id: e-1\ndata: x\ncrc32c: 4e2f6fbc\n\n");
  CHECK(encode({.id = "h5vq2mzkc7wna-5", .data = "two\r\nlines", .checksum = true}) ==
        "id: h5vq2mzkc7wna-5\ndata: two\ndata: lines\ncrc32c: 76d857f0\n\n");
}

TEST_CASE("event names that are allowed") {
  const auto name =
      GENERATE(as<std::string>{}, "", "message", "tick", "price changed", "a:b", "Error", "errors",
               "opened", "crier", "Crier.open", "x.crier.open", " leading",
               "gr\xC3\xBC\xC3\x9F"
               "e",
               "\xF0\x9F\x93\xA3", "\xC2\xA0", "\xE2\x80\xA7", "\xE2\x80\xAA", "\xEF\xBB\xBF",
               std::string(255, 'n'));
  INFO(name);
  CHECK(allowed_event_name(name));
}

TEST_CASE("event names that are refused") {
  const auto name =
      GENERATE(as<std::string>{}, "error", "open", "crier.", "crier.open", "crier.anything", "a\rb",
               "a\nb", "a\tb", std::string("a\0b", 3), "\x1F", "\x7F", "\x1B[2J", "a\xC2\x80",
               "a\xC2\x85", "a\xC2\x9F", "\xE2\x80\xA8", "a\xE2\x80\xA9z", "a\x85", "\xC2",
               "\xC0\x8A", "\xED\xA0\x80", std::string(256, 'n'));
  CHECK(!allowed_event_name(name));
}

TEST_CASE("each single byte is allowed or refused as an event name") {
  for (int byte = 0; byte < 256; ++byte) {
    INFO(byte);
    CHECK(allowed_event_name(std::string(1, static_cast<char>(byte))) ==
          (byte >= 0x20 && byte < 0x7F));
  }
}

TEST_CASE("a heartbeat is one comment line") {
  CHECK(crier::kHeartbeat == ":\n");
}
