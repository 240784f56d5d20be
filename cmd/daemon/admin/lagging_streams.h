// The streams of a sample that are the furthest behind. Each sample asks the workers, and shows
// what they answered since the sample before; the log says how far behind each one was then.
//
// Belongs to the control loop. The workers must not answer once it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/status/sample_json.h"
#include "core/instant.h"

namespace crier::cmd {

class LaggingStreams {
 public:
  static constexpr std::size_t kShown = 10;

  // Both must outlive it.
  LaggingStreams(const broadcast::Log& log, WorkerQueries& workers, std::function<Instant()> now)
      : log_(log), workers_(workers), now_(std::move(now)) {}

  // The streams that are the most seconds behind first, at most kShown.
  std::vector<LaggingFigures> sample();
  // Forgets what was found, and what is still answered. The workers end their surveys by
  // themselves.
  void stop();

 private:
  std::vector<LaggingFigures> figures_of(const std::vector<LaggingStream>& found) const;

  const broadcast::Log& log_;
  WorkerQueries& workers_;
  std::function<Instant()> now_;
  bool asking_ = false;
  std::uint64_t stops_ = 0;  // An answer to a question before the last one is not wanted.
  std::vector<LaggingFigures> found_;
};

}  // namespace crier::cmd
