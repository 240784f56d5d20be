#include "cmd/daemon/ready_lines.h"

#include <string>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct ListenCase {
  std::string listen;
  std::string connect;
};

TEST_CASE("the line to subscribe names an address that a client can connect to") {
  const auto row = GENERATE(values<ListenCase>({
      {"127.0.0.1:8080", "127.0.0.1:8080"},
      {"192.0.2.7:80", "192.0.2.7:80"},
      {"0.0.0.0:8080", "127.0.0.1:8080"},
      {"*:8080", "127.0.0.1:8080"},
      {":8080", "127.0.0.1:8080"},
      {"[::]:8080", "[::1]:8080"},
      {"[2001:db8::1]:80", "[2001:db8::1]:80"},
  }));
  INFO(row.listen);
  const auto endpoint = net::Endpoint::parse(row.listen);
  REQUIRE(endpoint.has_value());
  CHECK(subscribe_line(*endpoint) == "curl -N 'http://" + row.connect + "/events?topic=demo'");
}

TEST_CASE("the line to publish can be pasted whatever the path") {
  CHECK(publish_line("/run/crier/publish.sock") ==
        "curl --unix-socket /run/crier/publish.sock -d 'hello' http://crier/topics/demo");
  CHECK(publish_line("/home/a b/$x.sock") ==
        "curl --unix-socket '/home/a b/$x.sock' -d 'hello' http://crier/topics/demo");
}

}  // namespace
}  // namespace crier::cmd
