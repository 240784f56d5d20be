#include "broadcast/log/history.h"

#include <algorithm>
#include <iterator>
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

  // Finds the oldest wanted event by asking for each.
  template <typename Wanted>
  std::uint64_t walked(TopicRow row, Wanted wanted) const {
    const Topic& topic = topics[row];
    std::uint64_t number = topic.published - topic.events;
    for (const std::uint64_t event : chain(row)) {
      if (wanted(++number, event)) return event;
    }
    return 0;
  }

  // Returns a topic's sequences by its links, which must agree in both directions.
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

  // Returns the sequences of all topics, oldest first.
  std::vector<std::uint64_t> all() const {
    std::vector<std::uint64_t> found;
    for (auto at = history.front(); at != history.end(); at = history.after(at)) {
      REQUIRE(history.at(at).frame);
      found.push_back(history.at(at).sequence);
    }
    return found;
  }

  std::size_t room_max() const { return 2 * history.events() + 2 * History::kBlockEvents; }
};

}  // namespace

TEST_CASE("one old event of a rare topic does not keep the memory of later ones") {
  HistoryFixture f;
  f.push(f.rare);
  for (int i = 0; i < 100'000; ++i) {
    f.push(f.busy);
    if (f.topics[f.busy].events > 10) f.history.evict_oldest_of(f.busy);
    REQUIRE(f.history.room() <= f.room_max());
  }
  f.push(f.rare);
  CHECK(f.chain(f.rare) == std::vector<std::uint64_t>{1, 100'002});
  CHECK(f.chain(f.busy).size() == 10);
  CHECK(f.history.events() == 12);
  CHECK(f.history.oldest_topic() == f.rare);
}

TEST_CASE("evicting raises the loss of the topic and of the whole history") {
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

TEST_CASE("an event in a long chain is found without walking the chain") {
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

TEST_CASE("no call moves more than a block's entries, however many events there are") {
  HistoryFixture f;
  constexpr std::uint32_t kRetained = 500;
  std::vector<const History::Entry*> before;
  std::vector<const History::Entry*> after;
  std::size_t moved_ever = 0;
  // Every fourth event is of a topic that keeps its events, so that blocks become thin; then all
  // go.
  for (std::uint32_t i = 0; f.history.events() > 0 || i == 0; ++i) {
    if (i < 4 * kRetained) {
      f.push(i % 4 == 0 ? f.rare : f.busy);
      if (f.topics[f.busy].events > 100) f.history.evict_oldest_of(f.busy);
    } else {
      f.history.evict_oldest_of(f.history.oldest_topic());
    }
    after.clear();
    for (auto at = f.history.front(); at != f.history.end(); at = f.history.after(at)) {
      after.push_back(&f.history.at(at));
    }
    std::vector<const History::Entry*> kept = before;
    std::ranges::sort(kept);
    const auto moved = std::ranges::count_if(
        after, [&](const auto* entry) { return !std::ranges::binary_search(kept, entry); });
    REQUIRE(moved <= 1 + History::kBlockEvents);  // The new entry, and half a block per call.
    moved_ever += static_cast<std::size_t>(moved);
    before.swap(after);
  }
  CHECK(moved_ever > kRetained);
}

TEST_CASE("memory is given back when events are evicted, at either end") {
  HistoryFixture f;
  for (int i = 0; i < 10'000; ++i) f.push(i % 2 == 0 ? f.rare : f.busy);
  REQUIRE(f.history.room() >= 10'000);
  while (f.topics[f.busy].events > 0) {
    f.history.evict_oldest_of(f.busy);
    REQUIRE(f.history.room() <= f.room_max());
  }
  CHECK(f.history.room() <= 5'000 + 2 * History::kBlockEvents);
  while (f.history.events() > 0) {
    f.history.evict_oldest_of(f.rare);
    REQUIRE(f.history.room() <= f.room_max());
  }
  CHECK(f.history.room() == History::kBlockEvents);
  CHECK(f.history.front() == f.history.end());
  CHECK(f.history.first_after(0) == f.history.end());
  // Events that come and go at once need no more memory.
  for (int i = 0; i < 1'000; ++i) {
    f.push(f.busy);
    REQUIRE(f.all() == std::vector<std::uint64_t>{f.sequence});
    f.history.evict_oldest_of(f.busy);
    REQUIRE(f.history.room() == History::kBlockEvents);
  }
}

TEST_CASE("evicting the oldest events makes room when blocks run out") {
  TopicTable topics{4};
  const TopicRow row = topics.add(1, "t");
  History history(topics, 4);
  std::uint64_t sequence = 0;
  const auto push = [&] {
    history.push(row, Frame::make({.sequence = ++sequence}, "t", "data: x\n\n"));
  };
  while (!history.full()) push();
  REQUIRE(history.events() == 4 * History::kBlockEvents);
  for (int i = 0; i < 1'000; ++i) {
    std::uint32_t evicted = 0;
    for (; history.full(); ++evicted) history.evict_oldest_of(history.oldest_topic());
    REQUIRE(evicted <= History::kBlockEvents);
    push();
    REQUIRE(history.chained(row));
  }
  CHECK(history.at(history.front()).sequence > 700);
}

TEST_CASE("chains, positions and the overall order stay right while events come and go") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  HistoryFixture f;
  std::vector<std::vector<std::uint64_t>> model(2);
  for (int i = 0; i < 6'000; ++i) {
    // The history grows, then mostly shrinks, again and again.
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
    std::vector<std::uint64_t> every;
    std::ranges::merge(model[f.rare], model[f.busy], std::back_inserter(every));
    REQUIRE(f.all() == every);
    REQUIRE(f.history.room() <= f.room_max());
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
    const auto expected = std::ranges::upper_bound(every, after);
    REQUIRE((at == f.history.end()) == (expected == every.end()));
    if (expected != every.end()) REQUIRE(f.history.at(at).sequence == *expected);
  }
}

}  // namespace crier::broadcast
