// Reads the PROXY protocol, versions 1 and 2: the bytes with which a proxy begins a connection to
// name the client it connects for (HAProxy's proxy-protocol.txt).
//
//   PROXY TCP4 203.0.113.7 10.0.0.1 50312 8080\r\n      version 1, a line of at most 107 bytes
//   \r\n\r\n\0\r\nQUIT\n  version, family, length …      version 2, at most 536 bytes here
//
// The header names no client, and the peer's own address counts, in these cases: UNKNOWN; LOCAL,
// with which a proxy checks a server's health; an address of a Unix socket, of datagrams or of no
// family. Options (TLVs) are skipped. What the specification tells receivers to drop is malformed.
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/socket/peer_address.h"

namespace crier::net {

inline constexpr std::size_t kProxyHeaderBytesMax = 536;

struct ProxyHeader {
  enum class Progress : std::uint8_t {
    more,       // The bytes are the beginning of a header.
    complete,   // They begin with a header.
    absent,     // They are something else.
    malformed,  // They begin like a header.
  };
  Progress progress = Progress::more;
  std::size_t size = 0;               // complete: the number of bytes that it takes.
  std::optional<PeerAddress> client;  // complete: whom it names, if anyone.
};

// Reads the header with which a connection begins. `bytes` is everything from its first byte on. An
// outcome other than `more` stays the same however many bytes follow, and comes at the latest with
// kProxyHeaderBytesMax bytes.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace crier::net
