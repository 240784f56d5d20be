#include "core/text/event_id.h"

#include <limits>
#include <random>
#include <string>

#include "tests/support/catch.h"

using crier::append_event_id;
using crier::Epoch;
using crier::EventId;
using crier::parse_event_id;

TEST_CASE("an epoch is 64 bits in 13 characters") {
  CHECK(Epoch::from_random(0).view() == "aaaaaaaaaaaaa");
  CHECK(Epoch::from_random(1).view() == "aaaaaaaaaaaab");
  CHECK(Epoch::from_random(31).view() == "aaaaaaaaaaaa7");
  CHECK(Epoch::from_random(32).view() == "aaaaaaaaaaaba");
  CHECK(Epoch::from_random(std::numeric_limits<std::uint64_t>::max()).view() == "p777777777777");
  CHECK(Epoch::from_random(std::uint64_t{1} << 63).view() == "iaaaaaaaaaaaa");
  CHECK(Epoch() == Epoch::from_random(0));
  CHECK(Epoch::from_random(5) != Epoch::from_random(6));
  CHECK(Epoch::from_random(5) < Epoch::from_random(6));
}

TEST_CASE("printing and parsing an id gives the same id") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const EventId id{Epoch::from_random(random()), random() >> (random() % 64)};
    const std::string text = to_string(id);
    INFO(text);
    CHECK(text.size() <= crier::kEventIdBytesMax);
    CHECK(parse_event_id(text) == id);
  }

  std::string out = "before ";
  append_event_id(out, Epoch::from_random(1), 18'446'744'073'709'551'615U);
  CHECK(out == "before aaaaaaaaaaaab-18446744073709551615");
  CHECK(to_string(EventId{}) == "aaaaaaaaaaaaa-0");
}

TEST_CASE("a well-formed id is accepted") {
  const auto [text, sequence] = GENERATE(table<std::string, std::uint64_t>({
      {"aaaaaaaaaaaaa-0", 0},
      {"p777777777777-1", 1},
      {"h5vq2mzkc7wna-1042", 1042},
      {"h5vq2mzkc7wna-18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
  }));
  INFO(text);
  const auto id = parse_event_id(text);
  REQUIRE(id);
  CHECK(id->sequence == sequence);
  CHECK(id->epoch.view() == std::string_view(text).substr(0, 13));
  CHECK(to_string(*id) == text);
}

TEST_CASE("any other spelling is refused") {
  const auto [why, text] = GENERATE(table<std::string, std::string>({
      {"empty", ""},
      {"another server's id", "17"},
      {"no epoch", "-17"},
      {"neither", "-"},
      {"no sequence", "aaaaaaaaaaaaa"},
      {"no digits", "aaaaaaaaaaaaa-"},
      {"no hyphen", "aaaaaaaaaaaaa17"},
      {"another separator", "aaaaaaaaaaaaa_17"},
      {"epoch too short", "aaaaaaaaaaaa-17"},
      {"epoch too long", "aaaaaaaaaaaaaa-17"},
      {"an epoch of 65 bits", "q777777777777-17"},
      {"an epoch of 65 bits", "7aaaaaaaaaaaa-17"},
      {"upper case", "AAAAAAAAAAAAA-17"},
      {"not in the alphabet", "aaaaaa1aaaaaa-17"},
      {"not ASCII", "aaaaaa\xC3\xA9zaaaa-17"},
      {"blank in front", " aaaaaaaaaaaaa-17"},
      {"blank behind", "aaaaaaaaaaaaa-17 "},
      {"blank before the digits", "aaaaaaaaaaaaa- 17"},
      {"leading zero", "aaaaaaaaaaaaa-017"},
      {"two zeros", "aaaaaaaaaaaaa-00"},
      {"plus sign", "aaaaaaaaaaaaa-+17"},
      {"minus sign", "aaaaaaaaaaaaa--17"},
      {"hexadecimal", "aaaaaaaaaaaaa-0x1f"},
      {"exponent", "aaaaaaaaaaaaa-1e3"},
      {"fraction", "aaaaaaaaaaaaa-1.0"},
      {"2^64", "aaaaaaaaaaaaa-18446744073709551616"},
      {"20 digits", "aaaaaaaaaaaaa-99999999999999999999"},
      {"21 digits", "aaaaaaaaaaaaa-184467440737095516150"},
  }));
  INFO(why << ": " << text);
  CHECK(!parse_event_id(text));
}

TEST_CASE("a NUL does not end an id") {
  CHECK(!parse_event_id(std::string("aaaaaaaaaaaaa-17\0", 17)));
  CHECK(!parse_event_id(std::string("aaaaaa\0aaaaaa-17", 16)));
}
