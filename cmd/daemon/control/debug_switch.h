// Keeps the debug rules in force: their streams, the operator who asked for them, and their ends.
//
// A rule ends after its time. Its start and its end are logged at level info.
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
    std::string by;  // The operator: "uid 1000", or an address of TCP.
    Instant ends;
  };
  // `tell` hands all rules to the workers. `log` must outlive this object.
  DebugSwitch(LogSink& log, std::function<void(DebugRules)> tell)
      : log_(log), tell_(std::move(tell)) {}

  // Adds a rule, or restarts the time of an equal one, which keeps its id. Returns null if there
  // are kDebugRulesMax rules already.
  const Row* switch_on(const DebugWish& wish, std::string_view by, Instant now);
  // Ends the rule of this id, or all rules without an id. Returns the number of rules ended.
  std::size_t switch_off(std::optional<std::uint32_t> id, std::string_view by);
  // Ends the rules whose time is over. Call it every 250 ms.
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
