// The rates of the busiest topics, out of a fixed number of counters however many topics there are.
//
// The sketch is Space-Saving (Metwally, Agrawal, El Abbadi, 2005): an event of a topic without a
// counter takes over the lowest one, and its count, which is then the counter's error. A topic with
// more than 1/kCounters of all events always has a counter. All counts, and the time in which they
// were counted, lose half of their weight every kHalfLifeSeconds, so a rate is that of the last
// seconds. A rate leaves out the counter's error: it is never too high, and exact for a topic that
// keeps its counter.
//
// No clock, no I/O. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crier::cmd {

class TopicRates {
 public:
  static constexpr std::size_t kCounters = 64;
  static constexpr double kHalfLifeSeconds = 2;

  struct Row {
    std::string_view topic;  // Valid until the next call that is not const.
    double events_per_second = 0;
  };

  // `hash`: of the topic, as Frame::topic_hash().
  void count(std::string_view topic, std::uint64_t hash);
  // Time has passed since the start or the last call.
  void pass(double seconds);
  // In no order. Topics that are nearly silent are left out.
  std::vector<Row> rows() const;

 private:
  std::size_t counter_of(std::string_view topic, std::uint64_t hash);

  std::size_t used_ = 0;
  std::size_t last_ = 0;  // The counter of the last event: bursts are often of one topic.
  // By counter.
  std::array<std::uint64_t, kCounters> hashes_{};
  std::array<double, kCounters> counts_{};
  std::array<double, kCounters> errors_{};
  std::array<std::string, kCounters> topics_;
  double seconds_ = 0;
};

}  // namespace crier::cmd
