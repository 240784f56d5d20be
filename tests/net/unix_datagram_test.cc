#include "net/unix_datagram.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "net/fd.h"
#include "tests/support/catch.h"

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

TEST_CASE("a datagram arrives while there is room, and nobody waits when there is none") {
  const std::string name = "crier-datagram-test-" + std::to_string(::getpid());
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  REQUIRE(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);

  std::size_t sent = 0;
  DatagramSender sender("@" + name);
  while (sender.send("READY=1")) ++sent;
  CHECK(sent > 0);
  char text[16];
  CHECK(::recv(receiver.get(), text, sizeof(text), 0) == 7);
  CHECK(sender.send("READY=1"));
  CHECK(DatagramSender("/nowhere/at/all").send("x"));
}

}  // namespace
}  // namespace crier::net
