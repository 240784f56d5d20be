// What crier tells the service manager that runs it (sd_notify(3)): ready, reloading, stopping, a
// line of status, and that it is alive. Outside of one, nothing is sent.
//
// Alive is more than this thread's business: the caller says so only while every worker's loop
// turns, so that a single stuck one lets the manager's watchdog run out.
//
// Never waits for the manager, as sd_notify(3) would while its queue is full: what it has to know
// is sent again by retry(), the rest is dropped. Needs no descriptor later, as sd_notify(3) would:
// a daemon that has run out of them is alive. Belongs to the control loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/socket/unix_datagram.h"

namespace crier::cmd {

class Supervisor {
 public:
  // Takes $NOTIFY_SOCKET and $WATCHDOG_USEC to be meant for this process as systemd does.
  Supervisor();

  bool present() const { return manager_.has_value(); }
  // How often alive() should be called; 0: nobody waits for it.
  std::uint64_t alive_interval_ms() const { return watchdog_us_ / 4 / 1'000; }

  void ready();
  // ready() has to follow.
  void reloading();
  // `seconds`: how long the stop may take, at most.
  void stopping(std::uint32_t seconds);
  void status(const std::string& line);
  // Not well: nothing is told, not even what there was no room for.
  void alive(bool well);

  // Call it on a timer.
  void retry();

 private:
  void tell(std::string state);
  bool send(const std::string& lines);

  std::optional<net::DatagramSender> manager_;  // Nothing: there is none.
  std::string untold_;                          // The newest state for which there was no room.
  bool alive_untold_ = false;
  std::uint64_t watchdog_us_ = 0;
};

}  // namespace crier::cmd
