#include "cmd/daemon/worker/stream_names.h"

#include "net/socket/peer_address.h"

namespace crier::cmd {

std::string StreamNames::trace_id(broadcast::StreamToken token,
                                  const broadcast::Stream& stream) const {
  const broadcast::StreamExtra* extra = broadcaster_.streams().extra(stream);
  if (extra != nullptr && !extra->trace_id.empty()) return extra->trace_id;
  return routes_.trace_id(token);
}

std::string StreamNames::topics(const broadcast::Stream& stream) const {
  constexpr std::size_t kBytesMax = 300;
  std::string joined;
  for (const std::string_view topic : broadcaster_.topics().subscriptions(stream)) {
    if (!joined.empty()) joined += ',';
    joined += topic;
    if (joined.size() > kBytesMax) break;
  }
  return joined;
}

std::string StreamNames::address(const broadcast::Stream& stream) {
  const auto peer = net::remote_address(stream.fd);
  return peer ? net::to_string(*peer) : std::string();
}

}  // namespace crier::cmd
