// The streams of a sample that are the furthest behind. Each sample asks the workers, and shows
// what they had found by the sample before; the log says how far behind each one is now.
//
// Belongs to the control loop. The workers must not answer once it is destroyed.
#pragma once

#include <cstddef>
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
  LaggingStreams(const broadcast::Log& log, WorkerQueries& workers)
      : log_(log), workers_(workers) {}

  // The streams that are the most seconds behind first, at most kShown.
  std::vector<LaggingFigures> sample(Instant now);
  // Forgets what was found. The workers end their surveys by themselves.
  void stop() { found_ = {}; }

 private:
  const broadcast::Log& log_;
  WorkerQueries& workers_;
  bool asking_ = false;
  std::vector<LaggingStream> found_;
};

}  // namespace crier::cmd
