// The options of subscribers' sockets that may change while the daemon runs.
//
// Linux hands them down from a listening socket to those accepted from it, so they cost nothing per
// connection: a reload sets them on the listener, and connections that exist keep theirs. While new
// values are on trial, the listener keeps the old ones, and only the connections of the trial's
// share get the options that differ, one by one.
//
// Values; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace crier::net {

// 0 and "": the value of the kernel.
struct SocketOptions {
  bool no_delay = true;                    // TCP_NODELAY
  int send_buffer_bytes = 64 * 1024;       // SO_SNDBUF; the kernel doubles it for its bookkeeping.
  int unsent_bytes_low_water = 16 * 1024;  // TCP_NOTSENT_LOWAT: not writable above it.
  int user_timeout_ms = 60'000;            // TCP_USER_TIMEOUT, for unacknowledged data.
  int busy_poll_us = 0;                    // SO_BUSY_POLL
  std::string congestion_control;          // TCP_CONGESTION

  friend bool operator==(const SocketOptions&, const SocketOptions&) = default;
};

// The values that the kernel's parameters give a new TCP socket now.
struct KernelOptions {
  int send_buffer_bytes = 0;        // As getsockopt() shows it: not doubled.
  std::optional<int> busy_poll_us;  // Nothing: the kernel was built without it.
  std::string congestion_control;
};
Result<KernelOptions> kernel_options();

struct OptionCall {  // The arguments of a setsockopt(2).
  int level;
  int name;
  int value;
  const char* label;   // The name as text, for errors.
  std::string text{};  // Instead of `value`, if not empty.
};
// Makes all calls, even after one failed. Errors: os, for the first that the kernel refused.
Result<void> set_options(int fd, std::span<const OptionCall> calls);

// The calls that give a socket certain options.
class OptionCalls {
 public:
  OptionCalls() = default;
  // For a new socket. Leaves out options that are to have the kernel's own value.
  static OptionCalls to(const SocketOptions& wanted);
  // For a socket whose options are unknown: sets all of them.
  static OptionCalls all(const SocketOptions& wanted, const KernelOptions& own);
  // For a socket that has `current`: sets the options that differ.
  static OptionCalls between(const SocketOptions& current, const SocketOptions& wanted,
                             const KernelOptions& own);

  // As set_options().
  Result<void> apply(int fd) const { return set_options(fd, calls_); }

 private:
  static OptionCalls make(const SocketOptions* current, const SocketOptions& wanted,
                          const KernelOptions* own);

  std::vector<OptionCall> calls_;
};

struct TriedOptions {
  SocketOptions usable;
  std::string warning;  // About an option that `usable` lacks because it cannot be used, or empty.
};
// Tries the options on a new socket. Errors: invalid_config for a congestion control that the
// kernel does not allow, os for anything else that it refuses.
Result<TriedOptions> try_options(const SocketOptions& wanted);

// Returns why `name` cannot be used. `allowed` is the text of
// net.ipv4.tcp_allowed_congestion_control. Returns nothing if it can be used, or if the text is
// empty, so that only a try can tell.
std::optional<std::string> congestion_control_problem(std::string_view name,
                                                      std::string_view allowed);

// The options of new connections.
struct SocketPlan {
  SocketOptions current;  // The listener's.
  std::optional<SocketOptions> canary;
  unsigned canary_percent = 0;  // A part of new connections; 1 to 99 if there is a canary.
  KernelOptions own;
};

// The plan after a reload. At 100 % all new connections get `wanted`; below it `percent` of them
// do, the canary, and the others keep running.current. The canary ends if `wanted` equals
// running.current.
SocketPlan next_plan(const SocketPlan& running, const SocketOptions& wanted, unsigned percent,
                     KernelOptions own);

}  // namespace crier::net
