// The small parts of a worker, each alone: patterns, the queue for replays, rings, resume plans,
// crier's own events.
#include <sys/mman.h>

#include <algorithm>

#include "broadcast/streams/own_events.h"
#include "broadcast/streams/pattern_index.h"
#include "broadcast/streams/replay_queue.h"
#include "broadcast/streams/resume.h"
#include "broadcast/streams/ring_pool.h"
#include "core/random.h"
#include "core/text/event_id.h"
#include "core/topic.h"
#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

std::string random_name(Random& random, bool pattern) {
  static constexpr std::string_view kTokens[] = {"a", "b", "aa", "*", ">"};
  std::string name;
  for (std::uint32_t i = random.between(1, 4); i > 0; --i) {
    const std::string_view token = kTokens[random.between(0, pattern ? 4 : 2)];
    if (!name.empty()) name += '.';
    name += token;
    if (token == ">") break;
  }
  return name;
}

std::size_t resident_pages(const void* from, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(from) & ~(kPageBytes - 1);
  std::vector<unsigned char> pages(bytes / kPageBytes);
  REQUIRE(::mincore(reinterpret_cast<void*>(address), bytes, pages.data()) == 0);
  return static_cast<std::size_t>(
      std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

}  // namespace

TEST_CASE("the pattern index agrees with matches() while patterns come and go") {
  Random random(GENERATE(range(1U, 11U)));
  PatternIndex index;
  std::vector<std::string> present;
  for (int i = 0; i < 400; ++i) {
    const std::string pattern = random_name(random, true);
    if (!Selector::parse(pattern)->is_pattern()) continue;
    const auto found = std::ranges::find(present, pattern);
    if (found == present.end()) {
      index.add(pattern, static_cast<std::uint32_t>(present.size()));
      present.push_back(pattern);
    } else if (random.between(0, 1) == 0) {
      const auto row = static_cast<std::uint32_t>(found - present.begin());
      index.remove(pattern);
      // The last pattern moves here, so that rows stay numbered by position.
      if (row + 1 < present.size()) {
        index.remove(present.back());
        *found = present.back();
        index.add(*found, row);
      }
      present.pop_back();
    }
    CHECK(index.size() == present.size());
    const std::string topic = random_name(random, false);
    std::vector<std::uint32_t> rows;
    index.match(topic, rows);
    std::ranges::sort(rows);
    std::vector<std::uint32_t> expected;
    for (std::uint32_t row = 0; row < present.size(); ++row) {
      if (matches(present[row], topic)) expected.push_back(row);
    }
    CHECK(rows == expected);
  }
}

TEST_CASE("one replay for each address while others wait, the rest in order") {
  ReplayQueue queue;
  const auto stream = [](StreamIndex index) { return StreamToken{1, index}; };
  for (const StreamIndex i : {1U, 2U, 3U}) queue.add(stream(i), 7);
  queue.add(stream(4), 8);
  CHECK(queue.waiting() == 4);
  CHECK(queue.next() == stream(1));
  CHECK(queue.next() == stream(4));
  CHECK(queue.in_flight() == 2);
  queue.add(stream(5), 9);
  queue.answered(stream(1));
  CHECK(queue.next() == stream(5));
  CHECK(queue.next() == stream(2));
  queue.put_back(stream(2));
  CHECK(queue.waiting() == 2);
  CHECK(queue.next() == stream(2));
  for (const StreamIndex i : {2U, 4U, 5U}) queue.answered(stream(i));
  CHECK(queue.next() == stream(3));
  queue.answered(stream(3));
  CHECK(queue.next() == std::nullopt);
  CHECK(queue.waiting() == 0);
  CHECK(queue.in_flight() == 0);
}

TEST_CASE("an address has several replays while no other waits, and waiting addresses take turns") {
  ReplayQueue queue;
  const auto stream = [](StreamIndex index) { return StreamToken{1, index}; };
  for (const StreamIndex i : {1U, 2U, 3U, 4U}) queue.add(stream(i), 7);
  for (const StreamIndex i : {1U, 2U}) CHECK(queue.next() == stream(i));
  for (const StreamIndex i : {11U, 12U, 13U}) queue.add(stream(i), 8);
  CHECK(queue.next() == stream(11));
  for (const StreamIndex i : {3U, 12U, 4U}) CHECK(queue.next() == stream(i));
  queue.put_back(stream(4));
  for (const StreamIndex i : {4U, 13U}) CHECK(queue.next() == stream(i));
  CHECK(queue.next() == std::nullopt);
  CHECK(queue.in_flight() == 7);
  for (const StreamIndex i : {1U, 2U, 3U, 4U, 11U, 12U, 13U}) queue.answered(stream(i));
  CHECK(queue.in_flight() == 0);
}

TEST_CASE("many addresses that wait for replays leave no memory behind") {
  constexpr StreamIndex kCrowd = 100'000;
  ReplayQueue queue;
  // Hashes of addresses are spread over all 64 bits.
  for (StreamIndex i = 0; i < kCrowd; ++i) queue.add({1, i}, (i + 1) * 0x9E3779B97F4A7C15);
  CHECK(queue.storage_bytes() <= std::size_t{kCrowd} * 100);
  for (StreamIndex i = 0; i < kCrowd; ++i) {
    REQUIRE(queue.next() == StreamToken{1, i});
    queue.answered({1, i});
  }
  CHECK(queue.waiting() == 0);
  CHECK(queue.storage_bytes() == 0);
}

TEST_CASE("the ring pool is bounded and gives memory back to the system") {
  constexpr std::size_t kRings = 4'096;
  constexpr std::size_t kBytes = kRings * RingPool::kSmallest * sizeof(FrameRef);
  RingPool pool(1'024, kBytes);
  std::vector<std::span<FrameRef>> rings;
  const FrameRef frame = Frame::make_raw("x");
  for (std::size_t i = 0; i < kRings; ++i) {
    rings.push_back(pool.rent(RingPool::kSmallest));
    REQUIRE(rings.back().size() == RingPool::kSmallest);
    rings.back()[3] = frame;
  }
  CHECK(pool.rent(RingPool::kSmallest).empty());
  CHECK(pool.rented_bytes() == kBytes);
  const void* base = rings.front().data();
  CHECK(resident_pages(base, kBytes) == kBytes / kPageBytes);
  for (auto& ring : rings) {
    ring[3] = FrameRef();
    pool.give_back(ring);
  }
  CHECK(pool.rented_bytes() == 0);
  CHECK(resident_pages(base, kBytes) == 0);
}

TEST_CASE("large rings never take the room of the smallest ones") {
  constexpr std::size_t kBytes = 4 * 1'024 * sizeof(FrameRef);
  RingPool pool(1'024, kBytes);
  std::vector<std::span<FrameRef>> large;
  while (large.size() < 5 && (large.empty() || !large.back().empty())) {
    large.push_back(pool.rent(1'024));
  }
  CHECK(large.size() == 5);
  CHECK(large.back().empty());
  CHECK(pool.rent(16).empty());
  const auto small = pool.rent(RingPool::kSmallest);
  CHECK(small.size() == RingPool::kSmallest);
  pool.give_back(small);
  large.pop_back();
  for (const auto& ring : large) pool.give_back(ring);
  CHECK(pool.rented_bytes() == 0);
}

TEST_CASE("an id becomes a resume plan") {
  const Epoch epoch = Epoch::from_random(1);
  const auto id = [&](std::uint64_t sequence) { return to_string(EventId{epoch, sequence}); };
  struct Row {
    std::string name;
    std::string value;
    ResumePlan::Kind kind;
    ReplayFrom from;
    std::uint64_t after;
    bool keeps_id;
  };
  using Kind = ResumePlan::Kind;
  const Row row = GENERATE_COPY(values<Row>({
      {"none", "", Kind::live, ReplayFrom::sequence, 10, false},
      {"behind", id(4), Kind::replay, ReplayFrom::sequence, 4, true},
      {"from before all", id(0), Kind::replay, ReplayFrom::sequence, 0, true},
      {"at the head", id(10), Kind::live, ReplayFrom::sequence, 10, true},
      {"beyond the head", id(11), Kind::unknown_id, ReplayFrom::sequence, 10, false},
      {"malformed", "10", Kind::unknown_id, ReplayFrom::sequence, 10, false},
      {"with a leading zero", id(4).replace(14, 1, "04"), Kind::unknown_id, ReplayFrom::sequence,
       10, false},
      {"of another epoch", to_string(EventId{Epoch::from_random(2), 99}), Kind::replay,
       ReplayFrom::restarted, 0, true},
  }));
  INFO(row.name);
  const ResumePlan plan = plan_resume(row.value, epoch, 10);
  CHECK(plan.kind == row.kind);
  CHECK(plan.from == row.from);
  CHECK(plan.after == row.after);
  CHECK(plan.id == (row.keeps_id ? row.value : ""));
}

TEST_CASE("crier's own events have exactly this text") {
  const Epoch epoch = Epoch::from_random(1);
  const std::string id = to_string(EventId{epoch, 5});
  std::string text;
  append_open_event(text, id, 1'500);
  CHECK(text ==
        "id: " + id + "\nevent: crier.open\nretry: 1500\ndata: {\"position\":\"" + id + "\"}\n\n");
  text.clear();
  append_gap_event(text, {GapReason::unknown_id, std::nullopt, 5}, epoch);
  CHECK(text == "id: " + id +
                    "\nevent: crier.gap\ndata: {\"reason\":\"unknown-id\",\"missed\":null,"
                    "\"resumed_at\":\"" +
                    id + "\"}\n\n");
  text.clear();
  append_gap_event(text, {GapReason::overflow, 3, 5}, epoch);
  CHECK(text.find("{\"reason\":\"overflow\",\"missed\":3,") != std::string::npos);
  text.clear();
  append_end_event(text, "drained", 2'000);
  CHECK(text == "event: crier.end\nretry: 2000\ndata: {\"reason\":\"drained\"}\n\n");
  text.clear();
  append_padding(text);
  CHECK(text.size() == 2'050);
  CHECK(text.starts_with(':'));
  CHECK(text.find('\n') == 2'049);
}

}  // namespace crier::broadcast
