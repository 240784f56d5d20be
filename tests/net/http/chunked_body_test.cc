#include "net/http/chunked_body.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

namespace crier::net {
namespace {

using namespace std::string_literals;

struct ReadChunks {
  HeadProgress progress = HeadProgress::more;
  std::size_t used = 0;
  std::string data;
  int status = 0;

  bool operator==(const ReadChunks&) const = default;
};

ReadChunks read_chunks(std::string_view bytes, std::size_t part, std::size_t data_bytes_max) {
  ReadChunks read;
  ChunkedBody body(data_bytes_max);
  while (read.used < bytes.size() && read.progress == HeadProgress::more) {
    std::size_t used = 0;
    read.progress = body.consume(bytes.substr(read.used, part), used, read.data);
    read.used += used;
  }
  if (read.progress == HeadProgress::refused) read.status = body.refusal().status;
  return read;
}

// The outcome must not depend on how the bytes are cut.
ReadChunks read_chunks(std::string_view bytes, std::size_t data_bytes_max = 1'000) {
  const ReadChunks whole = read_chunks(bytes, bytes.size(), data_bytes_max);
  for (const std::size_t part : {1U, 2U, 3U, 7U}) {
    INFO("in parts of " << part);
    CHECK(read_chunks(bytes, part, data_bytes_max) == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("chunked bodies are taken apart") {
  struct Row {
    std::string name;
    std::string bytes;
    std::string data;
  };
  const Row row = GENERATE(values<Row>({
      {"nothing", "0\r\n\r\n", ""},
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"several", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef"},
      {"digits of both cases", "a\r\n0123456789\r\nB\r\n0123456789A\r\n0\r\n\r\n",
       "01234567890123456789A"},
      {"leading zeros", "00000005\r\nhello\r\n00000000\r\n\r\n", "hello"},
      {"data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
      {"data of any bytes", "3\r\n\0\xFF\n\r\n0\r\n\r\n"s, "\0\xFF\n"s},
      {"extensions", "5;a=1;b=\"c d\"\r\nhello\r\n0;last\r\n\r\n", "hello"},
      {"extension with quoted framing", "1;a=\"\\\";\t\\\\\";b\r\nx\r\n0\r\n\r\n", "x"},
      {"trailer fields", "1\r\na\r\n0\r\nX-Sum: 7\r\nX-Empty:\r\n\r\n", "a"},
      {"trailers like framing", "1\r\na\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n",
       "a"},
      {"as much as is allowed", "3e8\r\n" + std::string(1'000, 'x') + "\r\n0\r\n\r\n",
       std::string(1'000, 'x')},
  }));
  INFO(row.name);
  const ReadChunks read = read_chunks(row.bytes + "GET /");
  CHECK(read.progress == HeadProgress::complete);
  CHECK(read.used == row.bytes.size());
  CHECK(read.data == row.data);
}

TEST_CASE("chunked bodies that two parsers could read differently are refused") {
  struct Row {
    std::string name;
    std::string bytes;
    int status = 400;
  };
  const Row row = GENERATE(values<Row>({
      {"no size", "\r\nhello\r\n0\r\n\r\n"},
      {"extension without a size", ";a\r\n\r\n"},
      {"size with a sign", "+5\r\nhello\r\n0\r\n\r\n"},
      {"negative size", "-1\r\n\r\n"},
      {"size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"},
      {"size of other letters", "5g\r\nhello\r\n0\r\n\r\n"},
      {"space before the size", " 5\r\nhello\r\n0\r\n\r\n"},
      {"space after the size", "5 \r\nhello\r\n0\r\n\r\n"},
      {"tab before an extension", "5\t;a\r\nhello\r\n0\r\n\r\n"},
      {"size of nine digits", "000000005\r\nhello\r\n0\r\n\r\n"},
      {"size of 2^64", "10000000000000000\r\n"},
      {"size ended by LF", "5\nhello\r\n0\r\n\r\n"},
      {"size ended by CR", "5\rhello\r\n0\r\n\r\n"},
      {"extension ended by LF", "5;a\nhello\r\n0\r\n\r\n"},
      {"extension ended by CR", "5;a\rbc\r\nhello\r\n0\r\n\r\n"},
      {"NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n"s},
      {"NUL in a quoted extension", "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s},
      {"semicolon without an extension", "5;\r\nhello\r\n0\r\n\r\n"},
      {"two semicolons", "5;;a\r\nhello\r\n0\r\n\r\n"},
      {"extension without a name", "5;=a\r\nhello\r\n0\r\n\r\n"},
      {"extension with a bracket", "5;[a\r\nhello\r\n0\r\n\r\n"},
      {"extension with a space", "5;a b\r\nhello\r\n0\r\n\r\n"},
      {"extension without a value", "5;a=\r\nhello\r\n0\r\n\r\n"},
      {"extension with two values", "5;a=b=c\r\nhello\r\n0\r\n\r\n"},
      {"quotation mark in a value", "5;a=b\"c\"\r\nhello\r\n0\r\n\r\n"},
      {"quotation never ended", "5;a=\"b\r\nhello\r\n0\r\n\r\n"},
      {"junk after a quotation", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"},
      {"data longer than its size", "4\r\nhello\r\n0\r\n\r\n"},
      {"data shorter than its size", "6\r\nhello\r\n0\r\n\r\n"},
      {"data ended by LF", "5\r\nhello\n0\r\n\r\n"},
      {"data ended by CR", "5\r\nhello\r0\r\n\r\n"},
      {"end without a CR", "0\r\n\n"},
      {"end with a bare CR", "0\r\n\rX"},
      {"folded trailer", "0\r\nA: b\r\n c\r\n\r\n"},
      {"trailer without a name", "0\r\n: b\r\n\r\n"},
      {"trailer without a colon", "0\r\nA\r\n\r\n"},
      {"trailer with a space before the colon", "0\r\nA : b\r\n\r\n"},
      {"trailer ended by LF", "0\r\nA: b\n\r\n"},
      {"trailer ended by CR", "0\r\nA: b\rB: c\r\n\r\n"},
      {"NUL in a trailer", "0\r\nA: \0\r\n\r\n"s},
      {"too much in one chunk", "3e9\r\n", 413},
      {"too much in all", "3e8\r\n" + std::string(1'000, 'x') + "\r\n1\r\n", 413},
      {"4 GiB", "ffffffff\r\n", 413},
      {"a long extension", "5;" + std::string(4'097, 'a'), 431},
      {"long trailers", "0\r\nA:" + std::string(4'095, 'a'), 431},
      {"many trailers",
       "0\r\n" +
           [] {
             std::string lines;
             for (int i = 0; i < 2'049; ++i) lines += "A:\r\n";
             return lines;
           }(),
       431},
  }));
  INFO(row.name);
  const ReadChunks read = read_chunks(row.bytes);
  CHECK(read.progress == HeadProgress::refused);
  CHECK(read.status == row.status);
  CHECK(read.data.size() <= 1'000);
}

TEST_CASE("a chunked body that has not ended wants more") {
  const std::string whole = "5;x=\"\\y\"\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("the first " << size << " bytes");
    CHECK(read_chunks(whole.substr(0, size)).progress == HeadProgress::more);
  }
}

}  // namespace crier::net
