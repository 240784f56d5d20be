// Sends bytes to an HttpServer over a socket: whole, cut into pieces, and from a client that leaves
// in the middle.
//
// The first three bytes choose how. The rest is sent as it is or, if they say so, as the bodies of
// well-formed requests, separated by NUL. For any bytes: the server hands its handler the requests
// and refusals that the readers of heads and bodies find one after the other, so no byte of a body
// is read as a head. It answers each once and in this order, and has the handler answer at most
// `pipelined_max` at a time. Neither the cuts nor the time of an answer changes the result. The
// server forgets a client that leaves.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/frame.h"
#include "net/http/chunked_body.h"
#include "net/http/head_reader.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/socket/fd.h"

namespace {

using namespace crier::net;

constexpr HttpServerOptions kOptions{
    .head = {.head_bytes_max = 600, .target_bytes_max = 100, .fields_max = 8, .bodies = true},
    .body_bytes_max = 1'000,
    .pipelined_max = 3};
constexpr std::size_t kPiecesMax = 16;
constexpr std::size_t kBodiesMax = 32;
constexpr int kTurnsMax = 100'000;  // Far more than anything takes: a server that hangs.

// Requests, and the status of a refusal that ends them.
using Seen = std::vector<std::string>;

std::string text_of(const Request& head, std::string_view body) {
  std::string text(head.method_text);
  text.append(" ").append(head.path).append("?").append(head.query).append("\n").append(body);
  return text;
}

// What is in the bytes for a server that reads them one after the other.
Seen read_in_turn(std::string_view bytes) {
  Seen seen;
  HeadReader reader(kOptions.head);
  for (bool goes_on = true; goes_on && !bytes.empty(); reader.reset()) {
    std::size_t used = 0;
    const HeadProgress head = reader.consume(bytes, used);
    bytes.remove_prefix(used);
    if (head == HeadProgress::refused) seen.push_back(std::to_string(reader.refusal().status));
    if (head != HeadProgress::complete) break;
    const Request& request = reader.request();
    std::string body;
    if (request.chunked) {
      ChunkedBody chunks(kOptions.body_bytes_max);
      const HeadProgress end = chunks.consume(bytes, used, body);
      if (end == HeadProgress::refused) seen.push_back(std::to_string(chunks.refusal().status));
      if (end != HeadProgress::complete) break;
    } else {
      if (request.content_length > kOptions.body_bytes_max) seen.push_back("413");
      if (request.content_length > std::min(kOptions.body_bytes_max, bytes.size())) break;
      used = static_cast<std::size_t>(request.content_length);
      body = bytes.substr(0, used);
    }
    bytes.remove_prefix(used);
    seen.push_back(text_of(request, body));
    goes_on = request.keep_alive;
  }
  return seen;
}

class Handler : public HttpHandler {
 public:
  void on_http_request(const HttpRequest& request, Responder responder) override {
    seen.push_back(text_of(request.head, request.body));
    if (later) {
      waiting.emplace_back(responder, next_answer());
      CRIER_CHECK(waiting.size() <= kOptions.pipelined_max);
    } else {
      responder.reply(next_answer(), false);
    }
  }
  std::string on_http_refused(const Refusal& refusal, const HttpPeer&) override {
    seen.push_back(std::to_string(refusal.status));
    return next_answer();
  }
  // The newest request is answered first.
  void answer_one() {
    if (waiting.empty()) return;
    waiting.back().first.reply(std::move(waiting.back().second), false);
    waiting.pop_back();
  }

  Seen seen;
  bool later = false;
  std::vector<std::pair<Responder, std::string>> waiting;

 private:
  std::string next_answer() const { return "<" + std::to_string(seen.size()) + ">"; }
};

// One server for all inputs, as a daemon has one for all its clients.
struct Served {
  Served() {
    address.sun_family = AF_UNIX;
    listener.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    // Without a path the kernel chooses an abstract address.
    CRIER_CHECK(::bind(listener.get(), generic(), sizeof(sa_family_t)) == 0);
    CRIER_CHECK(::getsockname(listener.get(), generic(), &address_size) == 0);
    CRIER_CHECK(::listen(listener.get(), 8) == 0);
    CRIER_CHECK(server.listen(listener.get()).has_value());
  }
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address); }

  Loop loop;
  Handler handler;
  HttpServer server{loop, handler, kOptions};
  Fd listener;
  sockaddr_un address{};
  socklen_t address_size = sizeof(address);
};

Served& served() {
  static Served& one = *new Served;
  return one;
}

class Client {
 public:
  explicit Client(bool answers_later) {
    served().handler.seen.clear();
    served().handler.later = answers_later;
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CRIER_CHECK(::connect(socket_.get(), served().generic(), served().address_size) == 0);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;  // The server takes no more.
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      turn();
    }
  }
  void turn() {
    served().loop.settle();
    if (++turns_ % 4 == 0) served().handler.answer_one();
    CRIER_CHECK(turns_ < kTurnsMax);
  }
  // Sends no more, and returns all answers.
  std::string finish() {
    ::shutdown(socket_.get(), SHUT_WR);
    std::string answers;
    std::array<char, 4'096> room;
    for (ssize_t got = -1; got != 0;) {
      turn();
      got = ::recv(socket_.get(), room.data(), room.size(), 0);
      CRIER_CHECK(got >= 0 || errno == EAGAIN);
      if (got > 0) answers.append(room.data(), static_cast<std::size_t>(got));
    }
    leave();
    return answers;
  }
  void leave() {
    socket_.reset();
    while (served().server.connections() > 0) turn();
    while (!served().handler.waiting.empty()) served().handler.answer_one();
  }

 private:
  Fd socket_;
  int turns_ = 0;
};

void check_answers(std::string answers, std::size_t count) {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  for (std::size_t at; (at = answers.find(kContinue)) != std::string::npos;) {
    answers.erase(at, kContinue.size());
  }
  std::string expected;
  for (std::size_t i = 1; i <= count; ++i) expected += "<" + std::to_string(i) + ">";
  CRIER_CHECK(answers == expected);
}

void check_sent(std::string_view bytes, std::size_t piece, bool later, const Seen& expected) {
  Client client(later);
  while (!bytes.empty()) {
    const std::string_view sent = bytes.substr(0, piece);
    client.send(sent);
    bytes.remove_prefix(sent.size());
  }
  check_answers(client.finish(), served().handler.seen.size());
  CRIER_CHECK(served().handler.seen == expected);
}

void check_left(std::string_view bytes, unsigned turns, bool later, const Seen& expected) {
  Client client(later);
  client.send(bytes);
  for (unsigned i = 0; i < turns; ++i) client.turn();
  client.leave();
  const Seen& seen = served().handler.seen;
  CRIER_CHECK(seen.size() <= expected.size());
  CRIER_CHECK(std::equal(seen.begin(), seen.end(), expected.begin()));
}

// Appends a request with this body, every second one in chunks.
void append_request(std::string& bytes, std::string_view body, std::size_t number,
                    std::size_t chunk_bytes) {
  bytes += "POST /" + std::to_string(number) + " HTTP/1.1\r\nHost: x\r\n";
  if (number % 2 == 0) {
    bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    bytes += body;
    return;
  }
  bytes += "Transfer-Encoding: chunked\r\n\r\n";
  for (; !body.empty(); body.remove_prefix(std::min(chunk_bytes, body.size()))) {
    crier::append_chunk(bytes, body.substr(0, chunk_bytes));
  }
  bytes += crier::kLastChunk;
}

std::string requests_with_bodies(std::string_view text, std::size_t chunk_bytes) {
  std::string bytes;
  Seen expected;
  for (std::size_t number = 0; number < kBodiesMax && !text.empty(); ++number) {
    const std::string_view body = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(body.size() + 1, text.size()));
    append_request(bytes, body, number, chunk_bytes);
    if (!expected.empty() && expected.back() == "413") continue;
    const bool fits = body.size() <= kOptions.body_bytes_max;
    expected.push_back(fits ? "POST /" + std::to_string(number) + "?\n" + std::string(body)
                            : "413");
  }
  CRIER_CHECK(read_in_turn(bytes) == expected);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const bool as_bodies = (data[0] & 1U) != 0;
  const bool later = (data[0] & 2U) != 0;
  const unsigned turns_before_leaving = data[0] >> 2U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::string bytes =
      as_bodies ? requests_with_bodies(text, 1U + data[1] % 32U) : std::string(text);

  const Seen expected = read_in_turn(bytes);
  check_sent(bytes, bytes.size(), false, expected);
  check_sent(bytes, std::max<std::size_t>(1U + data[1], bytes.size() / kPiecesMax), later,
             expected);
  const std::string_view part(bytes.data(), bytes.size() * data[2] / 256);
  check_left(part, turns_before_leaving, later, read_in_turn(part));
  return 0;
}
