// Sends datagrams to a Unix socket and never waits. Belongs to one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "net/socket/fd.h"

namespace crier::net {

// Returns true for an absolute path, or `@` and a name in the abstract namespace, if it is short
// enough for the kernel.
bool is_unix_address(std::string_view address);

// Keeps its descriptor, so that a process that has run out of them can still send.
class DatagramSender {
 public:
  // The receiver need not exist yet. Requires: is_unix_address(address).
  explicit DatagramSender(std::string_view address);

  // Returns false if there is no room for it now, so that a later try may succeed. Returns true if
  // it was sent, or if there is no receiver.
  bool send(std::string_view text);

 private:
  std::string address_;
  Fd fd_;
};

}  // namespace crier::net
