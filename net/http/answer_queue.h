// The answers that one HttpConnection owes, in the order of its requests; internal to it.
//
// An answer is given whole by reply(), or piece by piece by begin(), write() and end(). Only the
// front answer's bytes may leave; later answers wait here until it is complete. Bytes of a streamed
// answer that the kernel has not taken are bounded by kStreamedBytesMax.
//
// An answer that closes the connection drops those behind it. A writer of a dropped answer is told
// so through on_change, which the connection calls: see take_calls().
// Belongs to its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/instant.h"
#include "net/http/http_handler.h"

namespace crier::net {

class AnswerQueue {
 public:
  bool empty() const { return answers_.empty(); }
  std::size_t size() const { return answers_.size(); }

  // A request was handed to the handler: returns the ordinal of its answer.
  std::uint64_t push(const Request& request, Instant now);
  // Appends an answer that is complete and the last one.
  void push_last(std::string bytes);

  // Is the answer of this ordinal neither complete nor dropped?
  bool awaits(std::uint64_t ordinal) const;

  // Does nothing for an answer that was dropped. Requires, here and below: the answer is not
  // complete.
  void reply(std::uint64_t ordinal, std::string bytes, bool close);
  void begin(std::uint64_t ordinal, std::string head, OnChange on_change);
  // `ahead`: bytes on their way to the kernel, before those of the front answer. false: the bytes
  // do not fit, or the answer was dropped. Requires: begin() was called; bytes.size() <=
  // kStreamPieceMax.
  bool write(std::uint64_t ordinal, std::string_view bytes, std::size_t ahead);
  void end(std::uint64_t ordinal);

  // Moves what may leave to `output`; true: the connection ends after it, the queue is empty.
  bool collect(std::string& output);

  // When the front request was handed over, if nothing of its answer has been given yet.
  std::optional<Instant> unanswered_since() const;

  // Drops all answers: the connection is closed.
  void drop_all();
  // The calls that are due: to writers of dropped answers, and to the front answer's writer if it
  // was refused room and there is some again. `ahead` as for write().
  std::vector<OnChange> take_calls(std::size_t ahead);

 private:
  enum class State : std::uint8_t { unanswered, streamed, complete };
  struct Answer {
    State state = State::unanswered;
    bool close = false;     // The connection ends after it.
    bool http_1_0 = false;  // A streamed answer ends with the connection; else it is chunked.
    bool bodiless = false;  // The answer to HEAD.
    bool wants_room = false;
    Instant since;
    std::string bytes;
    OnChange on_change;
  };

  Answer* find(std::uint64_t ordinal);
  void drop(std::size_t count);

  std::deque<Answer> answers_;
  std::uint64_t first_ordinal_ = 0;  // Of answers_.front().
  bool dropped_some_ = false;
  std::vector<OnChange> calls_;  // To writers of dropped answers.
};

}  // namespace crier::net
