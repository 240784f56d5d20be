// Control's end of targeted debugging: which rules there are, by whose order, and when each ends.
//
// A rule ends by itself. Both ends of it are told in the log, at level info.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/daemon/link/debug_rules.h"
#include "core/instant.h"
#include "core/log.h"

namespace crier::cmd {

class DebugSwitch {
 public:
  struct Row {
    DebugRule rule;
    std::string by;  // "uid 1000", or where on TCP it came from.
    Instant ends;
  };
  // `tell` hands all rules to the workers. `log` outlives it.
  DebugSwitch(LogSink& log, std::function<void(DebugRules)> tell)
      : log_(log), tell_(std::move(tell)) {}

  // A rule that says the same as one that there is begins anew, under its id. Null: there are
  // kDebugRulesMax.
  const Row* switch_on(const DebugWish& wish, std::string_view by, Instant now);
  // All, if no id is given: also when a reload takes admin.debug back. Says how many there were.
  std::size_t switch_off(std::optional<std::uint32_t> id, std::string_view by);
  // Ends those whose time is over. Every 250 ms.
  void tick(Instant now);

  std::span<const Row> rows() const { return rows_; }

 private:
  template <typename Ends>
  std::size_t end(std::string_view by, const Ends& ends);
  void tell_workers() const;

  LogSink& log_;
  std::function<void(DebugRules)> tell_;
  std::vector<Row> rows_;
  std::uint32_t last_id_ = 0;
};

}  // namespace crier::cmd
