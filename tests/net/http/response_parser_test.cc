#include "net/http/response_parser.h"

#include <string>

#include "tests/support/catch.h"

namespace crier::net {
namespace {

struct Read {
  ResponseParser::Progress progress = ResponseParser::Progress::more;
  int status = 0;
  std::string type;
  std::string body;
  bool keep_alive = false;
};

// Feeds the text in two pieces; `closed`: the connection ends after it.
Read read_cut(const std::string& text, std::size_t cut, bool closed) {
  ResponseParser parser;
  Read read;
  const auto keep = [&](std::string_view piece) {
    REQUIRE(parser.has_head());
    read.body.append(piece);
  };
  for (const std::string& piece : {text.substr(0, cut), text.substr(cut)}) {
    // On the heap at its exact size, so that a sanitizer detects a read beyond it.
    if (read.progress == ResponseParser::Progress::more && !piece.empty())
      read.progress = parser.consume(piece, keep);
  }
  if (closed && read.progress == ResponseParser::Progress::more) read.progress = parser.finish();
  if (parser.has_head()) {
    read.status = parser.head().status;
    read.type = parser.head().field("content-type");
  }
  if (read.progress == ResponseParser::Progress::complete) read.keep_alive = parser.keep_alive();
  return read;
}

struct Case {
  const char* name;
  const char* text;
  bool closed;
  int status;
  const char* type;
  const char* body;
  bool keep_alive;
};

TEST_CASE("a response reads the same however it is cut") {
  const auto row = GENERATE(values<Case>({
      {"with a length",
       "HTTP/1.1 202 Accepted\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello", false, 202,
       "a/b", "hello", true},
      {"chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCONTENT-TYPE:  x/y \r\n\r\n"
       "3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
       false, 200, "x/y", "abcde", true},
      {"until the end", "HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nto the end", true, 200, "x",
       "to the end", false},
      {"HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\n{}", true, 404, "", "{}", false},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", "", true},
      {"empty reason", "HTTP/1.1 503 \r\nConnection: close\r\nContent-Length: 1\r\n\r\n!", false,
       503, "", "!", false},
      {"after an interim response",
       "HTTP/1.1 103 Early Hints\r\nContent-Type: no\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       false, 200, "", "ok", true},
      {"after an interim response that claims to have a body",
       "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
       "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       false, 200, "", "ok", true},
      {"no content, whatever its length", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
       false, 204, "", "", true},
      {"not modified, whatever its length",
       "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "", "", true},
  }));
  INFO(row.name);
  const std::string text = row.text;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    INFO("cut after " << cut << " bytes");
    const Read read = read_cut(text, cut, row.closed);
    CHECK(read.progress == ResponseParser::Progress::complete);
    CHECK(read.status == row.status);
    CHECK(read.type == row.type);
    CHECK(read.body == row.body);
    CHECK(read.keep_alive == row.keep_alive);
  }
}

TEST_CASE("bytes behind a response are not part of it") {
  const Read read =
      read_cut("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 500 No\r\n", 0, false);
  CHECK(read.progress == ResponseParser::Progress::complete);
  CHECK(read.status == 200);
  CHECK(read.body == "a");
}

TEST_CASE("a connection that ends early is no whole response") {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 100 Continue\r\n\r\n", ""}) {
    INFO(text);
    CHECK(read_cut(text, 0, true).progress == ResponseParser::Progress::refused);
  }
}

TEST_CASE("a response that is not HTTP is refused with a reason") {
  for (const std::string text :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 20 4No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n", "HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: 1\r\n: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    INFO(text);
    ResponseParser parser;
    REQUIRE(parser.consume(text, {}) == ResponseParser::Progress::refused);
    CHECK_FALSE(parser.problem().empty());
    CHECK(parser.problem().find("allback") == std::string::npos);  // What llhttp says of ours.
  }
}

TEST_CASE("a head is bounded in bytes and fields") {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const auto refused = [&](const std::string& text) {
    ResponseParser parser;
    return parser.consume(start + text, {}) == ResponseParser::Progress::refused;
  };
  CHECK(refused("A: " + std::string(ResponseParser::kHeadBytesMax, 'x')));
  CHECK_FALSE(refused("A: " + std::string(ResponseParser::kHeadBytesMax / 2, 'x')));
  std::string fields;
  for (std::size_t i = 0; i < ResponseParser::kFieldsMax; ++i) fields += "A: b\r\n";
  CHECK_FALSE(refused(fields));
  CHECK(refused(fields + "A: b\r\n"));
}

}  // namespace
}  // namespace crier::net
