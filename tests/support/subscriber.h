// A subscriber for tests: it reads when the test tells it to, and remembers its position.
//
// Throws like RawSocket, asserts nothing. Belongs to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "core/text/sse_parser.h"
#include "tests/support/raw_socket.h"

namespace crier::tests {

struct SubscriberOptions {
  std::string fields;         // Further request fields, "Name: value\r\n" each.
  std::string last_event_id;  // Sent as the header, if not empty.
  int receive_buffer = 0;     // SO_RCVBUF; small ones make the daemon's sends fall short.
  bool http_1_0 = false;
};

class Subscriber {
 public:
  // Connects and sends a GET of `target`, e.g. "/events?topic=a". Requires: `socket` is new.
  Subscriber(RawSocket socket, const std::string& target, const SubscriberOptions& options = {});

  // The answer's head; the first call reads it.
  const HttpAnswer& head();

  // The next event of any name; nothing if none came in time or the stream ended.
  std::optional<SseMessage> try_next(int wait_ms = kPatienceMs);
  // The next event; throws if there is none.
  SseMessage next(int wait_ms = kPatienceMs);
  // The next published event. Throws if there is none, or if a crier.gap came before it.
  SseMessage next_published(int wait_ms = kPatienceMs);

  // The position to resume from, and the wait before it.
  const std::string& last_event_id() const { return parser_.last_event_id(); }
  std::optional<std::uint32_t> retry_ms() const { return parser_.retry_ms(); }

  // All bytes of the stream so far, without the framing of chunks.
  const std::string& text() const { return text_; }
  // Waits until the text contains `part`; returns false if it did not in time.
  bool wait_for_text(const std::string& part, int wait_ms = kPatienceMs);

  // Waits for the regular end of the body: the last chunk, or the end of a connection that delimits
  // the body. Returns false if the stream broke otherwise or is still open.
  bool wait_for_end(int wait_ms = kPatienceMs);

  RawSocket& socket() { return socket_; }

 private:
  bool read_body(int wait_ms);
  void unchunk();

  RawSocket socket_;
  std::optional<HttpAnswer> head_;
  bool chunked_ = false;
  bool finished_ = false;  // The last chunk was read.
  std::string text_;
  std::string unparsed_;
  SseParser parser_;
  std::deque<SseMessage> messages_;
};

}  // namespace crier::tests
