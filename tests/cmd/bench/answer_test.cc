#include "cmd/bench/answer.h"

#include <vector>

#include "cmd/bench/marker.h"
#include "tests/support/catch.h"

namespace crier::bench {
namespace {

TEST_CASE("marks are found wherever a proxy cuts the chunks and a read cuts those") {
  const Mark mark{.group = 3, .event = 0x0abcdef, .topic = 127'482};
  const std::string event = "data: " + marked_data(mark, 20) + "\n\n";
  for (std::size_t cut = 1; cut < event.size(); ++cut) {
    char size[16];
    std::string whole;
    for (const std::string& part : {event.substr(0, cut), event.substr(cut)}) {
      std::snprintf(size, sizeof size, "%zX;a=b\r\n", part.size());
      whole += size + part + "\r\n";
    }
    whole += "0\r\n\r\n";
    for (std::size_t read = 0; read <= whole.size(); ++read) {
      StreamText text(true);
      MarkScanner scanner;
      std::vector<Mark> found;
      std::string all;
      const auto feed = [&](std::string_view bytes) {
        text.feed(bytes, [&](std::string_view piece) {
          all += piece;
          scanner.feed(piece, [&](Mark one) { found.push_back(one); });
        });
      };
      feed(std::string_view(whole).substr(0, read));
      feed(std::string_view(whole).substr(read));
      INFO("chunks cut at " << cut << ", read at " << read);
      REQUIRE(all == event);
      REQUIRE(found == std::vector<Mark>{mark});
      REQUIRE(text.ended());
    }
  }
}

TEST_CASE("a stream that ends with its connection is text as it comes") {
  std::string all;
  StreamText(false).feed("5\r\na", [&](std::string_view piece) { all += piece; });
  CHECK(all == "5\r\na");
}

TEST_CASE("a success with a length is no stream") {
  CHECK(parse_answer_head("HTTP/1.1 200 OK\r\n\r\n").is_stream);
  const auto chunked = parse_answer_head("HTTP/1.1 200 OK\r\ntransfer-ENCODING: Chunked\r\n\r\n");
  CHECK((chunked.is_stream && chunked.chunked));
  CHECK_FALSE(parse_answer_head("HTTP/1.1 503 No\r\n\r\n").is_stream);
  const auto whole = parse_answer_head("HTTP/1.1 200 OK\r\nContent-Length:  12\r\n\r\n");
  CHECK_FALSE(whole.is_stream);
  CHECK(whole.body_bytes == 12);
}

TEST_CASE("a refusal is named by its status and the code or reason that came with it") {
  CHECK(refusal_reason("HTTP/1.1 404 Not Found\r\n\r\n") == "HTTP/1.1 404 Not Found");
  CHECK(refusal_reason("SSH-2.0\r\n") == "SSH-2.0");
  CHECK(
      refusal_reason("HTTP/1.1 429 Too Many\r\nA: b\r\n\r\n{\"code\":\"breaker\",\"message\":\"") ==
      "HTTP/1.1 429 Too Many, breaker");
  CHECK(refusal_reason("HTTP/1.1 200 OK\r\n\r\nevent: crier.busy\nretry: 5\n"
                       "data: {\"reason\":\"streams_max\",\"message\":\"m\"}\n\n") ==
        "HTTP/1.1 200 OK, crier.busy, streams_max");
}

}  // namespace
}  // namespace crier::bench
