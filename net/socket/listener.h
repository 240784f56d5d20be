// A worker's listening TCP socket. Every worker binds a socket of its own to the same endpoint
// (SO_REUSEPORT), and the kernel spreads the connections over them.
//
// Options are set on the listening socket: Linux copies them to every accepted socket, which saves
// five calls a connection. Only a canary's connections get theirs one by one. The loop watches
// fd(); accept_some() takes a bounded number of connections a turn.
//
// If there is no descriptor for a connection, the listener accepts it with a spare one and closes
// it at once, so that its client learns of the failure. The result is `starved`. The caller must
// then stop watching fd() for a while, or it would spin; other connections wait in the kernel's
// queue.
//
// A service manager may also have bound the socket and handed it in. It then goes on listening when
// crier stops, and connections wait in its queue for the next process. If several workers have the
// same socket, they take turns at it, and a worker without descriptors leaves the connections to
// the others.
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
  // The kernel reports a connection when its first bytes arrive, or after this time; 0: at once.
  int defer_accept_seconds = 3;

  // Accepted sockets inherit these.
  SocketOptions sockets;
  int keepalive_idle_seconds = 60;
  int keepalive_interval_seconds = 15;
  int keepalive_probes = 4;
};

enum class AcceptEnd : std::uint8_t {
  drained,  // No connection waits.
  more,     // `max` connections were accepted; more may wait.
  starved,  // No descriptor or no memory: pause before the next try.
};

struct ListenerCounters {
  Counter accepted;
  Counter canaries;         // Of these, those with the options of a canary.
  Counter options_refused;  // Times the kernel refused a socket option.
  Counter starved;          // Times the kernel had no descriptor or memory for an accept.
  Counter shed;             // Connections closed at once for lack of a descriptor.
  // Gauges, set by look_at_queue(): connections that wait to be accepted, and their bound.
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
  // Takes over a bound TCP socket that was handed in: sets its options and the length of its queue.
  // Errors: os.
  static Result<Listener> adopt(Fd socket, const ListenerOptions& options, Sharing sharing);

  int fd() const { return socket_.get(); }  // -1 after stop().
  // Whether it was handed in, so that connections in its queue outlive stop().
  bool was_handed_in() const { return origin_ != Origin::ours; }
  // The port it is bound to, also if the endpoint has port 0. Requires: not stopped.
  std::uint16_t port() const;
  const ListenerCounters& counters() const { return *counters_; }

  // Sets the options of connections from now on. Those in the queue keep the old options, unless
  // they become the canary's. At 25 % every fourth connection is the canary's.
  void follow(const SocketPlan& plan);

  // From now on the kernel gives this listener the connections whose packets arrive on that
  // processor, or shares them among the listeners with the same processor. It spreads connections
  // of other processors by the hash (SO_INCOMING_CPU; Linux 6.2). Errors: os.
  Result<void> prefer_processor(unsigned processor);

  // Calls on_accept(const Accepted&) for at most `max` connections. The descriptor is non-blocking
  // and close-on-exec; on_accept owns it. Returns `drained` after stop().
  template <typename OnAccept>
  AcceptEnd accept_some(std::size_t max, OnAccept&& on_accept) {
    for (std::size_t i = 0; i < max; ++i) {
      const Attempt attempt = accept_one();
      if (attempt.end != AcceptEnd::more) return attempt.end;
      if (attempt.accepted.fd >= 0) on_accept(std::as_const(attempt.accepted));
    }
    return AcceptEnd::more;
  }

  // Reads the length of the accept queue into the counters.
  void look_at_queue();

  // Stops listening in every descriptor table that has the socket; connections in its queue are
  // reset. A socket that was handed in is only closed. May be called again.
  void stop();

 private:
  struct Attempt {
    AcceptEnd end = AcceptEnd::more;
    Accepted accepted;  // If `end` is `more`, fd is -1 for a connection that failed.
  };

  enum class Origin : std::uint8_t { ours, handed_in, handed_in_to_several };
  Listener(Fd socket, Origin origin, SocketOptions options);
  Attempt accept_one();
  bool is_canarys_turn();
  void shed_one();

  Fd socket_;
  Fd spare_;
  Origin origin_;
  std::optional<SocketOptions> options_;  // In force; nothing: unknown, the kernel refused one.
  OptionCalls canary_;
  unsigned canary_percent_ = 0;  // 0: no canary.
  unsigned canary_due_ = 0;      // Hundredths of a connection that the canary is due.
  std::unique_ptr<ListenerCounters> counters_;
};

// Fails if another process listens at the endpoint. Sockets with SO_REUSEPORT do not exclude one
// another, so a second daemon would silently take half of the first one's connections: this binds a
// socket without that option, and closes it. Errors as Listener::open().
Result<void> probe_address(const Endpoint& endpoint, std::string_view setting = "http.listen");

}  // namespace crier::net
