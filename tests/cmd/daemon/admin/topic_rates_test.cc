#include "cmd/daemon/admin/topic_rates.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kTopics = 10'000;
constexpr double kSeconds = 4;

std::map<std::string, double> rates_of(const TopicRates& rates) {
  std::map<std::string, double> all;
  for (const auto& row : rates.rows()) all.emplace(row.topic, row.events_per_second);
  return all;
}

void count(TopicRates& rates, std::size_t topic) {
  rates.count("t." + std::to_string(topic), topic * 0x9e37'79b9'7f4a'7c15);
}

// The first topic has the most events.
std::vector<std::size_t> skewed() {
  std::vector<std::size_t> events;
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    events.insert(events.end(), 20'000 / (topic + 1) + 1, topic);
  }
  return events;
}

TEST_CASE("a topic with more than its share of 10,000 topics' events is always listed") {
  std::vector<std::size_t> events = skewed();
  std::vector<double> exact(kTopics);
  for (const std::size_t topic : events) ++exact[topic];
  const double share = static_cast<double>(events.size()) / TopicRates::kCounters;
  const std::string order = GENERATE("the busiest first", "the busiest last", "mixed");
  CAPTURE(order);
  if (order == "the busiest last") std::ranges::reverse(events);
  if (order == "mixed") {
    Random random(3);
    for (std::size_t i = events.size(); i > 1; --i)
      std::swap(events[i - 1], events[random.next() % i]);
  }
  TopicRates rates;
  for (const std::size_t topic : events) count(rates, topic);
  rates.pass(kSeconds);
  const auto found = rates_of(rates);
  CHECK(found.size() <= TopicRates::kCounters);
  std::size_t busy = 0;
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    const auto row = found.find("t." + std::to_string(topic));
    if (exact[topic] > share) {
      ++busy;
      REQUIRE(row != found.end());
      CHECK(row->second >= (exact[topic] - share) / kSeconds);
    }
    if (row != found.end()) CHECK(row->second <= exact[topic] / kSeconds + 1e-6);
  }
  CHECK(busy == 6);
}

TEST_CASE("a steady rate is exact however unevenly time passes, and silence forgets it") {
  TopicRates rates;
  CHECK(rates.rows().empty());
  for (const int tenths : {10, 3, 25, 1, 40}) {
    for (int i = 0; i < 10 * tenths; ++i) count(rates, 1);
    for (int i = 0; i < tenths; ++i) count(rates, 2);
    rates.pass(tenths / 10.0);
    const auto found = rates_of(rates);
    CHECK(found.at("t.1") == Approx(100));
    CHECK(found.at("t.2") == Approx(10));
  }
  rates.pass(TopicRates::kHalfLifeSeconds);
  CHECK(rates_of(rates).at("t.1") < 75);
  for (int i = 0; i < 30; ++i) rates.pass(1);
  CHECK(rates.rows().empty());
}

TEST_CASE("topics whose hashes are equal are counted apart") {
  TopicRates rates;
  for (int i = 0; i < 3; ++i) {
    rates.count("a", 7);
    rates.count("b", 7);
    rates.count("b", 7);
  }
  rates.pass(1);
  CHECK(rates_of(rates) == std::map<std::string, double>{{"a", 3}, {"b", 6}});
}

}  // namespace
}  // namespace crier::cmd
