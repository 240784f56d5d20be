// One connection of an HttpServer; internal to it.
//
// Bytes move through it like this:
//
//   read buffer ──► HeadReader ──► body ──► handler ──► answers, in order ──► output ──► kernel
//        └─ held_: bytes that arrived while the connection takes no further request
//
// The kernel reports readiness once, as an edge. The connection remembers the edge, marks itself
// for the next turn, and reads and writes in serve().
//
// The server creates it for a socket that is already in the ready set. close() takes it out of the
// server's table; the server frees it in the next turn, because its methods may still be on the
// stack. After close() it calls nothing. Belongs to the thread of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
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

  // Answers with `refusal`, takes no further request and ends the connection.
  void refuse_all(const Refusal& refusal);
  // A caller that changes the queue calls collect_answers() next.
  AnswerQueue& answers() { return answers_; }
  // Moves the bytes that may leave from the queue to the output, which is written at the end of the
  // turn.
  void collect_answers();
  // Bytes that have left the queue and that the kernel has not taken.
  std::size_t bytes_ahead() const { return output_.size() - sent_; }
  // Remembers the edges that the ready set reports, and marks the connection.
  void on_ready(const Ready& ready);
  // Reads once, or continues with held input, and writes the output. Takes at least one request
  // from the input, and more of them until the turn is over. The server calls it at most once a
  // turn, for a connection that was marked at `marked_at`.
  void serve(Instant marked_at);
  // Ends a request, an answer or an idle time that has passed its deadline.
  void check_deadlines(Instant now);
  // Leaves the table and closes the socket, without writing.
  void close();
  // Whether no request and no answer is under way.
  bool idle() const;
  Instant active_at() const { return active_at_; }  // When bytes last came or left.
  // Whether a head, or its beginning, is all that is under way.
  bool has_only_head() const;
  // The time since which the server waits for the client: the beginning of an incomplete head, or
  // the end of a whole head, or the sending of 100 Continue. Requires: has_only_head().
  Instant waited_for_since() const { return phase_ == Phase::head ? request_began_ : active_at_; }
  // The time since which the server waits for the rest of a body, or for the client to read its
  // answers, if it waits for nothing else.
  std::optional<Instant> waits_for_client_since() const;
  // Gives up its place: with `refusal` as the answer to the request whose body is incomplete, and
  // closed at once if the client does not read. Requires: waits_for_client_since().
  void make_way(const Refusal& refusal);
  uid_t user() const { return peer_.credentials.uid; }  // -1 on a TCP socket.
  // Like close(), after one write of the output.
  void flush_and_close();

 private:
  enum class Phase : std::uint8_t {
    head,
    body,
    finished,   // It takes no further request; answers are still owed.
    lingering,  // All answers are written; input is discarded until the client closes.
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
  HeadProgress collect_body(std::string_view bytes, std::size_t& used);
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
  bool readable_ = false;        // The socket may have bytes, or their end, to read.
  bool hung_up_ = false;         // The client has closed; unread bytes may come before the end.
  bool at_end_ = false;          // The end of the client's bytes was read.
  bool blocked_ = false;         // The kernel took less than all at the last write.
  bool watches_output_ = false;  // The ready set reports writable edges.
  bool in_serve_ = false;        // settle() follows and writes the output.
  bool owes_continue_ = false;   // "100 Continue" is due before the body.
  bool marked_ = false;          // The server will call serve() in the next turn.

  std::size_t discarded_bytes_ = 0;  // Bytes read away while lingering.
  Instant marked_at_;                // Given to serve().
  Instant request_began_;            // 0: no byte of a request has arrived.
  Instant active_at_;
  Instant progress_at_;  // When the kernel last took bytes of `output_`. 0: `output_` is empty.
  Instant linger_began_;
  std::list<HttpConnection*>::iterator linger_place_;  // Valid while lingering.
};

}  // namespace crier::net
