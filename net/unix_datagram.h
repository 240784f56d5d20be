// Datagrams to a Unix socket, without waiting. Any thread.
#pragma once

#include <string_view>

namespace crier::net {

// A path from the root, or `@` and a name in the abstract space; short enough for the kernel.
bool is_unix_address(std::string_view address);

// False if there was no room for it now, at the receiver or in this process. True: it was sent, or
// there is nobody to receive it. Requires: is_unix_address(address).
bool send_datagram(std::string_view address, std::string_view text);

}  // namespace crier::net
