#include "cmd/daemon/control/page_query.h"

#include "core/text/decimal.h"
#include "core/text/percent.h"

namespace crier::cmd {

std::optional<PageQuery> parse_page_query(std::string_view query) {
  const auto pairs = parse_query(query, 2);
  if (!pairs) return std::nullopt;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> after;
  for (const auto& [name, value] : *pairs) {
    if (name != "limit" && name != "after") return std::nullopt;
    std::optional<std::uint64_t>& number = name == "limit" ? limit : after;
    if (number) return std::nullopt;
    number = parse_decimal<std::uint64_t>(value);
    if (!number) return std::nullopt;
  }
  if (limit && (*limit == 0 || *limit > kPageRowsMax)) return std::nullopt;
  return PageQuery{.after = after.value_or(0), .limit = limit.value_or(kPageRowsMax)};
}

}  // namespace crier::cmd
