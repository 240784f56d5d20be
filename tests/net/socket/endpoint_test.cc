#include "net/socket/endpoint.h"

#include <netinet/in.h>

#include <string>

#include "tests/support/catch.h"

using crier::Errc;
using crier::net::Endpoint;

namespace {

struct Spelling {
  const char* text;
  Endpoint::Family family;
  std::uint16_t port;
  const char* printed;
};

}  // namespace

TEST_CASE("an endpoint is read and printed") {
  const auto [text, family, port, printed] = GENERATE(values<Spelling>({
      {"127.0.0.1:8080", Endpoint::Family::ipv4, 8080, "127.0.0.1:8080"},
      {"0.0.0.0:0", Endpoint::Family::ipv4, 0, "0.0.0.0:0"},
      {"[::1]:8080", Endpoint::Family::ipv6, 8080, "[::1]:8080"},
      {"[::]:80", Endpoint::Family::ipv6, 80, "[::]:80"},
      {"[2001:DB8::0:1]:65535", Endpoint::Family::ipv6, 65535, "[2001:db8::1]:65535"},
      {"*:8080", Endpoint::Family::any, 8080, "*:8080"},
      {":8080", Endpoint::Family::any, 8080, "*:8080"},
      {"unix:/run/crier/admin.sock", Endpoint::Family::unix_socket, 0,
       "unix:/run/crier/admin.sock"},
  }));
  INFO(text);
  const auto endpoint = Endpoint::parse(text);
  REQUIRE(endpoint);
  CHECK(endpoint->family == family);
  CHECK(endpoint->port == port);
  CHECK(endpoint->text() == printed);
  CHECK(Endpoint::parse(endpoint->text()) == *endpoint);
}

TEST_CASE("text that is not an endpoint is refused and quoted") {
  const std::string text = GENERATE(
      "", "8080", "localhost:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
      "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 80", "127.0.0.1:080808", "127.1:80",
      "127.0.0.256:80", "::1:8080", "[::1]", "[::1:8080", "[]:80", "[127.0.0.1]:80",
      "[fe80::1%lo]:80", "unix:", "unix:run/x", "tcp://127.0.0.1:80", "[1:2:3:4:5:6:7:8:9]:1");
  INFO(text);
  const auto endpoint = Endpoint::parse(text);
  REQUIRE_FALSE(endpoint);
  CHECK(endpoint.error().code == Errc::invalid_config);
  CHECK(endpoint.error().detail.find('"' + text + '"') == 0);
}

TEST_CASE("a path is as long as a socket address has room for") {
  const std::string longest = "/" + std::string(106, 'x');
  const auto fits = Endpoint::parse("unix:" + longest);
  REQUIRE(fits);
  CHECK(socket_address(*fits).storage.ss_family == AF_UNIX);
  CHECK_FALSE(Endpoint::parse("unix:" + longest + "x"));
  CHECK_FALSE(Endpoint::parse(std::string_view("unix:/a\0b", 9)));
}

TEST_CASE("the address the kernel is given is the one that was written") {
  const auto v4 = socket_address(*Endpoint::parse("127.0.0.9:4660"));
  const auto* in = reinterpret_cast<const sockaddr_in*>(v4.get());
  CHECK(in->sin_family == AF_INET);
  CHECK(in->sin_port == htons(4660));
  CHECK(in->sin_addr.s_addr == htonl(0x7f000009));

  const auto any = socket_address(*Endpoint::parse(":7"));
  CHECK(any.storage.ss_family == AF_INET6);
  CHECK(any.size == sizeof(sockaddr_in6));
}
