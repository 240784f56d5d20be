// Finds the address of a client that is behind proxies, from X-Forwarded-For or Forwarded
// (RFC 7239).
//
// Each proxy appends the address of the peer that asked it. So the lines of the header are read
// as one list from the right, and each entry names the hop before: while a hop is a trusted proxy,
// the next entry counts. The first hop that is not trusted is the client. The entries to the left
// of it are the client's own words, and are not read.
//
//   peer 10.0.0.2   X-Forwarded-For: 192.0.2.9, 203.0.113.7, 10.0.0.1
//                                               ^ the client, if 10.0.0.0/8 is trusted
//
// Where RFC 7239 says nothing, or proxies differ:
//   - A peer that is not trusted is the client, whatever the header says.
//   - An entry that is no address ends the walk, and the hop found before is the client: `unknown`,
//     `_hidden`, a name, `unix:`, an element of Forwarded with no `for`, or with two.
//   - If all entries are trusted, the left-most one is the client.
//   - Empty entries are skipped (RFC 9110 5.6.1.2).
//   - An address may have a port, and IPv6 may have brackets. A port of IPv6 needs the brackets. A
//     port of Forwarded may be obfuscated; it is then unknown.
//   - A `for` of Forwarded may be quoted or not, because proxies leave quotes out. An escape in it
//     makes it no address.
//   - X-Forwarded-For has no quoted strings. A quoted string of Forwarded is found from its end, so
//     that a client which sends an opening quote cannot hide the entry that a proxy appends.
//
// Pure, allocates nothing; any thread. The work is in proportion to the trusted hops.
#pragma once

#include <vector>

#include "core/proxies.h"
#include "net/http/request.h"
#include "net/socket/address_range.h"
#include "net/socket/peer_address.h"

namespace crier::net {

// The proxies whose word about a client's address counts.
struct TrustedProxies {
  std::vector<AddressRange> ranges;
  ClientHeader header = ClientHeader::x_forwarded_for;

  bool contain(const PeerAddress& address) const;
};

// The address of the client that sent `request` through `peer`. Its port is 0 if a header names it
// without a port.
PeerAddress client_address(const Request& request, const PeerAddress& peer,
                           const TrustedProxies& trusted);

}  // namespace crier::net
