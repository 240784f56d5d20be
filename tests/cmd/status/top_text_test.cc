#include "cmd/status/top_text.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

const char* const kBefore =
    R"({"time":100.0,"start":7.5,"ready":true,"figures":{"events_published":100,"streams":3},
        "histograms":{"stream_latency":{"le":[0.001,0.002],"counts":[10,10,0]}},
        "workers":[{"worker":"0","delivered":1000,"busy_seconds":1.0}],"ended":{"client":4}})";
const char* const kNow =
    R"({"time":102.0,"start":7.5,"ready":true,
        "figures":{"version":"0.1.0","uptime_seconds":61,"streams":1234,"streams_max":2000,
                   "events_published":120,"memory_bytes":2048},
        "memory_per_stream":75,
        "histograms":{"stream_latency":{"le":[0.001,0.002],"counts":[10,110,0]}},
        "workers":[{"worker":"0","streams":1234,"delivered":3000,"busy_seconds":1.5}],
        "ended":{"client":9,"overflow":0,"a\u001b[2J":1},"refused":{},
        "limits":[{"knob":"limits.streams_max","now":1234,"max":2000,"reached":0},
                  {"knob":"limits.topics_max","now":9,"max":10,"reached":2}],
        "kernel":[{"setting":"net.core.somaxconn","now":"128","wanted":"4096",
                   "command":"sysctl -w net.core.somaxconn=4096"}]})";

std::vector<std::string> lines_of(const TopSamples& samples, std::size_t columns = 120,
                                  std::size_t rows = 40) {
  const auto text = top_text(samples, columns, rows);
  REQUIRE(text);
  std::istringstream in(*text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The first line that begins so, without that; empty if there is none.
std::string after(const std::vector<std::string>& lines, const std::string& beginning) {
  const auto found = std::ranges::find_if(
      lines, [&](const std::string& line) { return line.starts_with(beginning); });
  if (found == lines.end()) return {};
  const std::size_t begin = found->find_first_not_of(' ', beginning.size());
  return begin == std::string::npos ? "" : found->substr(begin);
}

TEST_CASE("the screen shows what happened between two samples") {
  const auto lines = lines_of({.now = kNow, .before = kBefore, .trouble = {}});
  CHECK(lines.at(0) == "crier 0.1.0   ready   up 1m 1s");
  CHECK(after(lines, "streams") == "1,234 of 2,000             memory    2.00 KiB, 75 B a stream");
  // 100 deliveries in the second of two buckets.
  CHECK(after(lines, "published") ==
        "10/s                       latency   p50 1.50 ms  p99 1.99 ms");
  CHECK(after(lines, "ended") == "9 client (3/s), 1 a\\x1b[2J (1/s)");
  CHECK(after(lines, "refused").empty());
  CHECK(after(lines, "limit") == "limits.topics_max 9 of 10, reached 2 times");
  CHECK(after(lines, "kernel") == "1 not as wanted: crier tune");
  CHECK(after(lines, "0 ") == "1,234         1,000/s              -            -    25 %");
}

TEST_CASE("control characters never reach the terminal") {
  const auto text = top_text({.now = kNow, .before = kBefore, .trouble = {}}, 120, 40);
  REQUIRE(text);
  CHECK(text->find('\x1b') == std::string::npos);
  CHECK(text->find("a\\x1b[2J") != std::string::npos);
}

TEST_CASE("rates are unknown at the first sample, and at the first after a restart") {
  const std::string restarted =
      std::string(kBefore).replace(std::string(kBefore).find("7.5"), 3, "6.5");
  for (const std::string& before : {std::string(), std::string("null"), restarted}) {
    CAPTURE(before);
    const auto lines = lines_of({.now = kNow, .before = before, .trouble = {}});
    CHECK(after(lines, "published") == "-                          latency   -");
    CHECK(after(lines, "ended") == "9 client, 1 a\\x1b[2J");
  }
}

TEST_CASE("lines and columns fit the terminal") {
  for (const unsigned columns : {1U, 10U, 79U, 200U}) {
    for (const unsigned rows : {1U, 5U, 100U}) {
      const auto lines = lines_of({.now = kNow, .before = kBefore, .trouble = "é"}, columns, rows);
      CHECK(lines.size() <= rows);
      for (const std::string& line : lines) {
        CHECK(std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }) <=
              static_cast<std::ptrdiff_t>(columns));
      }
    }
  }
}

TEST_CASE("the first line says when samples no longer come") {
  CHECK(lines_of({.now = kNow, .before = kBefore, .trouble = "connection lost"}).at(0) ==
        "crier 0.1.0   connection lost   up 1m 1s");
}

TEST_CASE("what is missing or of another type is left out, and what is no sample is refused") {
  CHECK(lines_of({.now = R"({"figures":{}})", .before = kBefore, .trouble = {}}).size() >= 2);
  for (const char* part : {"workers", "limits", "kernel", "ended", "histograms", "time", "start",
                           "memory_per_stream"}) {
    for (const char* value : {"3", "\"x\"", "[1]", "[[]]", "{\"a\":{}}", "null"}) {
      CAPTURE(part, value);
      CHECK(top_text(
          {.now = std::string(R"({"figures":{"streams":"x"},")") + part + "\":" + value + "}",
           .before = kBefore,
           .trouble = {}},
          80, 24));
    }
  }
  for (const char* text : {"", "null", "[]", "3", "{}", R"({"figures":3})"}) {
    CHECK_FALSE(top_text({.now = text, .before = {}, .trouble = {}}, 80, 24));
  }
}

}  // namespace
}  // namespace crier::cmd
