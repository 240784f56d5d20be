// One connection of an HttpServer; internal to it.
//
// Bytes move through it like this:
//
//   read buffer ──► HeadReader ──► body ──► handler ──► answers, in order ──► output ──► writing
//   ──► kernel
//        └─ held_: what arrived while no further request may be taken
//
// Life: made by adopt(), leaves the server's table in close(), frees itself when libuv has let go
// of the stream. Between the two it calls nobody.
#pragma once

#include <uv.h>

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

namespace crier::net {

class HttpServer;

class HttpConnection {
 public:
  // Takes `fd`, whatever comes of it. Returns nullptr if libuv cannot use it.
  static HttpConnection* adopt(HttpServer& server, std::uint32_t index, std::uint32_t generation,
                               int fd, const HttpPeer& peer);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Serves no request: answers with `refusal` and ends.
  void refuse_all(const Refusal& refusal);
  // Call collect_answers() after a change: it moves the answers whose turn it is to the output,
  // which leaves at the end of the turn.
  AnswerQueue& answers() { return answers_; }
  void collect_answers();
  // Bytes of answers that have left the queue, but are not the kernel's yet.
  std::size_t bytes_ahead() const { return output_.size() + writing_.size(); }
  // Goes on with held input and writes what has gathered. Once a turn, after being marked.
  void serve();
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

  HttpConnection(HttpServer& server, std::uint32_t index, std::uint32_t generation,
                 const HttpPeer& peer);
  ~HttpConnection() = default;

  void start_reading();
  void stop_reading();
  void on_read(ssize_t size, const char* bytes);
  void on_end(ssize_t status);
  void on_written(int status);

  void take_input(std::string_view bytes);
  std::size_t take(std::string_view bytes);
  std::size_t take_head(std::string_view bytes);
  std::size_t begin_body(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  void dispatch(std::string_view body);
  void refuse(const Refusal& refusal);
  void refuse_late();
  bool may_take_request() const;

  void tell_writers();
  void abandon();
  int fd() const;
  void mark();
  void flush();
  void settle();
  void linger();
  bool nothing_owed() const;

  HttpServer* server_;
  std::uint32_t index_;
  std::uint32_t generation_;
  HttpPeer peer_;
  union {
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
  } uv_{};
  uv_write_t write_{};

  HeadReader reader_;
  ChunkedBody chunks_;
  std::string body_;
  std::string held_;
  std::string output_;
  std::string writing_;  // Belongs to libuv until on_written().
  AnswerQueue answers_;

  Phase phase_ = Phase::head;
  bool closed_ = false;
  bool reading_ = false;
  bool in_serve_ = false;  // Whoever set it flushes at the end.
  bool at_end_ = false;    // The client sends nothing more.
  bool owes_continue_ = false;
  bool marked_ = false;  // The server will call serve() next turn.

  std::size_t discarded_bytes_ = 0;
  std::size_t queue_seen_ = 0;  // Bytes libuv still had to write at the last look.
  Instant request_began_;       // 0: no request is on its way.
  Instant active_at_;
  Instant progress_at_;  // When `writing_` last became less.
  Instant linger_began_;
  std::list<HttpConnection*>::iterator linger_place_;  // In the server's list, while lingering.
};

}  // namespace crier::net
