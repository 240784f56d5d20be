#include "net/socket/accounts.h"

#include <string>

#include "tests/support/catch.h"

namespace crier::net {
namespace {

struct AccountRow {
  const char* name;
  std::optional<uid_t> id;
};

TEST_CASE("a user or a group is a name of the database or a number") {
  const auto row = GENERATE(values<AccountRow>({
      {"root", 0},
      {"0", 0},
      {"4000000000", 4'000'000'000},  // No account has it, as in containers.
      {"4294967295", std::nullopt},   // chown(2) reads it as "no change".
      {"4294967296", std::nullopt},
      {"nobody-has-this-name", std::nullopt},
      {"-1", std::nullopt},
      {"", std::nullopt},
  }));
  INFO(row.name);
  CHECK(find_user(row.name) == row.id);
  CHECK(find_group(row.name) == row.id);
}

}  // namespace
}  // namespace crier::net
