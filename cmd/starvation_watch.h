// Tells an operator that the kernel had no descriptor or memory for new connections.
//
// Nothing else of the log shows it: streams that are open go on, and who is turned away is nobody
// yet. Belongs to the control loop; call look() on a timer.
#pragma once

#include <cstdint>
#include <span>

#include "core/instant.h"
#include "core/log.h"

namespace crier::cmd {

// How often nobody could accept, of how often each worker could not. At a socket that all share,
// somebody can as long as one worker can.
std::uint64_t starved_accepts(std::span<const std::uint64_t> of_workers, bool shared);

class StarvationWatch {
 public:
  static constexpr std::uint64_t kSecondsBetween = 10;

  // `out` must outlive it.
  explicit StarvationWatch(LogSink& out) : out_(out) {}

  // `times`: how often an accept was starved since the start, all listeners together. One line
  // when it begins, another each kSecondsBetween seconds as long as it goes on.
  void look(std::uint64_t times, Instant now);

  // Was one starved within the last kSecondsBetween seconds?
  bool lasts(Instant now) const { return now < lasts_until_; }

 private:
  LogSink& out_;
  std::uint64_t seen_ = 0;
  std::uint64_t told_ = 0;
  Instant lasts_until_;
  Instant may_tell_at_;
};

}  // namespace crier::cmd
