// The options of subscribers' sockets that may change while the daemon runs.
//
// Linux hands them down from a listening socket to those accepted from it, so they cost nothing per
// connection: a reload sets them on the listener, and connections that exist keep theirs. While new
// values are on trial, the listener keeps the old ones, and only the connections of the trial's
// share are set one by one, in what differs.
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

// 0 and "": the kernel's own.
struct SocketOptions {
  bool no_delay = true;                    // TCP_NODELAY
  int send_buffer_bytes = 64 * 1024;       // SO_SNDBUF; the kernel doubles it for its bookkeeping.
  int unsent_bytes_low_water = 16 * 1024;  // TCP_NOTSENT_LOWAT: not writable above it.
  int user_timeout_ms = 60'000;            // TCP_USER_TIMEOUT: data unacknowledged for so long.
  int busy_poll_us = 0;                    // SO_BUSY_POLL
  std::string congestion_control;          // TCP_CONGESTION

  friend bool operator==(const SocketOptions&, const SocketOptions&) = default;
};

// What a new TCP socket has of its own: what the kernel's parameters say just now.
struct KernelOptions {
  int send_buffer_bytes = 0;        // As getsockopt() shows it: not doubled.
  std::optional<int> busy_poll_us;  // Nothing: the kernel was built without it.
  std::string congestion_control;
};
Result<KernelOptions> kernel_options();

struct OptionCall {  // Of setsockopt(2).
  int level;
  int name;
  int value;
  const char* label;   // The name's, for errors.
  std::string text{};  // Instead of `value`, if not empty.
};
// All of them, whatever becomes of each. Errors: os; the first that the kernel refused.
Result<void> set_options(int fd, std::span<const OptionCall> calls);

// The calls that lead to some options.
class OptionCalls {
 public:
  OptionCalls() = default;
  // From the options of a socket that nobody has set yet: what is the kernel's own is left alone.
  static OptionCalls to(const SocketOptions& wanted);
  // From those of a socket of which nothing is known.
  static OptionCalls all(const SocketOptions& wanted, const KernelOptions& own);
  // From those of a socket that has `current`: the few that differ.
  static OptionCalls between(const SocketOptions& current, const SocketOptions& wanted,
                             const KernelOptions& own);

  // As set_options().
  Result<void> apply(int fd) const { return set_options(fd, calls_); }

 private:
  static OptionCalls make(const SocketOptions* current, const SocketOptions& wanted,
                          const KernelOptions* own);

  std::vector<OptionCall> calls_;
};

// Tries the options on a socket of its own.
struct TriedOptions {
  SocketOptions usable;
  std::string warning;  // Not empty: what of them cannot be used, which `usable` is without.
};
// Errors: invalid_config, a congestion control that the kernel does not allow; os, anything else it
// refuses.
Result<TriedOptions> try_options(const SocketOptions& wanted);

// Of the text of net.ipv4.tcp_allowed_congestion_control: why `name` cannot be used. Nothing: it
// can, or the text is empty and the kernel has to be asked.
std::optional<std::string> congestion_control_problem(std::string_view name,
                                                      std::string_view allowed);

// What new connections get.
struct SocketPlan {
  SocketOptions current;  // The listener's.
  std::optional<SocketOptions> canary;
  unsigned canary_percent = 0;  // Of new connections; 1 to 99 where there is a canary.
  KernelOptions own;
};

// The plan after a reload that wants `wanted`: at 100 % they are everybody's, below it a canary's
// beside those that are everybody's now; wanting these again ends the canary.
SocketPlan next_plan(const SocketPlan& running, const SocketOptions& wanted, unsigned percent,
                     KernelOptions own);

}  // namespace crier::net
