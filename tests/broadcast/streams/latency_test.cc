#include "broadcast/streams/delivery.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

// Bounds of buckets with their number of events, without empty buckets.
using Lateness = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Lateness lateness(const WorkerFixture& f) {
  Lateness seen;
  for (std::size_t i = 0; i < kLatencyBounds.size(); ++i) {
    const std::uint64_t count = f.stats.latency.bucket(i);
    if (count > 0) seen.emplace_back(kLatencyBounds[i], count);
  }
  return seen;
}

ResumePlan from_earliest() {
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::earliest;
  return plan;
}

}  // namespace

TEST_CASE("an event's latency is from its own acceptance to its own write") {
  WorkerFixture f;
  f.open({"a"});
  f.publish({"a", "a"});
  f.now.us += 900'000;
  f.publish({"a"});
  f.now.us += 200;
  const std::size_t writes = f.io.total_writes();
  f.run();
  CHECK(f.io.total_writes() - writes == 1);
  CHECK(lateness(f) == Lateness{{250, 1}, {1'000'000, 2}});
  CHECK(f.stats.latency.sum() == 2 * 900'200 + 200);
}

TEST_CASE("a replay of events that a client missed while away is not observed") {
  WorkerFixture f;
  f.publish({"a", "a", "a"});
  f.run();
  f.now.us += 3'000'000;
  const bool slow = GENERATE(false, true);  // With true, part of the answer goes through the ring.
  const auto stream = f.open({"a"}, from_earliest());
  if (slow) f.io[stream.fd].room = 1;
  f.run();
  f.answer_all();
  f.unblock(stream);
  REQUIRE(f.ids_sent(stream) == std::vector<std::uint64_t>{1, 2, 3});
  REQUIRE(f.state(stream) == StreamState::live);
  CHECK(lateness(f).empty());
  f.publish({"a"});
  f.now.us += 400;
  f.run();
  CHECK(lateness(f) == Lateness{{500, 1}});
}

TEST_CASE("an event published while the stream was open is observed, live or replayed") {
  WorkerFixture f;
  f.publish({"a"});
  f.run();
  f.now.us += 3'000'000;
  const auto resuming = f.open({"a"}, from_earliest());
  f.run();
  f.now.us += 50'000;
  f.publish({"a"});
  f.run();
  f.now.us += 80'000;
  f.answer_all();
  REQUIRE(f.ids_sent(resuming) == std::vector<std::uint64_t>{1, 2});
  CHECK(lateness(f) == Lateness{{100'000, 1}});
}

TEST_CASE("the time of a slice is late by at most a few writes") {
  WorkerFixture f;
  for (int i = 0; i < 200; ++i) f.open({"all"});
  for (int i = 0; i < 200; ++i) f.open({"none", "all"});
  f.publish({"all"});
  for (std::size_t before = 0; f.worker->unfinished();) {
    f.now.us += 1'000;
    f.worker->run(f.now);
    CHECK(f.stats.events_delivered.read() - before <= 16);
    before = f.stats.events_delivered.read();
  }
  CHECK(f.stats.events_delivered.read() == 400);
  CHECK(f.stats.latency.bucket(f.stats.latency.bounds().size()) == 0);
  CHECK(f.stats.latency.sum() >= 400 * 12'000);
}

}  // namespace crier::broadcast
