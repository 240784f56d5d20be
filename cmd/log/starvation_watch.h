// Tells an operator that the kernel had no descriptor or memory for new connections.
//
// Nothing else of the log shows it: streams that are open go on, and who is turned away is nobody
// yet. Belongs to the control loop; call look() on a timer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/instant.h"
#include "core/lines_per_second.h"
#include "core/log.h"

namespace crier::cmd {

// How often an accept found no descriptor or memory, since the start.
struct StarvedAccepts {
  std::span<const std::uint64_t> workers;  // Of each, always as many.
  // They accept from one socket: as long as one of them can, it takes what the others leave.
  bool shared = false;
  std::uint64_t others = 0;  // Of publishers and the admin endpoint.
};

class StarvationWatch {
 public:
  static constexpr std::uint64_t kSecondsBetween = 10;

  // `out` must outlive it.
  explicit StarvationWatch(LogSink& out) : out_(out) {}

  // One line when nobody can accept, another each kSecondsBetween seconds as long as it goes on.
  void look(const StarvedAccepts& all, Instant now);

  // Could nobody accept within the last kSecondsBetween seconds?
  bool lasts(Instant now) const { return now < lasts_until_; }

 private:
  LogSink& out_;
  std::vector<std::uint64_t> workers_;
  std::uint64_t others_ = 0;
  std::uint64_t untold_ = 0;  // How often no accept could succeed, since the last line.
  Instant lasts_until_;
  Period between_lines_{kSecondsBetween};
};

}  // namespace crier::cmd
