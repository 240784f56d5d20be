// Which streams are logged one by one for a while, although log.level is higher: what an operator
// asks for, and what control tells the workers.
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
// Of one rule, all workers together, each its even share. What is more is counted.
inline constexpr std::uint32_t kDebugLinesPerSecond = 1'000;

// What it says must all be true of a stream.
struct DebugRule {
  std::uint32_t id = 0;
  std::string topic;                           // Or a pattern; empty: any.
  std::optional<net::AddressRange> addresses;  // Nothing: any.
};
using DebugRules = std::shared_ptr<const std::vector<DebugRule>>;

struct DebugWish {
  DebugRule rule;  // Without an id.
  std::uint32_t seconds = kDebugSecondsDefault;
};

// From the query `topic=…&address=…&seconds=…`, each at most once, a topic or an address at least.
std::expected<DebugWish, net::Refusal> parse_debug_wish(std::string_view query);
// From `id=…`, or all: nothing.
std::expected<std::optional<std::uint32_t>, net::Refusal> parse_debug_id(std::string_view query);

}  // namespace crier::cmd
