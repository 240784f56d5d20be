#include "cmd/supervisor.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdlib>

namespace crier::cmd {

Supervisor::Supervisor() : present_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  std::uint64_t interval_us = 0;
  if (::sd_watchdog_enabled(0, &interval_us) > 0) watchdog_us_ = interval_us;
}

void Supervisor::ready() {
  send("READY=1");
}

void Supervisor::reloading() {
  // The time lets the manager tell this reload from an earlier one: Type=notify-reload wants it.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void Supervisor::stopping(std::uint32_t seconds) {
  constexpr std::uint64_t kSecondMicros = 1'000'000;
  send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(seconds * kSecondMicros));
}

void Supervisor::status(const std::string& line) {
  send("STATUS=" + line);
}

void Supervisor::alive() {
  send("WATCHDOG=1");
}

void Supervisor::send(const std::string& lines) const {
  if (present_) ::sd_notify(0, lines.c_str());
}

}  // namespace crier::cmd
