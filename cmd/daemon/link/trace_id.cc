#include "cmd/daemon/link/trace_id.h"

#include <string_view>

#include "core/text/trace_id.h"
#include "net/http/negotiate.h"

namespace crier::cmd {

std::string TraceIds::make() {
  const std::uint64_t high = random_.next();
  return to_string(TraceId{high, random_.next()});
}

std::string TraceIds::of(const net::Request& request) {
  const std::string_view own = net::trace_id_of(request);
  return own.empty() ? make() : std::string(own);
}

}  // namespace crier::cmd
