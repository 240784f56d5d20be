#include "core/text/cpu_list.h"

#include <string_view>

#include "tests/support/catch.h"

namespace crier {
namespace {

using Numbers = std::vector<unsigned>;

struct ListCase {
  std::string_view text;
  std::optional<Numbers> numbers;
};

TEST_CASE("a list of processors is read in the kernel's form only") {
  const auto row = GENERATE(values<ListCase>({
      {"0", Numbers{0}},
      {"0-3,8,10-11", Numbers{0, 1, 2, 3, 8, 10, 11}},
      {"3,1", Numbers{3, 1}},
      {"2-2", Numbers{2}},
      {"8191", Numbers{8'191}},
      {"8192", std::nullopt},
      {"0-99999999999", std::nullopt},
      {"", std::nullopt},
      {",", std::nullopt},
      {"1,", std::nullopt},
      {",1", std::nullopt},
      {"1,,2", std::nullopt},
      {"-", std::nullopt},
      {"-1", std::nullopt},
      {"1-", std::nullopt},
      {"1-2-3", std::nullopt},
      {"3-1", std::nullopt},
      {"1,1", std::nullopt},
      {"0-3,2", std::nullopt},
      {"01", std::nullopt},
      {"0x1", std::nullopt},
      {"0-7:1/2", std::nullopt},
      {"0, 1", std::nullopt},
      {" 0", std::nullopt},
      {"0\n", std::nullopt},
      {"all", std::nullopt},
  }));
  CAPTURE(row.text);
  CHECK(parse_cpu_list(row.text) == row.numbers);
}

TEST_CASE("a list is written in its shortest form, in the same order") {
  const auto row = GENERATE(values<ListCase>({
      {"", Numbers{}},
      {"5", Numbers{5}},
      {"0,1", Numbers{0, 1}},
      {"0-2", Numbers{0, 1, 2}},
      {"0-3,8,10,11", Numbers{0, 1, 2, 3, 8, 10, 11}},
      {"3,2,1", Numbers{3, 2, 1}},
      {"0,0,1", Numbers{0, 0, 1}},
  }));
  CHECK(to_cpu_list(*row.numbers) == row.text);
}

}  // namespace
}  // namespace crier
