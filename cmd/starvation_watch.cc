#include "cmd/starvation_watch.h"

#include <utility>

namespace crier::cmd {

void StarvationWatch::look(std::uint64_t times, Instant now) {
  constexpr std::uint64_t kUsBetween = kSecondsBetween * 1'000'000;
  if (std::exchange(seen_, times) != times) lasts_until_ = Instant{now.us + kUsBetween};
  if (times == told_ || now < may_tell_at_) return;
  out_.warning(
      "no descriptor or memory for new connections; raise LimitNOFILE= (ulimit -n) or lower "
      "limits.streams_max",
      {{"times", times - told_}});
  told_ = times;
  may_tell_at_ = Instant{now.us + kUsBetween};
}

}  // namespace crier::cmd
