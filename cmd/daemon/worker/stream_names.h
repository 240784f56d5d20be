// The ids, topics and address of a stream, as log lines, pages and answers show them.
//
// Belongs to one worker. Its parts must outlive it.
#pragma once

#include <optional>
#include <string>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/worker/worker_io.h"
#include "core/keyed_hash.h"
#include "core/reserved_array.h"

namespace crier::cmd {

class StreamNames {
 public:
  struct Parts {
    const broadcast::Broadcaster& broadcaster;
    const WorkerIo& io;
    HashKey trace_key;
    std::uint32_t worker = 0;
  };
  // Throws std::bad_alloc if the system refuses the address space for the clients' addresses.
  explicit StreamNames(const Parts& parts)
      : parts_(parts), clients_(parts.broadcaster.streams().capacity()) {}

  // The session id: worker:slot:generation.
  std::string session_id(broadcast::StreamToken token) const;
  // A trace id of 32 hexadecimal digits: a keyed hash of the session id, so it need not be stored.
  std::string trace_id(broadcast::StreamToken token) const;
  // The client's own trace id if it sent one, otherwise the keyed hash.
  std::string trace_id(broadcast::StreamToken token, const broadcast::Stream& stream) const;
  // The stream's topics joined by commas, shortened to the length that a log line shows.
  std::string topics(const broadcast::Stream& stream) const;
  // Remembers the address of a client that a proxy named: the kernel knows only the proxy's.
  void set_client(broadcast::StreamToken token, const net::PeerAddress& address);
  // The client's address; nothing after the peer has reset the connection, unless a proxy named it.
  std::optional<net::PeerAddress> client(const broadcast::Stream& stream) const;
  // The client's address as "203.0.113.7:50312", or empty.
  std::string address(const broadcast::Stream& stream) const;

 private:
  // The row of a slot counts while the stream of this generation has the slot.
  struct Client {
    std::uint32_t generation;
    net::PeerAddress address;
  };
  static_assert(sizeof(Client) == 24, "config/budget.cc adds it up");

  Parts parts_;
  // By slot. Pages take memory once a proxy has named a client of theirs, and keep it.
  ReservedArray<Client> clients_;
};

}  // namespace crier::cmd
