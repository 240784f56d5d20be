#include "cmd/daemon/link/debug_rules.h"

#include "core/text/decimal.h"
#include "core/text/percent.h"
#include "core/topic.h"

namespace crier::cmd {
namespace {

std::unexpected<net::Refusal> refuse(std::string_view message) {
  return std::unexpected(net::Refusal{400, "bad_request", message});
}

}  // namespace

std::expected<DebugWish, net::Refusal> parse_debug_wish(std::string_view query) {
  constexpr std::string_view kWhat =
      "The query may have `topic`, `address` and `seconds`, each once, and must have a topic or an "
      "address.";
  static_assert(kDebugSecondsMax == 3'600);
  const auto pairs = parse_query(query, 3);
  if (!pairs) return refuse(kWhat);
  DebugWish wish;
  std::optional<std::uint32_t> seconds;
  for (const auto& [name, value] : *pairs) {
    if (name == "topic" && wish.rule.topic.empty()) {
      if (!valid_pattern(value)) return refuse("`topic` is neither a topic nor a pattern.");
      wish.rule.topic = value;
    } else if (name == "address" && !wish.rule.addresses) {
      wish.rule.addresses = net::AddressRange::parse(value);
      if (!wish.rule.addresses) {
        return refuse("`address` must be an address or a range like 10.0.0.0/8 or 2001:db8::/32.");
      }
    } else if (name == "seconds" && !seconds) {
      seconds = parse_decimal<std::uint32_t>(value);
      if (!seconds || *seconds == 0 || *seconds > kDebugSecondsMax) {
        return refuse("`seconds` is not a number from 1 to 3600.");
      }
    } else {
      return refuse(kWhat);
    }
  }
  if (wish.rule.topic.empty() && !wish.rule.addresses) return refuse(kWhat);
  wish.seconds = seconds.value_or(kDebugSecondsDefault);
  return wish;
}

std::expected<std::optional<std::uint32_t>, net::Refusal> parse_debug_id(std::string_view query) {
  if (query.empty()) return std::nullopt;
  const auto pairs = parse_query(query, 1);
  if (pairs && pairs->size() == 1 && pairs->front().first == "id") {
    if (const auto id = parse_decimal<std::uint32_t>(pairs->front().second)) return *id;
  }
  return refuse("The query may have `id`, as GET lists it; without a query every rule ends.");
}

}  // namespace crier::cmd
