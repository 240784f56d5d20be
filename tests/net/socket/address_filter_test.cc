#include "net/socket/address_filter.h"

#include <netinet/in.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;
using crier::tests::FailingCall;
using crier::tests::while_failing;

TEST_CASE("an address to which nothing may be sent is named") {
  const auto filtered = [](const char* text) {
    return filtered_address(Endpoint::parse(text).value());
  };
  for (const char* open : {"127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock"}) {
    CAPTURE(open);
    CHECK(filtered(open).empty());
  }
  // As IPAddressDeny= has it; an argument that only calls with an address of IPv4 have.
  const FailingCall dropped{SYS_sendto, EPERM, sizeof(sockaddr_in), /*argument=*/5};
  std::string one;
  std::string other;
  if (!while_failing(dropped, [&] {
        one = filtered("127.0.0.1:8080");
        other = filtered("[::1]:8080");
      })) {
    return;
  }
  CHECK(one == "127.0.0.1");
  CHECK(other.empty());
}
