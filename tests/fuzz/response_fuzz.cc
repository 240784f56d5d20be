// Parses a response, whole and in pieces.
//
// The first byte chooses the size of the pieces and whether the connection ends after the last one.
// For any bytes: the result does not depend on the cuts; a head is within its bounds and has no
// line end within a name or a value; the body comes after the head; a refusal says why.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "net/http/response_parser.h"

namespace {

using crier::net::ResponseHead;
using crier::net::ResponseParser;
using Progress = ResponseParser::Progress;

struct Reading {
  Progress progress = Progress::more;
  bool has_head = false;
  int status = 0;
  decltype(ResponseHead::fields) fields;
  std::string body;
  std::string problem;
  bool keep_alive = false;
  friend bool operator==(const Reading&, const Reading&) = default;
};

Reading read(std::string_view bytes, std::size_t piece, bool ends) {
  Reading reading;
  ResponseParser parser;
  const auto on_body = [&](std::string_view part) {
    CRIER_CHECK(parser.has_head());
    CRIER_CHECK(!part.empty());
    reading.body += part;
  };
  while (reading.progress == Progress::more && !bytes.empty()) {
    const std::string next(bytes.substr(0, piece));  // Of its exact size, for the sanitizer.
    reading.progress = parser.consume(next, on_body);
    bytes.remove_prefix(next.size());
  }
  if (reading.progress == Progress::more && ends) reading.progress = parser.finish();
  reading.has_head = parser.has_head();
  if (reading.has_head) {
    reading.status = parser.head().status;
    reading.fields = parser.head().fields;
  }
  if (reading.progress == Progress::complete) reading.keep_alive = parser.keep_alive();
  if (reading.progress == Progress::refused) reading.problem = parser.problem();
  return reading;
}

void check_head(const Reading& reading) {
  CRIER_CHECK(reading.status >= 200);
  CRIER_CHECK(reading.status <= 999);
  if (reading.status == 204 || reading.status == 304) CRIER_CHECK(reading.body.empty());
  CRIER_CHECK(reading.fields.size() <= ResponseParser::kFieldsMax);
  std::size_t bytes = 0;
  for (const auto& [name, value] : reading.fields) {
    CRIER_CHECK(!name.empty());
    CRIER_CHECK(std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }));
    for (const std::string& text : {name, value}) {
      CRIER_CHECK(text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
      bytes += text.size();
    }
  }
  CRIER_CHECK(bytes <= ResponseParser::kHeadBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const bool ends = (data[0] & 1U) != 0;
  const std::size_t piece = 1U + (data[0] >> 1U);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  const Reading whole = read(bytes, size, ends);
  CRIER_CHECK(whole == read(bytes, piece, ends));
  CRIER_CHECK(whole.problem.empty() == (whole.progress != Progress::refused));
  CRIER_CHECK(whole.has_head || (whole.body.empty() && whole.progress != Progress::complete));
  if (whole.has_head) check_head(whole);
  return 0;
}
