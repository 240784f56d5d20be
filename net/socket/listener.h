// A worker's listening TCP socket. Every worker binds one of its own to the same endpoint
// (SO_REUSEPORT) and the kernel spreads the connections; at one that all were handed (see below)
// they take turns.
//
// Socket options are set here: Linux hands them down to every accepted socket, which saves five
// calls a connection. A canary's are set on the few sockets that get them. The loop watches fd();
// accept_some() takes a bounded number per turn.
//
// Out of descriptors, one connection is accepted with a spare descriptor and closed at once, so
// that the peer at the head of the queue learns it, and the result is `starved`: the caller stops
// watching fd() for a while, or it would spin. The rest wait in the kernel's queue meanwhile.
//
// A listener may also be handed in, bound by somebody else (a service manager). Then it goes on
// listening when we stop: connections wait for whoever gets it next. If several workers have the
// same one, one without descriptors leaves its connections to the others instead of shedding them.
//
// Belongs to one worker: opened, used and stopped on its thread, in its descriptor table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "core/counter.h"
#include "core/result.h"
#include "net/socket/endpoint.h"
#include "net/socket/fd.h"
#include "net/socket/peer_address.h"
#include "net/socket/socket_options.h"

namespace crier::net {

struct ListenerOptions {
  int backlog = 4096;  // The kernel caps it at net.core.somaxconn.
  // Report a connection when its first bytes are here, or after so long; 0: at once.
  int defer_accept_seconds = 3;

  // Handed down to accepted sockets.
  SocketOptions sockets;
  int keepalive_idle_seconds = 60;
  int keepalive_interval_seconds = 15;
  int keepalive_probes = 4;
};

enum class AcceptEnd : std::uint8_t {
  drained,  // Nobody waits.
  more,     // The share is used up; somebody may wait.
  starved,  // No descriptor or no memory: pause before the next try.
};

struct ListenerCounters {
  Counter accepted;
  Counter canaries;         // Of these, those given the options of a canary.
  Counter options_refused;  // Times the kernel refused one, of ours or of an accepted socket.
  Counter starved;          // Times the kernel had no descriptor or memory for an accept.
  Counter shed;             // Connections closed at once, for want of a descriptor.
  // Gauges, as of the last look_at_queue(): connections that wait to be accepted, and how many may.
  Counter waiting;
  Counter waiting_max;
  Counter failed;  // Connections that died before they were accepted, or that a firewall refused.
};

class Listener {
 public:
  // Errors: address_in_use; invalid_config for an address that this user may not bind, or a Unix
  // socket; os. Each names the endpoint and `setting`.
  static Result<Listener> open(const Endpoint& endpoint, const ListenerOptions& options,
                               std::string_view setting = "http.listen");

  enum class Sharing : std::uint8_t { one_worker, several_workers };
  // Of a bound stream socket of IPv4 or IPv6 that was handed in; listens again, for a queue as long
  // as `options` says. Errors: os.
  static Result<Listener> adopt(Fd socket, const ListenerOptions& options, Sharing sharing);

  int fd() const { return socket_.get(); }  // -1 once stopped.
  // Somebody else's: connections in its queue are not lost when we stop.
  bool outlives_us() const { return origin_ != Origin::ours; }
  // The bound port, also when the endpoint said 0. Requires: not stopped.
  std::uint16_t port() const;
  const ListenerCounters& counters() const { return *counters_; }

  // From now on new connections get these options; those in the queue keep what they have, but for
  // a canary's. Connections take turns: at 25 %, every fourth is the canary's.
  void follow(const SocketPlan& plan);

  // From now on a connection whose packets arrive on that processor comes to this listener, or one
  // of those in its group that prefer the same; one for whose processor there is none is dealt out
  // by the hash (SO_INCOMING_CPU; Linux 6.2). Errors: os.
  Result<void> prefer_processor(unsigned processor);

  // Calls on_accept(const Accepted&) for at most `max` connections. The descriptor is non-blocking,
  // close-on-exec, and on_accept's to close. After stop(): drained.
  template <typename OnAccept>
  AcceptEnd accept_some(std::size_t max, OnAccept&& on_accept) {
    for (std::size_t i = 0; i < max; ++i) {
      const Attempt attempt = accept_one();
      if (attempt.end != AcceptEnd::more) return attempt.end;
      if (attempt.accepted.fd >= 0) on_accept(std::as_const(attempt.accepted));
    }
    return AcceptEnd::more;
  }

  // Asks the kernel how long the queue of connections is that wait to be accepted.
  void look_at_queue();

  // Ends listening for every table this socket is in: connections still in the queue are reset. One
  // that was handed in is only closed. Idempotent.
  void stop();

 private:
  struct Attempt {
    AcceptEnd end = AcceptEnd::more;
    Accepted accepted;  // With `more`: fd is -1 when this one failed, but the next may not.
  };

  enum class Origin : std::uint8_t { ours, handed_in, handed_in_to_several };
  Listener(Fd socket, Origin origin, SocketOptions options);
  Attempt accept_one();
  bool is_canarys_turn();
  void shed_one();

  Fd socket_;
  Fd spare_;
  Origin origin_;
  std::optional<SocketOptions> options_;  // Of the listening socket; none: the kernel refused one.
  OptionCalls canary_;
  unsigned canary_percent_ = 0;  // 0: no canary.
  unsigned canary_due_ = 0;      // Hundredths of a connection the canary has yet to get.
  std::unique_ptr<ListenerCounters> counters_;
};

// Is the endpoint free? Sockets that share a port do not notice one another, so a second daemon
// would silently take half of the first one's connections: this binds once without sharing, and
// closes. Errors as Listener::open.
Result<void> probe_address(const Endpoint& endpoint, std::string_view setting = "http.listen");

}  // namespace crier::net
