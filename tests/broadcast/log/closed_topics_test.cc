#include "broadcast/log/closed_topics.h"

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;  // Spreads small numbers over all buckets.

}  // namespace

TEST_CASE("marks are found until they are removed, however many there are") {
  // With 1, hash 0 is a topic, too.
  const std::uint64_t mix = GENERATE(values<std::uint64_t>({kMix, 1}));
  const std::uint64_t topics = GENERATE(3U, 200U, 20'000U);
  ClosedTopics closed;
  std::map<std::uint64_t, std::uint64_t> marks;
  std::mt19937 random(7);
  for (std::uint64_t sequence = 1; sequence <= topics * 4; ++sequence) {
    const std::uint64_t topic = random() % topics;
    if (random() % 3 == 0) {
      closed.remove(topic * mix);
      marks.erase(topic);
    } else {
      closed.add(topic * mix, {sequence, sequence - 1});
      marks[topic] = sequence;
    }
    REQUIRE(closed.size() == marks.size());
  }
  for (std::uint64_t topic = 0; topic < topics; ++topic) {
    const auto marked = marks.find(topic);
    REQUIRE(closed.find(topic * mix).sequence == (marked == marks.end() ? 0 : marked->second));
  }
}

TEST_CASE("a reader finds every mark up to the head that it has seen, and none that never was") {
  constexpr std::uint64_t kTopics = 3'000;
  constexpr std::uint64_t kKept = 40;  // Topics whose marks are not removed.
  ClosedTopics closed;
  std::atomic<std::uint64_t> head{0};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<bool> reads{false};
  std::thread reader([&] {
    std::mt19937 random(1);
    while (head.load() < kTopics * 20) {
      const std::uint64_t seen = head.load(std::memory_order_acquire);
      const std::uint64_t topic = 1 + random() % kTopics;
      const Closing closing = closed.find(topic * kMix);
      if (closing && closing.before != closing.sequence * 3 + topic) ++wrong;
      if (topic <= kKept && topic <= seen && !closing) ++wrong;
      reads = true;
    }
  });
  for (std::uint64_t sequence = 1; sequence <= kTopics * 20; ++sequence) {
    const std::uint64_t topic = 1 + (sequence - 1) % kTopics;
    const bool again = sequence > kTopics;
    if (again && topic <= kKept) {
      head.store(sequence, std::memory_order_release);
      continue;
    }
    if (again) closed.remove(topic * kMix);
    closed.add(topic * kMix, {sequence, sequence * 3 + topic});
    head.store(sequence, std::memory_order_release);
    while (!reads) std::this_thread::yield();
  }
  reader.join();
  CHECK(wrong == 0);
}

}  // namespace crier::broadcast
