// Decides which stream may next ask the log for a replay. Client addresses take turns; the streams
// of one address are served in the order in which they came.
//
// While an address without a request waits, an address that has one gets no further request. So a
// client with a thousand streams does not hold up other clients, and a proxy, which is one address,
// still uses idle budget.
//
// Addresses and streams are rows of two vectors, which are given back when nothing waits.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broadcast/log/hash_index.h"
#include "broadcast/streams/stream.h"

namespace crier::broadcast {

class ReplayQueue {
 public:
  // Adds a stream. Requires: it is not in the queue and has no request with the log.
  void add(StreamToken stream, std::uint64_t address_hash);

  // Returns the next stream that may ask. The stream counts as in flight until answered().
  std::optional<StreamToken> next();

  // Puts the stream back to the front of the queue, because its request could not be sent.
  // Requires: next() returned it, and no other function was called since.
  void put_back(StreamToken stream);

  // Ends the request of a stream: it was answered, or it was never sent because the stream is gone.
  void answered(StreamToken stream);

  std::size_t waiting() const { return waiting_; }
  std::size_t in_flight() const { return in_flight_.size(); }
  // Returns the memory allocated for addresses and streams.
  std::size_t storage_bytes() const;

 private:
  using Row = std::uint32_t;

  struct Waiting {
    StreamToken stream;
    Row next = kNone;  // The next of its line, or of the free rows.
  };
  // The line of one address: its waiting streams, and how many requests it has in flight.
  struct Line {
    std::uint64_t address = 0;
    Row first = kNone;  // Oldest first.
    Row last = kNone;
    std::uint32_t in_flight = 0;
    Row before = kNone;  // The line before it in its list of turns.
    Row after = kNone;   // The line after it in its list of turns, or the next of the free rows.
  };
  // Lines with waiting streams, in the order of their turns.
  struct Turns {
    Row first = kNone;
    Row last = kNone;
  };
  struct InFlight {
    StreamToken stream;
    Row line = kNone;
  };

  Row line_of(std::uint64_t address);
  Turns& turns_of(const Line& line) { return line.in_flight == 0 ? idle_ : busy_; }
  void enter(Row line, bool in_front);
  void leave(Row line);
  void push_waiting(Line& line, StreamToken stream, bool in_front);
  StreamToken pop_waiting(Line& line);
  Row take_in_flight(StreamToken stream);
  void drop_line(Row line);

  std::vector<Line> lines_;
  std::vector<Waiting> streams_;
  Row free_line_ = kNone;
  Row free_stream_ = kNone;
  HashIndex by_address_;
  Turns idle_;  // Waiting lines without a request in flight.
  Turns busy_;  // Waiting lines with a request in flight.
  std::vector<InFlight> in_flight_;
  std::size_t waiting_ = 0;
};

}  // namespace crier::broadcast
