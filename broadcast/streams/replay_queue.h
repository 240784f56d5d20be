// Which stream may ask the log for a replay next: in the order they came, one at a time for each
// client address, so that one client with a thousand streams waits behind itself and not others
// behind it.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "broadcast/streams/stream.h"

namespace crier::broadcast {

class ReplayQueue {
 public:
  // Requires: the stream is not in the queue and has no request with the log.
  void add(StreamToken stream, std::uint64_t address_hash);

  // The next stream that may ask; it counts as in flight until answered().
  std::optional<StreamToken> next();

  // The stream's request could not be sent: it is again the very next.
  // Requires: next() returned it, and nothing was asked of the queue since.
  void put_back(StreamToken stream);

  // The stream's request was answered, or never sent because the stream is gone.
  void answered(StreamToken stream);

  std::size_t waiting() const { return waiting_; }
  std::size_t in_flight() const { return in_flight_.size(); }

 private:
  struct Line {
    std::deque<StreamToken> streams;  // Of one address, oldest first.
    bool busy = false;                // One of them is in flight.
  };

  static std::uint64_t key(StreamToken stream) {
    return std::uint64_t{stream.generation} << 32 | stream.index;
  }

  std::unordered_map<std::uint64_t, Line> lines_;               // By address hash.
  std::deque<std::uint64_t> ready_;                             // Addresses that may send one.
  std::unordered_map<std::uint64_t, std::uint64_t> in_flight_;  // Stream → its address hash.
  std::size_t waiting_ = 0;
};

}  // namespace crier::broadcast
