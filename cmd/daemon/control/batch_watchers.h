// Shows each batch that leaves for the workers to the pages that watch events. While nobody has
// such a page open, the list is empty, and looking at that is the whole cost.
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
#include <vector>

#include "broadcast/log/batch.h"
#include "core/check.h"

namespace crier::cmd {

class BatchWatcher {
 public:
  virtual ~BatchWatcher() = default;
  // Gets each batch once, in the order of the log. Must neither add nor remove a watcher.
  virtual void on_batch(const broadcast::Batch& batch) = 0;
};

class BatchWatchers {
 public:
  // The watcher must remove itself before it is destroyed. Requires: it is not there.
  void add(BatchWatcher& watcher) {
    CRIER_CHECK(std::ranges::find(all_, &watcher) == all_.end());
    all_.push_back(&watcher);
  }
  void remove(BatchWatcher& watcher) { std::erase(all_, &watcher); }
  bool empty() const { return all_.empty(); }

  void show(const broadcast::Batch& batch) const {
    for (BatchWatcher* watcher : all_) watcher->on_batch(batch);
  }

 private:
  std::vector<BatchWatcher*> all_;
};

}  // namespace crier::cmd
