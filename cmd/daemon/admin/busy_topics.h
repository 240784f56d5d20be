// The busiest topics of a sample: their rates from the batches that leave for the workers, and
// their streams from the workers. It counts from the first sample until stop().
//
// The workers are asked for the streams of all topics that have a counter, once for each sample;
// the answer is in the next one. Streams that take a topic by a pattern are not among them.
//
// Belongs to the control loop. The workers must not answer once it is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cmd/daemon/admin/topic_rates.h"
#include "cmd/daemon/control/batch_watchers.h"
#include "cmd/daemon/link/worker_queries.h"
#include "cmd/status/sample_json.h"
#include "core/instant.h"

namespace crier::cmd {

class BusyTopics final : private BatchWatcher {
 public:
  static constexpr std::size_t kShown = 10;

  // Both must outlive it.
  BusyTopics(BatchWatchers& batches, WorkerQueries& workers)
      : batches_(batches), workers_(workers) {}
  ~BusyTopics() override { stop(); }
  BusyTopics(const BusyTopics&) = delete;
  BusyTopics& operator=(const BusyTopics&) = delete;

  // The topics with the most events and deliveries a second, the busiest first, at most kShown.
  // The first sample has none: counting begins with it.
  std::vector<TopicFigures> sample(Instant now);
  // Frees what was counted.
  void stop();

 private:
  void start(Instant now);
  void on_batch(const broadcast::Batch& batch) override;
  void ask(const std::vector<TopicRates::Row>& rows);

  BatchWatchers& batches_;
  WorkerQueries& workers_;
  std::unique_ptr<TopicRates> rates_;  // While it counts.
  Instant sampled_at_;
  bool asking_ = false;
  std::unordered_map<std::string, std::uint64_t> streams_;  // As of the last answer.
};

}  // namespace crier::cmd
