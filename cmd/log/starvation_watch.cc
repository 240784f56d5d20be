#include "cmd/log/starvation_watch.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace crier::cmd {

void StarvationWatch::look(const StarvedAccepts& all, Instant now) {
  workers_.resize(all.workers.size());
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const std::uint64_t since = all.workers[i] - std::exchange(workers_[i], all.workers[i]);
    least = std::min(least, since);
    sum += since;
  }
  const std::uint64_t since =
      (all.shared ? std::min(least, sum) : sum) + all.others - std::exchange(others_, all.others);
  if (since > 0) lasts_until_ = Instant{now.us + kSecondsBetween * 1'000'000};
  untold_ += since;
  if (untold_ == 0 || !between_lines_.over(now)) return;
  out_.warning(
      "no descriptor or memory for new connections; raise LimitNOFILE= (ulimit -n) or lower "
      "limits.streams_max",
      {{"times", std::exchange(untold_, 0)}});
}

}  // namespace crier::cmd
