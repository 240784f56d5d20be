// Messages to the service manager that runs crier (sd_notify(3)): ready, reloading, stopping, a
// line of status, and alive. Without a service manager, nothing is sent.
//
// The caller reports alive only while every worker's loop turns, so that the manager's watchdog
// expires if a single worker is stuck.
//
// Never waits for the manager, as sd_notify(3) does while the manager's queue is full: retry()
// sends states and alive again, and a line of status is dropped. Needs no new descriptor, as
// sd_notify(3) does: a daemon that has run out of them is alive. Belongs to the control loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/socket/unix_datagram.h"

namespace crier::cmd {

class Supervisor {
 public:
  // Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
  Supervisor();

  bool present() const { return manager_.has_value(); }
  // The time between two calls of alive(); 0: the manager has no watchdog.
  std::uint64_t alive_interval_ms() const { return watchdog_us_ / 4 / 1'000; }

  void ready();
  // Requires: ready() follows.
  void reloading();
  // `seconds`: how long the stop may take, at most.
  void stopping(std::uint32_t seconds);
  void status(const std::string& line);
  // Feeds the watchdog if every worker turns. Otherwise sends nothing, nor does retry().
  void alive(bool every_worker_turns);

  // Sends again what there was no room for. Call it on a timer.
  void retry();

 private:
  void send_state(std::string state);
  bool send(const std::string& lines);

  std::optional<net::DatagramSender> manager_;  // Nothing: no manager.
  std::string unsent_state_;                    // The newest state, if there was no room.
  bool alive_unsent_ = false;
  std::uint64_t watchdog_us_ = 0;
};

}  // namespace crier::cmd
