#include <algorithm>
#include <bit>

#include "tests/simulate/world.h"
#include "tests/support/selectors.h"

namespace crier::broadcast::simulate {
namespace {

template <typename T>
T pick(Random& random, std::initializer_list<T> values) {
  return values.begin()[random.between(0, static_cast<std::uint32_t>(values.size()) - 1)];
}

HistoryLimits history_of(Random& random) {
  HistoryLimits limits;
  limits.events_max = pick<std::uint32_t>(random, {0, 1, 2, 5, 20, 200, 1'000});
  limits.bytes_max = pick<std::uint64_t>(random, {300, 2'000, 1 << 20, 1 << 30});
  limits.age_seconds_max = pick<std::uint32_t>(random, {1, 10, 300});
  return limits;
}

OverflowPolicy policy_of(Random& random) {
  return pick(random,
              {OverflowPolicy::catch_up, OverflowPolicy::catch_up, OverflowPolicy::disconnect,
               OverflowPolicy::drop_oldest, OverflowPolicy::conflate});
}

TokenRate rate_of(Random& random) {
  if (random.between(0, 3) > 0) return {};
  return TokenRate::of(pick<std::uint32_t>(random, {5, 50, 1'000}), random.between(1, 20));
}

CostRate bytes_rate_of(Random& random) {
  if (random.between(0, 3) > 0) return {};
  return {pick<std::uint64_t>(random, {20'000, 1'000'000}), random.between(1, 3'000)};
}

std::shared_ptr<const TopicClasses> classes_of(Random& random) {
  TopicClass global;
  global.history = history_of(random);
  global.policy = policy_of(random);
  global.rate = rate_of(random);
  global.bytes_rate = bytes_rate_of(random);
  std::vector<TopicClass> rows;
  for (const char* match : {"a.>", "b.*", "c.1"}) {
    if (random.between(0, 1) == 0) continue;
    TopicClass row;
    row.match = match;
    row.history = history_of(random);
    row.policy = policy_of(random);
    row.rate = rate_of(random);
    row.bytes_rate = bytes_rate_of(random);
    row.streams_max = pick<std::uint32_t>(random, {0, 0, 0, 3});
    rows.push_back(std::move(row));
  }
  return std::make_shared<const TopicClasses>(std::move(global), std::move(rows));
}

// Shortly before a wrap, or anywhere within three years.
Instant start_of(Random& random) {
  constexpr std::uint64_t kTickWrapUs = (std::uint64_t{1} << 32) * kTickMicros;
  const auto wrap_us = pick<std::uint64_t>(
      random, {0, std::uint64_t{1} << 31, std::uint64_t{1} << 32, kTickWrapUs, kTickWrapUs});
  if (wrap_us == 0) return {(random.next() >> 18) + 1};
  return {wrap_us - random.between(1, 100'000'000)};
}

}  // namespace

std::string topic_name(std::size_t number) {
  return std::string(1, static_cast<char>('a' + number % 3)) + '.' + std::to_string(number / 3);
}

std::vector<Selector> subscriptions_of(Random& random, std::size_t topics) {
  const auto topic = [&] {
    return topic_name(random.between(0, static_cast<std::uint32_t>(topics)));
  };
  const std::uint32_t kind = random.between(0, 9);
  if (kind < 5) return selectors(std::vector{topic()});
  std::vector<std::string> all;
  const std::uint32_t count = random.between(1, 4);
  for (std::uint32_t i = 0; i < count; ++i) {
    all.push_back(kind < 7 || random.between(0, 1) == 0
                      ? topic()
                      : pick<std::string>(random, {">", "a.*", "*.1", "b.>", "*.*", "x.*"}));
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return selectors(all);
}

Setting setting_of(Random& random) {
  Setting setting;
  const auto classes = classes_of(random);
  LogOptions& log = setting.log;
  log.epoch = Epoch::from_random(random.next());
  log.topic_key = {random.next(), random.next()};
  log.classes = classes;
  log.history_bytes_max = pick<std::uint64_t>(random, {2'000, 50'000, 1 << 20, 64 << 20});
  log.topics_max = pick<std::size_t>(random, {1, 3, 100, 100});
  log.forgotten_max = pick<std::size_t>(random, {1, 2, 100});
  log.idle_topic_seconds = pick<std::uint32_t>(random, {1, 10, 600});

  WorkerOptions& worker = setting.worker;
  worker.epoch = log.epoch;
  worker.topic_key = log.topic_key;
  worker.random_seed = random.next();
  worker.classes = classes;
  worker.streams_max = pick<std::size_t>(random, {1, 5, 40});
  worker.topics_max = pick<std::size_t>(random, {2, 6, 200, 200});
  worker.patterns_max = pick<std::size_t>(random, {1, 3, 200, 200});
  worker.owed_events_max = pick<std::uint32_t>(random, {1, 2, 5, 8, 9, 64, 1'024});
  worker.ring_frames_max = std::max(8U, std::bit_ceil(worker.owed_events_max));
  worker.owed_bytes_max = pick<std::uint32_t>(random, {1, 300, 4'096, 1 << 20});
  worker.owed_total_bytes_max = pick<std::uint64_t>(random, {500, 5'000, 50'000, 1 << 30, 1 << 30});
  worker.ring_bytes_max = pick<std::size_t>(random, {64, 512, 1 << 20, 1 << 20, 1 << 20});
  worker.owing_seconds_max = pick<std::uint32_t>(random, {1, 5, 30});
  worker.heartbeat_seconds = pick<std::uint32_t>(random, {1, 15, 60});
  worker.stream_seconds_max = pick<std::uint32_t>(random, {0, 0, 0, 3, 60});
  worker.replay_bytes_in_flight_max = pick<std::size_t>(random, {1, 100'000, 16 << 20});

  setting.control = {random.between(1, 5), random.between(1, 6), random.between(1, 100)};
  setting.streams_max = pick<std::uint32_t>(random, {3, 30, 1'000});
  setting.streams_per_address_max = pick<std::uint32_t>(random, {0, 0, 2, 8});
  setting.streams_per_topic_max = pick<std::uint32_t>(random, {0, 0, 0, 2});
  setting.clients = random.between(1, 24);
  setting.topics = random.between(1, 9);
  setting.data_bytes = pick<std::uint32_t>(random, {3, 40, 500, 6'000});
  setting.steps = random.between(100, 900);
  setting.start = start_of(random);
  worker.first_generation = 0U - random.between(1, 40);
  setting.events_before = pick<std::uint64_t>(random, {0, 1ULL << 32, 1ULL << 53, 1ULL << 63});
  if (setting.events_before > 0) setting.events_before -= random.between(1, 200);
  return setting;
}

}  // namespace crier::broadcast::simulate
