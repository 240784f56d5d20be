// One connection of an HttpServer; internal to it.
//
// Bytes move through it like this:
//
//   read buffer ──► HeadReader ──► body ──► handler ──► answers, in order ──► output ──► kernel
//        └─ held_: what arrived while no further request may be taken
//
// The kernel reports readiness once, as an edge. The connection remembers it, marks itself, and
// reads and writes in serve().
//
// Life: made by the server for a socket that is in its ready set, leaves the server's table in
// close(), and is freed by the server in the next turn. Between the two it makes no calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "core/instant.h"
#include "net/http/answer_queue.h"
#include "net/http/chunked_body.h"
#include "net/http/head_reader.h"
#include "net/http/http_handler.h"
#include "net/socket/fd.h"
#include "net/socket/ready_set.h"

namespace crier::net {

class HttpServer;

class HttpConnection {
 public:
  // Requires: the server's ready set reports `socket` as Token{generation, index}.
  HttpConnection(HttpServer& server, std::uint32_t index, std::uint32_t generation, Fd socket,
                 const HttpPeer& peer);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Serves no request: answers with `refusal` and ends.
  void refuse_all(const Refusal& refusal);
  // Call collect_answers() after a change: it moves the answers whose turn it is to the output,
  // which leaves at the end of the turn.
  AnswerQueue& answers() { return answers_; }
  void collect_answers();
  // Bytes of answers that have left the queue, but are not the kernel's yet.
  std::size_t bytes_ahead() const { return output_.size() - sent_; }
  void on_ready(const Ready& ready);
  // Reads once, or goes on with held input, and writes what has gathered. At most once a turn,
  // after the connection has marked itself. Takes at least one request of its input, then others
  // until the turn is over.
  void serve(Instant marked_at);
  // Ends what has taken too long.
  void check_deadlines(Instant now);
  // Leaves the table and begins to close; nothing is written any more.
  void close();
  // Is there neither a request nor an answer under way?
  bool idle() const;
  Instant active_at() const { return active_at_; }  // When something last came or left.
  // Is a head, or its beginning, all that is under way?
  bool has_only_head() const;
  // Requires: has_only_head(). When the head began; once it is whole, when it ended, or when the
  // client was told to send its body.
  Instant waited_for_since() const { return phase_ == Phase::head ? request_began_ : active_at_; }
  // As close(), but first gives the kernel what it takes at once.
  void flush_and_close();

 private:
  enum class Phase : std::uint8_t {
    head,
    body,
    finished,   // No further request is taken; answers are still owed.
    lingering,  // All is written; waiting for the client to notice.
  };

  bool wants_input() const;
  void read_some();
  void on_end(bool lost);
  void discard();

  void take_input(std::string_view bytes);
  std::size_t take(std::string_view bytes);
  std::size_t take_head(std::string_view bytes);
  std::size_t begin_body(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  void dispatch(std::string_view body);
  void refuse(const Refusal& refusal);
  void refuse_late();
  bool may_take_request() const;
  bool turn_is_over() const;

  void tell_writers();
  void abandon();
  void mark();
  void flush();
  void settle();
  void linger();
  bool nothing_owed() const;

  HttpServer& server_;
  std::uint32_t index_;
  std::uint32_t generation_;
  HttpPeer peer_;
  Fd socket_;

  HeadReader reader_;
  ChunkedBody chunks_;
  std::string body_;
  std::string held_;
  std::string output_;
  std::size_t sent_ = 0;  // Bytes of `output_` that the kernel has.
  AnswerQueue answers_;

  Phase phase_ = Phase::head;
  bool closed_ = false;
  bool readable_ = false;        // There may be bytes in the socket, or its end.
  bool hung_up_ = false;         // The end is in the socket, perhaps behind bytes.
  bool at_end_ = false;          // The client sends nothing more.
  bool blocked_ = false;         // The socket took no more at the last write.
  bool watches_output_ = false;  // The ready set reports when it takes more.
  bool in_serve_ = false;        // settle() follows, which writes what has gathered.
  bool owes_continue_ = false;
  bool marked_ = false;  // The server will call serve() next turn.

  std::size_t discarded_bytes_ = 0;
  Instant marked_at_;      // Of the serve() that goes on.
  Instant request_began_;  // 0: no request is on its way.
  Instant active_at_;
  Instant progress_at_;  // When the kernel last took some of `output_`. 0: `output_` is empty.
  Instant linger_began_;
  std::list<HttpConnection*>::iterator linger_place_;  // In the server's list, while lingering.
};

}  // namespace crier::net
