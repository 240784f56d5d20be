#include "core/varint.h"

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace crier {

TEST_CASE("a number of any size is read back, in few bytes") {
  std::vector<std::uint64_t> numbers = {0, ~std::uint64_t{0}};
  for (unsigned bit = 0; bit < 64; ++bit) {
    numbers.push_back((std::uint64_t{1} << bit) - 1);
    numbers.push_back(std::uint64_t{1} << bit);
  }
  for (const std::uint64_t number : numbers) {
    INFO(number);
    std::string bytes;
    append_varint(bytes, number);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      std::string_view part(bytes.data(), cut);
      std::uint64_t read = 0;
      CHECK_FALSE(take_varint(part, read));
    }
    bytes += 'x';
    std::string_view rest = bytes;
    std::uint64_t read = 0;
    REQUIRE(take_varint(rest, read));
    CHECK(read == number);
    CHECK(rest == "x");
  }
  std::string small;
  append_varint(small, 127);
  CHECK(small.size() == 1);
}

TEST_CASE("a number has one spelling, and no more than 64 bits") {
  for (const std::string& bytes :
       {std::string("\x80\x00", 2), std::string("\xff\x80\x00", 3), std::string(9, '\xff') + '\x02',
        std::string(10, '\x80') + '\x01'}) {
    std::string_view rest = bytes;
    std::uint64_t read = 0;
    CHECK_FALSE(take_varint(rest, read));
  }
}

}  // namespace crier
