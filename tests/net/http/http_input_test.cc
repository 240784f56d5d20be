// How a server reads what its clients send.
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string_view>

#include "tests/net/http/http_server_support.h"

using namespace crier::net;
using namespace crier::net::http_test;

namespace {

// Sends the bytes, and with them a descriptor.
void send_with_descriptor(int to, std::string_view bytes, int descriptor) {
  iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  REQUIRE(::sendmsg(to, &message, 0) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("bytes behind a descriptor that was sent along are read at once") {
  Served served;
  Client client(served.loop, served.path);
  served.loop.settle();
  const std::string request = post("/a", "hello");
  const std::string_view text = request;
  send_with_descriptor(client.fd(), text.substr(0, 20), client.fd());  // A read ends here.
  REQUIRE(client.send(text.substr(20)));
  CHECK(client.receive(answer_to("/a", "hello").size(), 100) == answer_to("/a", "hello"));
}
