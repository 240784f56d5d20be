#include "cmd/daemon/health.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace crier::cmd {
namespace {

constexpr Instant after(Instant now, std::uint64_t seconds) {
  return Instant{now.us + seconds * 1'000'000};
}

}  // namespace

void Health::look(const StarvedAccepts& starved, std::uint64_t options_refused, Instant now) {
  if (const std::uint64_t times = newly_starved(starved); times > 0) {
    unlogged_ += times;
    starved_until_ = after(now, kSecondsBetween);
  }
  if (unlogged_ > 0 && between_lines_.over(now)) {
    log_.warning(
        "no descriptor or memory for new connections; raise LimitNOFILE= (ulimit -n) or "
        "fs.epoll.max_user_watches, or lower limits.streams_max (where it is auto: set a number)",
        {{"times", std::exchange(unlogged_, 0)}});
  }
  if (std::exchange(options_refused_, options_refused) != options_refused) {
    log_.warning("the kernel refused socket options; a reload tries again");
  }
  if (is_full()) full_until_ = after(now, kFullSeconds);
}

std::uint64_t Health::newly_starved(const StarvedAccepts& starved) {
  workers_.resize(starved.workers.size());
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const std::uint64_t since = starved.workers[i] - std::exchange(workers_[i], starved.workers[i]);
    least = std::min(least, since);
    sum += since;
  }
  return (starved.shared ? std::min(least, sum) : sum) + starved.others -
         std::exchange(others_, starved.others);
}

std::string_view Health::why_not_ready(Instant now, ReadyChecks except) const {
  const bool full = is_full() || now < full_until_;
  if (full && !except.has(ReadyCheck::full)) return full_;
  if (now < starved_until_ && !except.has(ReadyCheck::descriptors)) {
    return "no descriptor or memory for new connections";
  }
  return {};
}

}  // namespace crier::cmd
