#include "cmd/daemon/worker/stream_names.h"

#include "core/text/trace_id.h"
#include "net/socket/peer_address.h"

namespace crier::cmd {

std::string StreamNames::session_id(broadcast::StreamToken token) const {
  return std::to_string(parts_.worker) + ':' + std::to_string(token.index) + ':' +
         std::to_string(token.generation);
}

std::string StreamNames::trace_id(broadcast::StreamToken token) const {
  const std::string id = session_id(token);
  return to_string(
      TraceId{keyed_hash(parts_.trace_key, id), keyed_hash(parts_.trace_key, id + "+")});
}

std::string StreamNames::trace_id(broadcast::StreamToken token,
                                  const broadcast::Stream& stream) const {
  std::string own = parts_.broadcaster.streams().trace_id(stream);
  return own.empty() ? trace_id(token) : own;
}

std::string StreamNames::topics(const broadcast::Stream& stream) const {
  constexpr std::size_t kBytesMax = 300;
  std::string joined;
  for (const Selector& topic : parts_.broadcaster.topics().subscriptions(stream)) {
    if (!joined.empty()) joined += ',';
    joined += topic.text;
    if (joined.size() > kBytesMax) break;
  }
  return joined;
}

void StreamNames::set_client(broadcast::StreamToken token, const net::PeerAddress& address) {
  clients_[token.index] = {token.generation, address};
}

std::optional<net::PeerAddress> StreamNames::client(const broadcast::Stream& stream) const {
  const broadcast::StreamIndex slot = parts_.broadcaster.streams().index_of(stream);
  if (clients_[slot].generation == stream.generation) {
    return clients_[slot].address;
  }
  return parts_.io.peer_address(stream.connection);
}

std::string StreamNames::address(const broadcast::Stream& stream) const {
  const auto found = client(stream);
  return found ? net::to_string(*found) : std::string();
}

}  // namespace crier::cmd
