#include "tests/net/http/hostile_heads.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace crier::net {
namespace {

using namespace std::string_literals;

using HostileHeads = std::vector<HostileHead>;

// A request with this first line.
std::string hostile_line(std::string first) {
  return std::move(first) + "\r\nHost: a\r\n\r\n";
}

std::string target(const std::string& text) {
  return hostile_line("GET " + text + " HTTP/1.1");
}

// A GET with a Host and these field lines, which include their line ends.
std::string with(const std::string& lines) {
  return "GET /events?topic=a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string host(const std::string& value) {
  return "GET /events?topic=a HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

std::string post(const std::string& lines) {
  return "POST /topics/a HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

std::string many_fields(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X: y\r\n";
  return lines;
}

HostileHeads request_lines() {
  return {
      {"HTTP/0.9 ended by LF", "GET /events\n", 400},
      {"HTTP/0.9 ended by CRLF", "GET /events\r\n", 400},
      {"HTTP/0.9 with a trailing space", "GET /events \r\n", 400},
      {"empty line, then LF", "\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two CRLF before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CR alone before the request", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space before the method", hostile_line(" GET / HTTP/1.1"), 400},
      {"tab after the method", hostile_line("GET\t/ HTTP/1.1"), 400},
      {"two spaces after the method", hostile_line("GET  / HTTP/1.1"), 400},
      {"two spaces before the version", hostile_line("GET /  HTTP/1.1"), 400},
      {"tab before the version", hostile_line("GET /\tHTTP/1.1"), 400},
      {"space after the version", hostile_line("GET / HTTP/1.1 "), 400},
      {"junk after the version", hostile_line("GET / HTTP/1.1 x"), 400},
      {"no target", hostile_line("GET HTTP/1.1"), 400},
      {"no method", hostile_line("/ HTTP/1.1"), 400},
      {"version HTTP/0.9", hostile_line("GET / HTTP/0.9"), 505},
      {"version HTTP/1.2", hostile_line("GET / HTTP/1.2"), 505},
      {"version HTTP/2.0", hostile_line("GET / HTTP/2.0"), 505},
      {"version HTTP/9.9", hostile_line("GET / HTTP/9.9"), 505},
      {"version HTTP/0.0", hostile_line("GET / HTTP/0.0"), 505},
      {"version without minor", hostile_line("GET / HTTP/1"), 400},
      {"version HTTP/2", hostile_line("GET / HTTP/2"), 400},
      {"version with two digits", hostile_line("GET / HTTP/1.10"), 400},
      {"version with leading zero", hostile_line("GET / HTTP/01.1"), 400},
      {"version in lower case", hostile_line("GET / http/1.1"), 400},
      {"version with a space", hostile_line("GET / HTTP/ 1.1"), 400},
      {"version with a comma", hostile_line("GET / HTTP/1,1"), 400},
      {"version with a plus", hostile_line("GET / HTTP/+1.1"), 400},
      {"version without slash", hostile_line("GET / HTTP1.1"), 400},
      {"RTSP", hostile_line("DESCRIBE / RTSP/1.0"), 501},
      {"RTSP version", hostile_line("GET / RTSP/1.0"), 400},
      {"ICE version", hostile_line("GET / ICE/1.0"), 400},
      {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"SSH banner", "SSH-2.0-x\r\n", 400},
      {"white space alone", "   \r\n\r\n", 400},
      {"SOCKS 5 greeting", "\x05\x01\x00"s, 400},
      {"PROXY protocol line",
       "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + hostile_line("GET / HTTP/1.1"), 400},
      {"NUL first", "\x00GET / HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
      {"byte order mark first", "\xEF\xBB\xBF" + hostile_line("GET / HTTP/1.1"), 400},
      {"LF after the version", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"CR alone after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
  };
}

HostileHeads methods() {
  return {
      {"method in lower case", hostile_line("get / HTTP/1.1"), 501},
      {"unknown method", hostile_line("FROB / HTTP/1.1"), 501},
      {"method of WebDAV", hostile_line("PROPFIND / HTTP/1.1"), 501},
      {"method of ICE", hostile_line("SOURCE / HTTP/1.1"), 501},
      {"known method with a tail", hostile_line("GETX / HTTP/1.1"), 501},
      {"known method cut short", hostile_line("GE / HTTP/1.1"), 501},
      {"endless method", std::string(5000, 'A'), 501},
      {"method with a control byte", hostile_line("GE\x01T / HTTP/1.1"), 400},
      {"method with NUL", hostile_line("GET\0 / HTTP/1.1"s), 400},
      {"method with 8 bits", hostile_line("G\xC8T / HTTP/1.1"), 400},
      {"method in quotes", hostile_line("\"GET\" / HTTP/1.1"), 400},
      {"CONNECT", hostile_line("CONNECT a:80 HTTP/1.1"), 405},
      {"CONNECT with a path", hostile_line("CONNECT / HTTP/1.1"), 405},
  };
}

HostileHeads targets() {
  return {
      {"target without slash", target("events"), 400},
      {"target is a query", target("?topic=a"), 400},
      {"asterisk of GET", target("*"), 400},
      {"asterisk with a tail", hostile_line("OPTIONS *x HTTP/1.1"), 400},
      {"authority form", target("a:80"), 400},
      {"other scheme", target("ftp://a/"), 400},
      {"scheme without authority", target("http:///events"), 400},
      {"absolute, other host", target("http://b/"), 400},
      {"absolute, other port", target("http://a:81/"), 400},
      {"absolute, user information", target("http://a@a/"), 400},
      {"absolute, HTTP/1.0 without Host", "GET http://a/ HTTP/1.0\r\n\r\n", 400},
      {"absolute, host hidden by a backslash", target("http://a\\@b/"), 400},
      {"fragment", target("/events#a"), 400},
      {"control byte in the target", target("/e\x01"), 400},
      {"NUL in the target", target("/e\0"s), 400},
      {"DEL in the target", target("/e\x7F"), 400},
      {"8 bits in the target", target("/caf\xC3\xA9"), 400},
      {"bare CR in the target", target("/a\rb"), 400},
      {"backslash", target("/a\\b"), 400},
      {"quotation mark", target("/a\"b"), 400},
      {"less than", target("/<script>"), 400},
      {"braces", target("/{a}"), 400},
      {"bar", target("/a|b"), 400},
      {"bar in an authority", target("http://a|b/?c"), 400},
      {"quotation mark in the query", target("/?a\"b"), 400},
      {"less than in the query", target("/?<script>"), 400},
      {"fragment after the query", target("/events?a#b"), 400},
      {"control byte in the query", target("/?a\x01"), 400},
      {"NUL in the query", target("/?a\0"s), 400},
      {"DEL in the query", target("/?a\x7F"), 400},
      {"8 bits in the query", target("/?caf\xC3\xA9"), 400},
      {"tab in the query", target("/?a\tb"), 400},
      {"bare LF in the query", target("/?a\nb"), 400},
      {"space in the query", target("/?a b"), 400},
      {"caret", target("/a^b"), 400},
      {"backtick", target("/a`b"), 400},
      {"escaped NUL", target("/events/a%00"), 400},
      {"escaped LF", target("/events/a%0a"), 400},
      {"escaped CR", target("/events/a%0D"), 400},
      {"escape without digits", target("/events/%"), 400},
      {"escape with one digit", target("/events/%4"), 400},
      {"escape with other letters", target("/events/%zz"), 400},
      {"escape of 16 bits", target("/events/%u0041"), 400},
      {"escape cut by the query", target("/events/%4?1"), 400},
      {"parent segment", target("/events/../admin"), 400},
      {"parent segment last", target("/events/.."), 400},
      {"own segment", target("/./events"), 400},
      {"parent segment escaped", target("/events/%2e%2E/admin"), 400},
      {"parent segment half escaped", target("/events/.%2e"), 400},
      {"parent segment, absolute form", target("http://a/../b"), 400},
      {"target too long", target("/" + std::string(8192, 'a')), 414},
      {"query too long", target("/?" + std::string(9000, 'a')), 414},
      {"target too long, never ended", "GET /" + std::string(8192, 'a'), 414},
  };
}

HostileHeads fields() {
  return {
      {"space before the colon", with("X-A : b\r\n"), 400},
      {"tab before the colon", with("X-A\t: b\r\n"), 400},
      {"space in a name", with("X A: b\r\n"), 400},
      {"tab in a name", with("X\tA: b\r\n"), 400},
      {"empty name", with(": b\r\n"), 400},
      {"empty name, empty value", with(":\r\n"), 400},
      {"no colon", with("X-A\r\n"), 400},
      {"folded with a space", with("X-A: b\r\n c\r\n"), 400},
      {"folded with a tab", with("X-A: b\r\n\tc\r\n"), 400},
      {"folded to nothing", with("X-A: b\r\n \r\n"), 400},
      {"first field starts with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"line of white space before the fields", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400},
      {"bare LF after a field", with("X-A: b\n"), 400},
      {"bare LF between fields", with("X-A: b\nX-B: c\r\n"), 400},
      {"bare CR between fields", with("X-A: b\rX-B: c\r\n"), 400},
      {"two CR", with("X-A: b\r\r\n"), 400},
      {"head ended by LF LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"head ended by CRLF LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"head ended by CRLF CR", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
      {"NUL in a value", with("X-A: b\0c\r\n"s), 400},
      {"NUL in a name", with("X\0A: b\r\n"s), 400},
      {"control byte in a value", with("X-A: b\x01\r\n"), 400},
      {"escape byte in a value", with("User-Agent: \x1b[2J\r\n"), 400},
      {"vertical tab before a value", with("X-A:\x0b b\r\n"), 400},
      {"DEL in a value", with("X-A: b\x7F\r\n"), 400},
      {"control byte in a name", with("X\x01: b\r\n"), 400},
      {"8 bits in a name", with("X-\xC3\xA9: b\r\n"), 400},
      {"brackets in a name", with("X[A]: b\r\n"), 400},
      {"slash in a name", with("X/A: b\r\n"), 400},
      {"quotation mark in a name", with("\"X\": b\r\n"), 400},
      {"too many fields", with(many_fields(100)), 431},
      {"head too large in a value", with("X-A: " + std::string(16 * 1024, 'b') + "\r\n"), 431},
      {"head too large in a name", with(std::string(16 * 1024, 'X') + ": b\r\n"), 431},
      {"head too large, never ended", "GET / HTTP/1.1\r\nX: " + std::string(17000, 'b'), 431},
      {"two Origins", with("Origin: http://a\r\nOrigin: http://b\r\n"), 400},
  };
}

HostileHeads hosts() {
  return {
      {"no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400},
      {"no field at all", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", with("Host: b\r\n"), 400},
      {"two equal Hosts", with("Host: a\r\n"), 400},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two Hosts in unlike case", with("hOST: a\r\n"), 400},
      {"empty Host", host(""), 400},
      {"Host of white space", host(" \t "), 400},
      {"list of Hosts", host("a, b"), 400},
      {"two names in Host", host("a b"), 400},
      {"user information in Host", host("u@a"), 400},
      {"path in Host", host("a/b"), 400},
      {"scheme in Host", host("http://a"), 400},
      {"query in Host", host("a?b"), 400},
      {"port without digits", host("a:"), 400},
      {"port not a number", host("a:x"), 400},
      {"port too large", host("a:65536"), 400},
      {"port with a sign", host("a:+80"), 400},
      {"two ports", host("a:80:80"), 400},
      {"port alone", host(":80"), 400},
      {"address without end", host("[::1"), 400},
      {"address without brackets", host("::1"), 400},
      {"empty brackets", host("[]"), 400},
      {"zone in an address", host("[fe80::1%25eth0]"), 400},
      {"tail after an address", host("[::1]x"), 400},
      {"8 bits in Host", host("caf\xC3\xA9"), 400},
      {"escape in Host", host("a%2eb"), 400},
      {"Host_ is not Host", "GET / HTTP/1.1\r\nHost_: a\r\n\r\n", 400},
      {"endless Host", host(std::string(300, 'a')), 400},
  };
}

HostileHeads framing() {
  const std::string te = "Transfer-Encoding: ";
  const std::string cl = "Content-Length: ";
  return {
      {"chunked", with(te + "chunked\r\n"), 400},
      {"chunked POST", post(te + "chunked\r\n") + "0\r\n\r\n", 405},
      {"CL.TE", post(cl + "6\r\n" + te + "chunked\r\n") + "0\r\n\r\nG", 400},
      {"TE.CL", post(te + "chunked\r\n" + cl + "3\r\n") + "1\r\nZ\r\n", 400},
      {"TE.TE", post(te + "chunked\r\n" + te + "cow\r\n"), 400},
      {"TE with CL 0", with(te + "chunked\r\n" + cl + "0\r\n"), 400},
      {"TE identity", with(te + "identity\r\n"), 400},
      {"TE empty", with("Transfer-Encoding:\r\n"), 400},
      {"TE in a list", with(te + ", chunked\r\n"), 400},
      {"TE gzip, chunked", with(te + "gzip, chunked\r\n"), 400},
      {"TE xchunked", with(te + "xchunked\r\n"), 400},
      {"TE in quotes", with(te + "\"chunked\"\r\n"), 400},
      {"TE after a tab", with("Transfer-Encoding:\tchunked\r\n"), 400},
      {"TE in capitals", with("TRANSFER-ENCODING: CHUNKED\r\n"), 400},
      {"TE in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n" + te + "chunked\r\n\r\n", 400},
      {"TE with a space before the colon", with("Transfer-Encoding : chunked\r\n"), 400},
      {"TE folded", with("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {"length of a GET", with(cl + "5\r\n") + "hello", 413},
      {"length of a POST", post(cl + "5\r\n") + "hello", 405},
      {"length of a PUT", "PUT / HTTP/1.1\r\nHost: a\r\n" + cl + "5\r\n\r\nhello", 405},
      {"length of a HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n" + cl + "5\r\n\r\nhello", 413},
      {"length of 2^63", with(cl + "9223372036854775808\r\n"), 413},
      {"length of 2^64 - 1", with(cl + "18446744073709551615\r\n"), 413},
      {"length of 2^64", with(cl + "18446744073709551616\r\n"), 413},
      {"length of 100 digits", with(cl + std::string(100, '9') + "\r\n"), 413},
      {"two lengths", with(cl + "0\r\n" + cl + "5\r\n"), 400},
      {"two equal lengths", with(cl + "0\r\n" + cl + "0\r\n"), 400},
      {"list of lengths", with(cl + "0, 0\r\n"), 400},
      {"length empty", with(cl + "\r\n"), 400},
      {"length negative", with(cl + "-1\r\n"), 400},
      {"length with a plus", with(cl + "+0\r\n"), 400},
      {"length in hexadecimal", with(cl + "0x10\r\n"), 400},
      {"length with leading zero", with(cl + "00\r\n"), 400},
      {"length with a point", with(cl + "0.0\r\n"), 400},
      {"length with an exponent", with(cl + "1e1\r\n"), 400},
      {"length with a space inside", with(cl + "1 0\r\n"), 400},
      {"length with a tab behind it", with(cl + "0\t\r\n"), 400},
      {"length with a space and a tab behind it", with(cl + "0 \t\r\n"), 400},
      {"length with letters", with(cl + "0a\r\n"), 400},
      {"length in other digits", with(cl + "\xD9\xA0\r\n"), 400},
      {"length with a space before the colon", with("Content-Length : 0\r\n"), 400},
      {"unknown expectation", with("Expect: a-pony\r\n"), 417},
      {"expectation without a body", with("Expect: 100-continue\r\n"), 417},
      {"expectation empty", with("Expect:\r\n"), 417},
  };
}

}  // namespace

HostileHeads hostile_heads() {
  HostileHeads all;
  for (HostileHeads part : {request_lines(), methods(), targets(), fields(), hosts(), framing()}) {
    std::ranges::move(part, std::back_inserter(all));
  }
  return all;
}

HostileHeads hostile_publish_heads() {
  const std::string te = "Transfer-Encoding: ";
  const std::string cl = "Content-Length: ";
  return {
      {"no length", post(""), 411},
      {"chunked GET", with(te + "chunked\r\n"), 400},
      {"chunked, and more", post(te + "gzip, chunked\r\n"), 400},
      {"chunked twice", post(te + "chunked, chunked\r\n"), 400},
      {"chunked with a parameter", post(te + "chunked;q=1\r\n"), 400},
      {"xchunked", post(te + "xchunked\r\n"), 400},
      {"chunked in quotes", post(te + "\"chunked\"\r\n"), 400},
      {"TE after a vertical tab", post(te + "\x0b" + "chunked\r\n"), 400},
      {"TE after a form feed", post(te + "\f" + "chunked\r\n"), 400},
      {"NUL after chunked", post(te + "chunked\0\r\n"s), 400},
      {"comma after chunked", post(te + "chunked,\r\n"), 400},
      {"chunked, but not last", post(te + "chunked, gzip\r\n"), 400},
      {"TE empty", post("Transfer-Encoding:\r\n"), 400},
      {"chunked and a tab", post(te + "chunked\t\r\n"), 400},
      {"chunked and a space", post(te + "chunked \r\n"), 400},
      {"TE identity", post(te + "identity\r\n"), 400},
      {"TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\n" + te + "chunked\r\n\r\n", 400},
      {"TE with CL 0", post(te + "chunked\r\n" + cl + "0\r\n"), 400},
      {"TE twice", post(te + "chunked\r\n" + te + "chunked\r\n"), 400},
      {"CL.TE", post(cl + "6\r\n" + te + "chunked\r\n"), 400},
      {"TE.CL", post(te + "chunked\r\n" + cl + "3\r\n"), 400},
      {"TE.TE", post(te + "chunked\r\n" + te + "identity\r\n"), 400},
      {"length of a GET", with(cl + "5\r\n"), 413},
      {"length of a HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 413},
      {"length of an OPTIONS", "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 413},
      {"length of eleven digits", post(cl + "12345678901\r\n"), 413},
      {"length of 2^64", post(cl + "18446744073709551616\r\n"), 413},
      {"two lengths", post(cl + "5\r\n" + cl + "6\r\n"), 400},
      {"two equal lengths", post(cl + "5\r\n" + cl + "5\r\n"), 400},
      {"list of lengths", post(cl + "5, 5\r\n"), 400},
      {"length empty", post(cl + "\r\n"), 400},
      {"length negative", post(cl + "-5\r\n"), 400},
      {"length with a plus", post(cl + "+5\r\n"), 400},
      {"length in hexadecimal", post(cl + "0x5\r\n"), 400},
      {"length in octal", post(cl + "05\r\n"), 400},
      {"length in octal with a letter", post(cl + "0o5\r\n"), 400},
      {"length with an underscore", post(cl + "1_0\r\n"), 400},
      {"length of minus zero", post(cl + "-0\r\n"), 400},
      {"unknown expectation", post(cl + "5\r\nExpect: 200-ok\r\n"), 417},
      {"two expectations", post(cl + "5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"), 400},
      {"expectation without a body", post(cl + "0\r\nExpect: 100-continue\r\n"), 417},
      {"two content types", post(cl + "5\r\nContent-Type: a/b\r\nContent-Type: a/c\r\n"), 400},
      {"two keys", post(cl + "5\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400},
  };
}

}  // namespace crier::net
