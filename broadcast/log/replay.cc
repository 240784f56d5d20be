#include "broadcast/log/replay.h"

#include "core/check.h"

namespace crier::broadcast {

std::string_view to_string(GapReason reason) {
  switch (reason) {
    case GapReason::evicted:
      return "evicted";
    case GapReason::restarted:
      return "restarted";
    case GapReason::unknown_id:
      return "unknown-id";
    case GapReason::overflow:
      return "overflow";
  }
  CRIER_CHECK(false);
  return {};
}

}  // namespace crier::broadcast
