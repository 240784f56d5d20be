// Which stream may ask the log for a replay next: client addresses take turns, the streams of one
// address in the order in which they came.
//
// An address that has a request with the log gets another only while no address without one waits.
// So one client with a thousand streams waits behind itself and not others behind it, and a proxy,
// which is one address, still uses whatever is idle.
//
// Nothing is allocated for an address or a stream: both are rows, given back once nothing waits.
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
  // What is allocated for lines and streams.
  std::size_t storage_bytes() const;

 private:
  using Row = std::uint32_t;

  struct Waiting {
    StreamToken stream;
    Row next = kNone;  // In its line, or of the free rows.
  };
  // The streams of one address.
  struct Line {
    std::uint64_t address = 0;
    Row first = kNone;  // The waiting ones, oldest first.
    Row last = kNone;
    std::uint32_t in_flight = 0;
    Row before = kNone;  // In its list of turns.
    Row after = kNone;   // In its list of turns, or of the free rows.
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
  Turns idle_;  // Lines without a request in flight,
  Turns busy_;  // and with one.
  std::vector<InFlight> in_flight_;
  std::size_t waiting_ = 0;
};

}  // namespace crier::broadcast
