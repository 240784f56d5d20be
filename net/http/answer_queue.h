// The answers that one HttpConnection owes, in the order of its requests; internal to it.
//
// A handler gives an answer whole, by reply(), or piece by piece, by begin(), write() and end().
// Only the bytes of the front answer may leave; later answers wait here until it is complete. At
// most kStreamedBytesMax bytes of a streamed answer wait for the kernel.
//
// A request is charged with bytes while its answer is in the queue, so that the connection can
// bound what it has a handler keep.
//
// An answer that closes the connection drops the answers behind it. The queue tells the writer of
// a dropped answer through its on_change: take_calls() hands these calls to the connection, which
// makes them.
//
// An answer is named by its ordinal: the number of its request, counted from 0 for each
// connection. Belongs to its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/instant.h"
#include "net/http/http_handler.h"

namespace crier::net {

class AnswerQueue {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return answers_.size() - gone_; }
  std::size_t charged() const { return charged_; }  // For all its requests.

  // Adds the answer to `request`, still without bytes, and returns its ordinal. `now`: when the
  // handler was given the request.
  std::uint64_t push(const Request& request, std::size_t charge, Instant now);
  // Appends a complete answer, after which the connection ends.
  void push_last(std::string bytes);

  // Whether the answer of this ordinal is neither complete nor dropped.
  bool awaits(std::uint64_t ordinal) const;

  // These four do nothing for an answer that was dropped. They require that the answer is not
  // complete.
  void reply(std::uint64_t ordinal, std::string bytes, bool close);
  void begin(std::uint64_t ordinal, std::string head, OnChange on_change);
  // Returns false if the bytes do not fit or the answer was dropped. `ahead`: bytes that have left
  // the queue and that the kernel has not taken. Requires: begin() was called; bytes.size() <=
  // kStreamPieceMax.
  bool write(std::uint64_t ordinal, std::string_view bytes, std::size_t ahead);
  void end(std::uint64_t ordinal);

  // Bytes of this answer, and of those before it, that the kernel has not taken. `ahead` as for
  // write().
  std::size_t waiting(std::uint64_t ordinal, std::size_t ahead) const;

  // Appends the bytes that may leave to `output`. Returns true if the connection ends after them;
  // the queue is empty then.
  bool collect(std::string& output);

  // When the handler was given the front request; nothing if it has begun to answer it.
  std::optional<Instant> unanswered_since() const;

  // Returns the memory of a long queue that is empty now.
  void shrink();
  // Drops all answers, because the connection closes.
  void drop_all();
  // Returns the calls that are due, and forgets them: one for the writer of each dropped answer,
  // and one for the writer of the front answer if a write() was refused and there is room again.
  // `ahead` as for write().
  std::vector<OnChange> take_calls(std::size_t ahead);

 private:
  enum class State : std::uint8_t { unanswered, streamed, complete };
  struct Answer {
    State state = State::unanswered;
    bool close = false;       // The connection ends after this answer.
    bool http_1_0 = false;    // If streamed, the answer ends with the connection; else, chunked.
    bool bodiless = false;    // The answer to HEAD.
    bool wants_room = false;  // The last write() was refused.
    std::size_t charge = 0;
    Instant since;  // When the handler was given the request.
    std::string bytes;
    OnChange on_change;
  };

  Answer* find(std::uint64_t ordinal);
  // The place of an answer that is in the queue.
  std::size_t at(std::uint64_t ordinal) const {
    return gone_ + static_cast<std::size_t>(ordinal - first_ordinal_);
  }
  Answer& front() { return answers_[gone_]; }
  void drop(std::size_t count);

  std::vector<Answer> answers_;  // As many as a connection may pipeline; usually one.
  // Answers at the beginning that have left. At most half stay, so that a long queue is rarely
  // moved.
  std::size_t gone_ = 0;
  std::size_t charged_ = 0;
  std::uint64_t first_ordinal_ = 0;  // The ordinal of front().
  bool dropped_some_ = false;
  std::vector<OnChange> calls_;  // Calls due to the writers of dropped answers.
};

}  // namespace crier::net
