// The largest sample that a daemon can make, against the bound that its viewers need.
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cmd/daemon/admin/busy_topics.h"
#include "cmd/daemon/admin/lagging_streams.h"
#include "cmd/daemon/control/loop_metrics.h"
#include "cmd/daemon/metric_reference.h"
#include "cmd/status/sample_json.h"
#include "cmd/tuning/kernel_tuner.h"
#include "core/topic.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kMost = 9'007'199'254'740'991;  // More are not exact in JSON.
constexpr double kLongest = 1'234'567'890'123.4567;     // In digits.

// Every series and every bucket is known, is not 0, and has as many digits as it may.
void fill(std::deque<metrics::Family>& families) {
  for (metrics::Family& family : families) {
    for (metrics::Series& series : family.series) {
      series.counters.clear();
      series.readers = {[] { return kLongest; }};
    }
    for (auto& histogram : family.histograms) {
      histogram = [](metrics::HistogramValues& values) {
        for (std::uint64_t& bucket : values.buckets) bucket = kMost;
        values.sum = kMost;
      };
    }
  }
}

TEST_CASE("the largest sample is within its bound") {
  const MetricReference reference(std::string(64, '9'));
  fill(const_cast<std::deque<metrics::Family>&>(reference.catalogue().families()));
  std::vector<WorkerFigures> workers;
  for (std::size_t i = 0; i <= kShownWorkers; ++i) {
    workers.push_back({worker_name(i), kMost, kMost, kMost, kMost, kLongest});
  }
  RecordingSink lines;
  KernelTuner tuner{{}, {}, lines};
  tuner.look();
  std::vector<KernelAdvice> kernel;
  const std::string numbers = "9223372036854775807 9223372036854775807 9223372036854775807";
  for (const Examined& one : tuner.all()) {
    const std::string name(one.parameter->name);
    kernel.push_back(
        {name, numbers, "at least " + numbers, "sysctl -w " + name + "='" + numbers + "'"});
  }
  const std::string topic(kTopicBytesMax, 't');
  const std::string address = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535";
  const std::string sample = sample_json(
      {.catalogue = reference.catalogue(),
       .why_not_ready = std::string(400, '"'),
       .now_unix_seconds = kLongest,
       .uptime_seconds = kLongest,
       .workers = workers,
       .kernel = kernel,
       .accept_queue = {kMost, kMost},
       .topics = std::vector(BusyTopics::kShown, TopicFigures{topic, kLongest, kMost}),
       .lagging = std::vector(LaggingStreams::kShown,
                              LaggingFigures{9'999, address, topic, 9'999, std::string(32, 'f'),
                                             kMost, kLongest, kMost}),
       .tail = true});
  CAPTURE(sample.size());
  CHECK(sample.size() < kSampleBytesMax);
  const auto parsed = nlohmann::json::parse(sample);
  CHECK(parsed["topics"].size() == BusyTopics::kShown);
  CHECK(parsed["lagging"].size() == LaggingStreams::kShown);
  CHECK(parsed["workers"].size() == kShownWorkers + 1);
  CHECK(parsed["kernel"].size() == kernel.size());
  CHECK(kernel.size() > 5);
  CHECK(parsed["refused"].size() > 20);
  CHECK(parsed["limits"].size() == 8);
  CHECK(parsed["histograms"].size() == 9);
}

}  // namespace
}  // namespace crier::cmd
