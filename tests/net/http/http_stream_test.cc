// Answers that are written piece by piece.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

namespace {

std::string head_with(const std::string& fields) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + fields + "\r\n";
}

const std::string kChunkedHead =
    head_with("Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n");

// Answers "/s…" with a stream, anything else with ScriptedHandler's answer.
struct Streaming {
  explicit Streaming(const HttpServerOptions& options = {}) : served(options) {
    served.handler.on_request = [this](const HttpRequest& request, Responder responder) {
      if (!request.head.path.starts_with("/s")) {
        return responder.reply(answer_to(request.head.path), false);
      }
      streams.push_back(responder.stream(head_with(""), [this, held = witness] {
        ++changes;
        if (on_change) on_change();
      }));
    };
  }

  bool turn_until_streams(std::size_t count) {
    return turn_until(served.loop, [&] { return streams.size() == count; });
  }
  // Whether the server has freed every on_change.
  bool released() const { return witness.use_count() == 1; }

  std::shared_ptr<int> witness = std::make_shared<int>();
  int changes = 0;
  std::function<void()> on_change;
  std::vector<AnswerStream> streams;
  Served served;
};

// Writes pieces of `size` bytes until one is refused; returns the bytes taken.
std::string fill(Streaming& from, const AnswerStream& stream, std::size_t size) {
  std::string all;
  for (int i = 0;; ++i) {
    const std::string piece(size, static_cast<char>('a' + i % 26));
    if (!stream.write(piece)) return all;
    all += piece;
    from.served.loop.settle();
  }
}

// The text of a chunked body, up to its end or to the last complete chunk.
std::string dechunk(std::string_view body) {
  std::string text;
  while (!body.empty()) {
    const std::size_t end = body.find("\r\n");
    REQUIRE(end != std::string_view::npos);
    const std::size_t size = std::stoul(std::string(body.substr(0, end)), nullptr, 16);
    text += body.substr(end + 2, size);
    if (size == 0) return text;
    REQUIRE(body.substr(end + 2 + size, 2) == "\r\n");
    body.remove_prefix(end + 2 + size + 2);
  }
  return text;
}

}  // namespace

TEST_CASE("a streamed answer is framed as the client's version asks") {
  struct Case {
    const char* name;
    std::string request;
    std::string answer;
    bool kept;
  };
  const auto [name, request, answer, kept] = GENERATE(values<Case>({
      {"chunked", get("/s"), kChunkedHead + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", true},
      {"chunked, the last", get("/s", "Connection: close\r\n"),
       head_with("Transfer-Encoding: chunked\r\nConnection: close\r\n") +
           "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
       false},
      {"HTTP/1.0", "GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
       head_with("Connection: close\r\n") + "onetwo", false},
      {"HEAD", "HEAD /s HTTP/1.1\r\nHost: x\r\n\r\n", kChunkedHead, true},
  }));
  INFO(name);
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(request + (kept ? get("/next") : "")));
  REQUIRE(streaming.turn_until_streams(1));
  CHECK(client.receive(1) == answer.substr(0, answer.find("\r\n\r\n") + 4));
  const AnswerStream stream = streaming.streams[0];
  CHECK(stream.write("one"));
  CHECK(stream.write(""));  // An empty piece does not end the answer.
  CHECK(stream.write("two"));
  turn_for(streaming.served.loop, 20);
  CHECK(stream.wanted());
  stream.end();
  CHECK_FALSE(stream.wanted());
  CHECK(streaming.released());
  const std::string expected = answer + (kept ? answer_to("/next") : "");
  CHECK((kept ? client.receive(expected.size()) : client.receive_all()) == expected);
  CHECK(streaming.changes == 0);
}

TEST_CASE("streamed answers leave in the order of the requests") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s1") + get("/a") + get("/s2") + get("/s3")));
  REQUIRE(streaming.turn_until_streams(3));
  const std::vector<AnswerStream>& streams = streaming.streams;
  CHECK(streams[2].write("3"));
  streams[2].end();
  CHECK(streams[1].write("2"));
  CHECK(streams[0].write("1"));
  std::string expected = kChunkedHead + "1\r\n1\r\n";
  CHECK(client.receive(expected.size()) == expected);
  turn_for(streaming.served.loop, 20);
  CHECK(client.receive(1) == expected);
  streams[0].end();
  expected += "0\r\n\r\n" + answer_to("/a") + kChunkedHead + "1\r\n2\r\n";
  CHECK(client.receive(expected.size()) == expected);
  streams[1].end();
  expected += "0\r\n\r\n" + kChunkedHead + "1\r\n3\r\n0\r\n\r\n";
  CHECK(client.receive(expected.size()) == expected);
}

TEST_CASE("a client that does not read bounds the bytes that wait, and room is announced") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s")));
  REQUIRE(streaming.turn_until_streams(1));
  const AnswerStream stream = streaming.streams[0];
  std::string sent = fill(streaming, stream, 5'000);
  CHECK(sent.size() < (std::size_t{4} << 20));  // Bounded by the kernel's buffer and ours.
  CHECK(sent.size() > kStreamedBytesMax / 2);
  turn_for(streaming.served.loop, 20);
  CHECK_FALSE(stream.write(std::string(kStreamPieceMax, 'x')));
  CHECK(streaming.changes == 0);

  bool fits = false;
  streaming.on_change = [&] {
    fits = stream.write(std::string(kStreamPieceMax, 'z'));
    stream.end();
  };
  client.receive(kChunkedHead.size() + sent.size());
  REQUIRE(turn_until(streaming.served.loop, [&] { return streaming.changes == 1; }));
  CHECK(fits);
  sent += std::string(kStreamPieceMax, 'z');
  REQUIRE(turn_until(streaming.served.loop, [&] {
    return client.receive(std::string::npos, 1).ends_with("\r\n0\r\n\r\n");
  }));
  CHECK(dechunk(std::string_view(client.receive(1)).substr(kChunkedHead.size())) == sent);
  CHECK(streaming.changes == 1);
}

TEST_CASE("a writer sees how many bytes wait, those of earlier answers included") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s1") + get("/s2")));
  REQUIRE(streaming.turn_until_streams(2));
  const AnswerStream first = streaming.streams[0];
  const AnswerStream second = streaming.streams[1];
  client.receive(kChunkedHead.size());
  CHECK(first.waiting() == 0);
  const std::size_t head = second.waiting();  // It waits for the end of the first answer.
  CHECK(head == kChunkedHead.size());
  const std::string sent = fill(streaming, first, 1'000);
  CHECK(first.waiting() > kStreamedBytesMax - 2'000);
  CHECK(second.waiting() == first.waiting() + head);
  REQUIRE(turn_until(streaming.served.loop, [&] {
    client.receive(std::string::npos, 1);
    return first.waiting() == 0;
  }));
  client.leave();
  REQUIRE(turn_until(streaming.served.loop, [&] { return !second.wanted(); }));
  CHECK(second.waiting() == 0);
}

TEST_CASE("a smaller piece that fits does not take back that a larger one waits for room") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s")));
  REQUIRE(streaming.turn_until_streams(1));
  const AnswerStream stream = streaming.streams[0];
  const std::string sent = fill(streaming, stream, kStreamPieceMax);
  CHECK(stream.write("small"));
  CHECK(streaming.changes == 0);
  client.receive(kChunkedHead.size() + sent.size());
  CHECK(turn_until(streaming.served.loop, [&] { return streaming.changes == 1; }));
}

TEST_CASE("an answer behind another is bounded, too, and its writer told when its turn comes") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s1") + get("/s2")));
  REQUIRE(streaming.turn_until_streams(2));
  const std::string sent = fill(streaming, streaming.streams[1], 1'000);
  CHECK(sent.size() <= kStreamedBytesMax);
  CHECK(sent.size() > kStreamedBytesMax - 2'000);
  turn_for(streaming.served.loop, 20);
  CHECK(streaming.changes == 0);
  streaming.streams[0].end();
  client.receive(2 * kChunkedHead.size() + sent.size());
  CHECK(turn_until(streaming.served.loop, [&] { return streaming.changes == 1; }));
}

TEST_CASE("a writer is told once that its answer is no longer wanted") {
  Streaming streaming;
  std::optional<Client> client(std::in_place, streaming.served.loop, streaming.served.path);
  const bool full = GENERATE(false, true);
  INFO("with bytes waiting: " << full);
  SECTION("the client leaves") {
    REQUIRE(client->send(get("/s")));
    REQUIRE(streaming.turn_until_streams(1));
    if (full) fill(streaming, streaming.streams[0], 5'000);
    client->leave();
    CHECK(streaming.served.turn_until_connections(0));
    CHECK(streaming.served.server->counters().abandoned.read() == 1);
  }
  SECTION("the client left before the answer began") {
    streaming.served.handler.later = true;
    streaming.served.handler.on_request = nullptr;
    REQUIRE(client->send(get("/s")));
    REQUIRE(turn_until(streaming.served.loop,
                       [&] { return streaming.served.handler.pending.size() == 1; }));
    client->leave();
    CHECK(streaming.served.turn_until_connections(0));
    const Responder responder = streaming.served.handler.pending[0].responder;
    streaming.streams.push_back(responder.stream(
        head_with(""), [&streaming, held = streaming.witness] { ++streaming.changes; }));
  }
  SECTION("the answer before it ended the connection") {
    streaming.served.handler.on_request = [&, begin = streaming.served.handler.on_request](
                                              const HttpRequest& request, Responder responder) {
      if (request.head.path == "/first") {
        streaming.served.handler.pending.push_back({"/first", responder});
      } else {
        begin(request, responder);
      }
    };
    REQUIRE(client->send(get("/first") + get("/s")));
    REQUIRE(streaming.turn_until_streams(1));
    if (full) fill(streaming, streaming.streams[0], 5'000);
    streaming.served.handler.pending[0].responder.reply(answer_to("/first"), true);
    CHECK(client->receive_all() == answer_to("/first"));
  }
  SECTION("the server closes") {
    REQUIRE(client->send(get("/s")));
    REQUIRE(streaming.turn_until_streams(1));
    if (full) fill(streaming, streaming.streams[0], 5'000);
    streaming.served.server->close();
    CHECK(streaming.changes == 1);
  }
  SECTION("the server closes, and the writer closes it again") {
    REQUIRE(client->send(get("/s") + get("/s")));
    REQUIRE(streaming.turn_until_streams(2));
    streaming.on_change = [&] {
      streaming.served.server->close();
      --streaming.changes;
    };
    ++streaming.changes;
    client->leave();
    CHECK(streaming.served.turn_until_connections(0));
  }
  CHECK(turn_until(streaming.served.loop, [&] { return streaming.changes == 1; }));
  const AnswerStream stream = streaming.streams[0];
  CHECK_FALSE(stream.wanted());
  CHECK_FALSE(stream.write("more"));
  stream.end();
  turn_for(streaming.served.loop, 20);
  CHECK(streaming.changes == 1);
}

TEST_CASE("what a writer captured is freed when its answer ends") {
  Streaming streaming;
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s") + get("/s")));
  REQUIRE(streaming.turn_until_streams(2));
  CHECK_FALSE(streaming.released());
  streaming.streams[0].end();
  CHECK_FALSE(streaming.released());
  client.leave();
  CHECK(streaming.served.turn_until_connections(0));
  CHECK(turn_until(streaming.served.loop, [&] { return streaming.released(); }));
  CHECK(streaming.changes == 1);
}

TEST_CASE("a client that never reads its streamed answer is cut off") {
  Streaming streaming({.request_seconds_max = 1, .answer_seconds_max = 1});
  Client client(streaming.served.loop, streaming.served.path);
  REQUIRE(client.send(get("/s")));
  REQUIRE(streaming.turn_until_streams(1));
  turn_for(streaming.served.loop, 1'400);  // An answer that has begun is not late.
  CHECK(streaming.streams[0].wanted());
  fill(streaming, streaming.streams[0], 5'000);
  CHECK(streaming.served.turn_until_connections(0));
  CHECK(streaming.served.server->counters().stalled.read() == 1);
  CHECK(turn_until(streaming.served.loop, [&] { return streaming.changes == 1; }));
}
