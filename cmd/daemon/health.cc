#include "cmd/daemon/health.h"

#include <utility>

#include "net/loop/loop.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kFullUs = 2'000'000;

}  // namespace

void Health::look(const StarvedAccepts& starved, std::uint64_t options_refused, Instant now) {
  starvation_.look(starved, now);
  if (std::exchange(options_refused_, options_refused) != options_refused) {
    log_.warning("the kernel refused socket options; a reload tries again");
  }
  if (is_full()) full_until_ = Instant{now.us + kFullUs};
}

std::string_view Health::why_not_ready() const {
  if (!shutdown_.serving()) return "draining";
  const Instant now = net::Loop::now();
  if (is_full() || now < full_until_) {
    return "full: as many streams as limits.streams_max and the limit on open files allow";
  }
  if (starvation_.lasts(now)) return "no descriptor or memory for new connections";
  return {};
}

}  // namespace crier::cmd
