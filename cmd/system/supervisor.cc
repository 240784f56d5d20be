#include "cmd/system/supervisor.h"

#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/text/decimal.h"

namespace crier::cmd {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// 0: no watchdog is set for this process.
std::uint64_t watchdog_us() {
  const std::string_view process = variable("WATCHDOG_PID");
  if (!process.empty() && process != std::to_string(::getpid())) return 0;
  return parse_decimal<std::uint64_t>(variable("WATCHDOG_USEC")).value_or(0);
}

}  // namespace

Supervisor::Supervisor() : watchdog_us_(watchdog_us()) {
  const std::string_view address = variable("NOTIFY_SOCKET");
  if (net::is_unix_address(address)) manager_.emplace(address);
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
