#include "cmd/system/supervisor.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace crier::cmd {

Supervisor::Supervisor() {
  const char* address = std::getenv("NOTIFY_SOCKET");
  const std::string_view text = address == nullptr ? "" : address;
  if (net::is_unix_address(text)) manager_.emplace(text);
  std::uint64_t interval_us = 0;
  if (::sd_watchdog_enabled(0, &interval_us) > 0) watchdog_us_ = interval_us;
}

void Supervisor::ready() {
  send_state("READY=1");
}

void Supervisor::reloading() {
  // The time lets the manager tell this reload from an earlier one: Type=notify-reload wants it.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t us = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  send_state("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void Supervisor::stopping(std::uint32_t seconds) {
  constexpr std::uint64_t kSecondMicros = 1'000'000;
  send_state("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(seconds * kSecondMicros));
}

void Supervisor::status(const std::string& line) {
  static_cast<void>(send("STATUS=" + line));
}

void Supervisor::alive(bool every_worker_turns) {
  alive_unsent_ = every_worker_turns && !send("WATCHDOG=1");
}

void Supervisor::retry() {
  if (!unsent_state_.empty() && send(unsent_state_)) unsent_state_.clear();
  if (alive_unsent_) alive(true);
}

// A newer state replaces an older one that was not sent.
void Supervisor::send_state(std::string state) {
  unsent_state_ = send(state) ? std::string() : std::move(state);
}

// Returns false if there was no room.
bool Supervisor::send(const std::string& lines) {
  return !manager_ || manager_->send(lines);
}

}  // namespace crier::cmd
