// The viewers of /stats: each gets the sample of cmd/status/sample_json.h as an event when it
// comes, and one a second from then on.
//
// A sample is made once for all viewers, and only while there is one. A viewer that has not taken
// its last bytes misses samples until it has: no viewer is owed more than one. One that takes
// nothing for kUnreadSeconds is ended, as is one whose answer waits behind another of its
// connection.
//
// The busiest topics are counted, and the streams furthest behind looked for, only while there is a
// viewer and admin.debug is true.
//
// Belongs to the control loop, and must outlive the server of its viewers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/streams/stats.h"
#include "cmd/daemon/admin/busy_topics.h"
#include "cmd/daemon/admin/lagging_streams.h"
#include "cmd/tuning/kernel_tuner.h"
#include "config/config.h"
#include "core/instant.h"
#include "metrics/catalogue.h"
#include "net/http/http_handler.h"
#include "net/loop/loop.h"
#include "net/loop/timer.h"
#include "net/socket/listener.h"

namespace crier::cmd {

class StatsViewers {
 public:
  static constexpr std::size_t kViewersMax = 16;
  static constexpr std::uint64_t kSampleMs = 1'000;
  static constexpr std::uint64_t kUnreadSeconds = 30;

  // What a sample is made of, beside the catalogue; one pointer of each for each worker. Without a
  // kernel there is no advice. All outlive the viewers.
  struct Sources {
    std::vector<const broadcast::WorkerStats*> workers;
    std::vector<const net::LoopStats*> loops;
    std::vector<const net::ListenerCounters*> listeners = {};
    const KernelTuner* kernel = nullptr;
  };
  // All outlive the viewers.
  struct Parts {
    net::Loop& loop;
    const crier::config::Config& config;  // The one in force.
    metrics::Catalogue& catalogue;
    const broadcast::Log& log;
    BatchWatchers& batches;
    WorkerQueries& workers;
    std::function<std::string_view()> why_not_ready;  // See AdminRoutes.
    std::function<Instant()> now;
    std::uint64_t sample_ms = kSampleMs;
    std::size_t viewers_max = kViewersMax;  // The endpoint needs connections for other requests.
  };
  explicit StatsViewers(Parts parts);

  void set_sources(Sources sources) { sources_ = std::move(sources); }

  // Whether another viewer is one too many.
  bool full();
  // Answers with a stream of samples. Requires: !full().
  void add(const net::Responder& responder, std::string_view trace_id, bool head_only);
  // Ends every answer. Call it before the server closes.
  void close();

  std::size_t count() const { return viewers_.size(); }
  std::uint64_t samples_made() const { return samples_made_; }

 private:
  struct Viewer {
    net::AnswerStream stream;
    Instant took_all;  // When it last had nothing left to take.
  };
  void forget_gone();
  void send_all();
  void make_sample();
  void stop_looking();
  void rest_if_alone();

  Parts parts_;
  const Instant started_;
  Sources sources_;
  std::vector<Viewer> viewers_;
  BusyTopics topics_;
  LaggingStreams lagging_;
  std::string sample_;  // As an event. Kept for viewers that come soon.
  std::optional<Instant> made_at_;
  std::uint64_t samples_made_ = 0;
  net::Timer timer_;  // Runs while there is a viewer.
};

}  // namespace crier::cmd
