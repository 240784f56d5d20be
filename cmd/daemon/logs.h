// The daemon's log: `sink` writes every line, `limited` each message a few times a second, and
// `connections` the lines about single streams.
//
// Belongs to the control loop.
#pragma once

#include "cmd/daemon/link/debug_rules.h"
#include "cmd/log/connection_log.h"
#include "cmd/log/log_sink.h"
#include "config/config.h"
#include "core/instant.h"

namespace crier::cmd {

struct Logs {
  explicit Logs(const config::Config& config)
      : sink(config.log.level, config.log.format),
        connections(sink, config.log.connections_per_second) {}

  // Applies the settings that a reload may change.
  void apply(const config::Config& config) {
    sink.set_level(config.log.level);
    sink.set_format(config.log.format);
    connections.set_lines_per_second(config.log.connections_per_second);
  }
  // Call it on a timer, about every 250 ms.
  void tick(Instant now) {
    sink.report_lost();
    limited.tick(now);
    connections.tick(now);
  }

  StderrLog sink;
  // For messages that may repeat. Has room for a line of each debug rule, as all may end at once.
  RepeatLimit limited{sink, kDebugRulesMax};
  ConnectionLog connections;
};

}  // namespace crier::cmd
