// One run of `crier bench`: streams are opened, events published, and all of it put into a report.
//
// The report is JSON; report.h makes text, a page and comparisons of it. A run that is stopped
// early reports what there was until then. Belongs to one thread; run() and search() wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmd/bench/load.h"
#include "cmd/bench/report.h"
#include "cmd/bench/server.h"
#include "config/json_value.h"
#include "core/result.h"

namespace crier::bench {

struct Plan {
  std::uint32_t streams = 1'000;
  double hz = 20;
  double hz_end = 20;  // The rate changes steadily to this.
  double seconds = 10;
  std::uint32_t size = 64;       // Bytes of an event's data.
  std::string topics = "bench";  // See TopicPlan.
  std::uint32_t reuse = 0;       // Requests of a publish connection; 0: all.
  double p99_ms = 0;             // For search().
  std::string base;              // The path before the server's own.
};

// How far a run is.
struct Progress {
  std::string doing;  // "opening", "publishing", …
  double share = 0;   // 0 to 1.
  std::string figures;
};

class Trial {
 public:
  // Called every few milliseconds; false ends the run early.
  using Watch = std::function<bool(const Progress&)>;

  // Requires: `server` outlives the trial.
  Trial(Plan plan, Server& server, Watch watch);

  // Opens the streams, publishes for plan.seconds.
  [[nodiscard]] Result<Report> run();
  // Searches, in runs of a quarter of plan.seconds, the highest rate at which p99 is at most
  // plan.p99_ms and nothing is lost, then publishes at that rate for plan.seconds. It begins with
  // plan.hz; a rate is too high if two runs in a row say so. faults() says where the last run
  // contradicts the search. Fails with Errc::not_found if not even 1 event a second is that fast.
  [[nodiscard]] Result<Report> search();

 private:
  struct Sample {
    std::uint64_t received = 0, published = 0, cpu_ns = 0, resident = 0;
  };

  [[nodiscard]] Result<void> open();
  // What follows may take so long, and stand still for a while: turn() gives it up after that.
  void begin_phase(std::string doing, double seconds_max);
  [[nodiscard]] Result<Delivery> publish(double hz, double hz_end, double seconds,
                                         double slice_seconds);
  // A run of a search: whether it was fast enough and whole.
  [[nodiscard]] Result<bool> probe(double hz, double seconds, bool repeated);
  [[nodiscard]] Result<Report> measure();
  bool turn();
  void take_sample();
  std::string figures() const;
  config::Json slices() const;
  config::Json server_json() const;

  Plan plan_;
  Server& server_;
  Watch watch_;
  std::unique_ptr<Load> load_;
  Opening opening_;
  std::uint64_t resident_before_ = 0;
  std::uint64_t resident_open_ = 0;
  std::uint64_t cpu_before_ = 0;
  std::uint64_t cpu_after_ = 0;
  std::uint64_t deliveries_ = 0;
  config::Json probes_ = config::Json::array();

  std::string doing_;
  std::uint64_t phase_began_ = 0;
  std::uint64_t phase_ns_ = 1;
  std::uint64_t phase_ends_ = 0;
  std::uint64_t moved_ = 0;  // What was opened, or published and received; it grew at moved_at_.
  std::uint64_t moved_at_ = 0;
  std::uint64_t slice_ns_ = 0;
  std::uint64_t figures_at_ = 0;
  std::string figures_;
  std::vector<Sample> samples_;  // At the end of each slice.
  bool stopped_ = false;
  bool gave_up_ = false;
};

}  // namespace crier::bench
