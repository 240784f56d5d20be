// SIGHUP: reads the configuration again and puts into force what can change while the daemon runs.
//
// A configuration with a mistake, with a user or group that does not exist, with socket options
// that the kernel refuses, or one whose live settings contradict a setting that needs a restart, is
// refused whole: every reason is logged and nothing changes. Otherwise each difference is logged,
// as applied or, as a warning, as one that needs a restart. Changed socket options may begin a
// canary: reload.canary_percent of the new connections get them until another reload.
//
// Belongs to the control loop. Blocking: reads the file and the databases of users and groups.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/debug_switch.h"
#include "cmd/daemon/control/reload_outcome.h"
#include "cmd/daemon/endpoints.h"
#include "cmd/daemon/logs.h"
#include "cmd/daemon/worker_set.h"
#include "cmd/system/activation.h"
#include "config/config.h"
#include "config/differences.h"
#include "net/socket/socket_options.h"

namespace crier::cmd {

class Reloader {
 public:
  // All that is referred to outlives the reloader.
  struct Parts {
    const std::optional<std::string>& file;
    const std::vector<std::string>& overrides;
    const Activation& activation;
    config::Config& config;    // In force; changed in place, because others read it there.
    net::SocketPlan& sockets;  // In force, as the workers were last told.
    Logs& logs;
    DebugSwitch& debug_switch;
    PublishTraces& traces;
    broadcast::Log& event_log;
    Endpoints& endpoints;
    WorkerSet& workers;
  };
  explicit Reloader(const Parts& parts);

  void reload();
  const ReloadOutcome& outcome() const { return outcome_; }

 private:
  void refuse(const std::vector<std::string>& problems);
  void tell(const std::vector<config::Difference>& differences);
  void follow(net::SocketPlan plan);
  void apply_to_parts();

  Parts parts_;
  ReloadOutcome outcome_;
};

}  // namespace crier::cmd
