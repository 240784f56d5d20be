#include "cmd/starvation_watch.h"

namespace crier::cmd {

void StarvationWatch::look(std::uint64_t times, Instant now) {
  if (times == told_ || now < may_tell_at_) return;
  out_.warning(
      "no descriptor or memory for new connections; raise LimitNOFILE= (ulimit -n) or lower "
      "limits.streams_max",
      {{"times", times - told_}});
  told_ = times;
  may_tell_at_ = Instant{now.us + kSecondsBetween * 1'000'000};
}

}  // namespace crier::cmd
