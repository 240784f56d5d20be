// Rules for targeted debugging: they name the streams that are logged one by one for a while, even
// if log.level is higher.
//
// An operator asks for a rule at /debug/log; control sends all rules to every worker. Values, and
// pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"
#include "net/socket/address_range.h"

namespace crier::cmd {

inline constexpr std::size_t kDebugRulesMax = 16;
inline constexpr std::uint32_t kDebugSecondsDefault = 300;
inline constexpr std::uint32_t kDebugSecondsMax = 3'600;
// The lines of one rule in all workers; each worker may write an even share. Others are counted.
inline constexpr std::uint32_t kDebugLinesPerSecond = 1'000;

// A rule matches a stream if both its topic and its addresses do.
struct DebugRule {
  std::uint32_t id = 0;
  std::string topic;                           // A topic or a pattern; empty: any.
  std::optional<net::AddressRange> addresses;  // Without a value: any.
};
using DebugRules = std::shared_ptr<const std::vector<DebugRule>>;

struct DebugWish {
  DebugRule rule;  // Without an id.
  std::uint32_t seconds = kDebugSecondsDefault;
};

// Parses the query `topic=…&address=…&seconds=…`. Each may come once; topic or address must come.
std::expected<DebugWish, net::Refusal> parse_debug_wish(std::string_view query);
// Parses the query `id=…`. Without a query it returns no id, which means all rules.
std::expected<std::optional<std::uint32_t>, net::Refusal> parse_debug_id(std::string_view query);

}  // namespace crier::cmd
