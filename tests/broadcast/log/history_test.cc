#include "broadcast/log/history.h"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

struct HistoryFixture {
  TopicTable topics{16};
  TopicRow rare = topics.add(1, "rare");
  TopicRow busy = topics.add(2, "busy");
  History history{topics};
  std::uint64_t sequence = 0;

  void push(TopicRow row) {
    history.push(row, Frame::make({.sequence = ++sequence}, topics[row].name(), "data: x\n\n"));
  }

  // The oldest of the events that are wanted, by asking for each.
  template <typename Wanted>
  std::uint64_t walked(TopicRow row, Wanted wanted) const {
    const Topic& topic = topics[row];
    std::uint64_t number = topic.published - topic.events;
    for (const std::uint64_t event : chain(row)) {
      if (wanted(++number, event)) return event;
    }
    return 0;
  }

  // A topic's sequences by its links, which have to agree in both directions.
  std::vector<std::uint64_t> chain(TopicRow row) const {
    const Topic& topic = topics[row];
    std::vector<std::uint64_t> found;
    if (topic.events == 0) return found;
    for (History::Position at = topic.oldest;; at = history.at(at).next) {
      REQUIRE(history.at(at).frame);
      REQUIRE(history.at(at).topic == row);
      found.push_back(history.at(at).sequence);
      if (at == topic.newest) break;
      REQUIRE(history.at(history.at(at).next).previous == at);
    }
    REQUIRE(found.size() == topic.events);
    return found;
  }
};

}  // namespace

TEST_CASE("one old event of a rare topic does not pin the holes after it") {
  HistoryFixture f;
  f.push(f.rare);
  for (int i = 0; i < 100'000; ++i) {
    f.push(f.busy);
    if (f.topics[f.busy].events > 10) f.history.evict_oldest_of(f.busy);
    REQUIRE(f.history.end() - f.history.front() <= 64 + 2);
  }
  f.push(f.rare);
  CHECK(f.chain(f.rare) == std::vector<std::uint64_t>{1, 100'002});
  CHECK(f.chain(f.busy).size() == 10);
  CHECK(f.history.events() == 12);
  CHECK(f.history.oldest_topic() == f.rare);
}

TEST_CASE("evicting says how far a topic's and everybody's history has moved on") {
  HistoryFixture f;
  f.push(f.rare);
  f.push(f.busy);
  f.push(f.busy);
  f.push(f.rare);
  f.history.evict_oldest_of(f.busy);
  CHECK(f.topics[f.busy].evicted.through == 2);
  CHECK(f.topics[f.busy].evicted.number == 1);
  f.history.evict_oldest_of(f.rare);
  CHECK(f.topics[f.rare].evicted.through == 1);
  CHECK(f.topics[f.rare].evicted.number == 2);
  CHECK(f.history.evicted().through == 2);
  CHECK(f.history.evicted().number == 2);
  CHECK(f.history.bytes() == f.topics[f.busy].bytes + f.topics[f.rare].bytes);
  CHECK(f.history.events() == 2);
}

TEST_CASE("a place in a long chain is found without walking there") {
  HistoryFixture f;
  for (int i = 0; i < 62'500; ++i) f.push(f.busy);
  for (int i = 0; i < 1'000; ++i) f.history.evict_oldest_of(f.busy);
  const Topic& topic = f.topics[f.busy];
  for (std::uint64_t count = 1; count <= topic.events; count += 97) {
    std::size_t looks = 0;
    const auto found = f.history.oldest_wanted(topic, [&](std::uint64_t number, std::uint64_t) {
      ++looks;
      return number + count > topic.published;
    });
    REQUIRE(f.history.at(found).sequence == f.sequence - count + 1);
    REQUIRE(looks <= 16 * 16);
  }
}

TEST_CASE("chains and places hold through growing, holes and packing") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  HistoryFixture f;
  std::vector<std::vector<std::uint64_t>> model(2);
  for (int i = 0; i < 6'000; ++i) {
    // First it grows, then it mostly shrinks, again and again.
    const bool growing = i / 500 % 2 == 0;
    const TopicRow row = random() % 8 == 0 ? f.rare : f.busy;
    auto& own = model[row];
    if (random() % 10 < (growing ? 8U : 3U)) {
      f.push(row);
      own.push_back(f.sequence);
    } else if (!own.empty()) {
      f.history.evict_oldest_of(row);
      own.erase(own.begin());
    }
    if (i % 16 != 0) continue;
    REQUIRE(f.chain(f.rare) == model[f.rare]);
    REQUIRE(f.chain(f.busy) == model[f.busy]);
    for (const TopicRow searched : {f.rare, f.busy}) {
      const Topic& topic = f.topics[searched];
      if (topic.events == 0) continue;
      const std::uint64_t back = random() % (topic.events + 2);
      const auto by_number = [&](std::uint64_t number, std::uint64_t) {
        return number + back >= topic.published;
      };
      const auto by_sequence = [&](std::uint64_t, std::uint64_t sequence) {
        return sequence + back >= f.history.at(topic.newest).sequence;
      };
      REQUIRE(f.history.at(f.history.oldest_wanted(topic, by_number)).sequence ==
              f.walked(searched, by_number));
      REQUIRE(f.history.at(f.history.oldest_wanted(topic, by_sequence)).sequence ==
              f.walked(searched, by_sequence));
    }
    const std::uint64_t after = random() % (f.sequence + 2);
    const History::Position at = f.history.first_after(after);
    if (at != f.history.end()) REQUIRE(f.history.at(at).sequence > after);
    if (at != f.history.front()) REQUIRE(f.history.at(at - 1).sequence <= after);
  }
}

}  // namespace crier::broadcast
