#include "net/socket/unix_datagram.h"

#include <cstddef>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/datagram_receiver.h"

namespace crier::net {
namespace {

TEST_CASE("addresses are paths from the root and abstract names") {
  CHECK(is_unix_address("/run/systemd/notify"));
  CHECK(is_unix_address("@notify"));
  CHECK_FALSE(is_unix_address(""));
  CHECK_FALSE(is_unix_address("notify"));
  CHECK_FALSE(is_unix_address("vsock:2:1234"));
  CHECK_FALSE(is_unix_address("/" + std::string(107, 'a')));
}

TEST_CASE("a datagram arrives while there is room, and a send without room does not wait") {
  tests::DatagramReceiver receiver;
  std::size_t sent = 0;
  DatagramSender sender(receiver.address());
  while (sender.send("READY=1")) ++sent;
  CHECK(sent > 0);
  CHECK(receiver.receive() == "READY=1");
  CHECK(sender.send("READY=1"));
  CHECK(DatagramSender("/nowhere/at/all").send("x"));
}

}  // namespace
}  // namespace crier::net
