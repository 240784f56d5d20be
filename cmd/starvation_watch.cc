#include "cmd/starvation_watch.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace crier::cmd {

std::uint64_t starved_accepts(std::span<const std::uint64_t> of_workers, bool shared) {
  if (of_workers.empty()) return 0;
  return shared ? std::ranges::min(of_workers)
                : std::accumulate(of_workers.begin(), of_workers.end(), std::uint64_t{0});
}

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
