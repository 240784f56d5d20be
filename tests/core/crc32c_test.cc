#include "core/crc32c.h"

#include <string>

#include "tests/support/catch.h"

using crier::crc32c;
using crier::crc32c_by_table;

namespace {

struct ChecksumCase {
  std::string name, bytes;
  std::uint32_t checksum;
};

std::string counting(int from, int step) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(from + step * i));
  return bytes;
}

}  // namespace

TEST_CASE("the checksums of RFC 3720, B.4, and the usual check value") {
  std::string command(48, '\0');  // "An iSCSI - SCSI Read (10) Command PDU"
  command[0] = '\x01';
  command[1] = '\xc0';
  command[16] = command[27] = '\x14';
  command[22] = '\x04';
  command[31] = '\x18';
  command[32] = '\x28';
  command[40] = '\x02';
  const ChecksumCase rows[] = {
      {"nothing", "", 0},
      {"32 bytes of zeroes", std::string(32, '\0'), 0x8a9136aa},
      {"32 bytes of ones", std::string(32, '\xff'), 0x62a8ab43},
      {"32 bytes that count up", counting(0, 1), 0x46dd794e},
      {"32 bytes that count down", counting(31, -1), 0x113fdb5c},
      {"a SCSI command", command, 0xd9963a56},
      {"digits", "123456789", 0xe3069283},
  };
  for (const ChecksumCase& row : rows) {
    INFO(row.name);
    CHECK(crc32c(row.bytes) == row.checksum);
    CHECK(crc32c_by_table(row.bytes) == row.checksum);
  }
}

TEST_CASE("a checksum does not depend on how bytes lie in memory and are cut into pieces") {
  const std::string bytes = counting(200, 37) + counting(5, 11);
  for (std::size_t begin = 0; begin < 8; ++begin) {
    for (std::size_t end = begin; end <= bytes.size(); ++end) {
      const std::string_view part = std::string_view(bytes).substr(begin, end - begin);
      const std::uint32_t expected = crc32c_by_table(part);
      REQUIRE(crc32c(part) == expected);
      const std::size_t cut = part.size() / 3;
      REQUIRE(crc32c(part.substr(cut), crc32c(part.substr(0, cut))) == expected);
      REQUIRE(crc32c_by_table(part.substr(cut), crc32c(part.substr(0, cut))) == expected);
    }
  }
}
