// Datagrams to a Unix socket, without waiting. Of one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "net/socket/fd.h"

namespace crier::net {

// A path from the root, or `@` and a name in the abstract space; short enough for the kernel.
bool is_unix_address(std::string_view address);

// Keeps its descriptor, so that who has no more of them can still send.
class DatagramSender {
 public:
  // Nobody has to receive yet. Requires: is_unix_address(address).
  explicit DatagramSender(std::string_view address);

  // False if there was no room for it now, at the receiver or in this process. True: it was sent,
  // or there is nobody to receive it.
  bool send(std::string_view text);

 private:
  std::string address_;
  Fd fd_;
};

}  // namespace crier::net
