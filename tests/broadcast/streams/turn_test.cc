// The work of one turn is bounded in bytes, not only in streams.
#include "core/turn_limits.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kSliceBytes = kSliceSteps * kBytesPerStep;
const std::string kLarge(100'000, 'x');

}  // namespace

TEST_CASE("a slice of a broadcast is bounded in bytes") {
  WorkerFixture f;
  const bool multi = GENERATE(false, true);
  for (int i = 0; i < 200; ++i) multi ? f.open({"a", "b"}) : f.open({"a"});
  f.publish({"a"}, kLarge);
  for (std::uint64_t before = f.stats.bytes_sent.read(); f.worker->unfinished();) {
    f.worker->run(f.now);
    CHECK(f.stats.bytes_sent.read() - before <= kSliceBytes + kLarge.size());
    before = f.stats.bytes_sent.read();
  }
  CHECK(f.stats.events_delivered.read() == 200);
}

TEST_CASE("sockets that become writable at once are served in slices, and each is served") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 200; ++i) {
    streams.push_back(f.open({"a"}));
    f.io[streams.back().fd].room = 0;
  }
  f.publish({"a"}, kLarge);
  f.run();
  const std::uint64_t before = f.stats.bytes_sent.read();
  for (const auto& stream : streams) {
    f.io[stream.fd].room = ScriptedIo::kUnlimited;
    f.worker->on_writable(stream.token, f.now);
  }
  CHECK(f.stats.bytes_sent.read() - before <= kSliceBytes + kLarge.size());
  for (std::uint64_t sent = f.stats.bytes_sent.read(); f.worker->unfinished();) {
    f.worker->run(f.now);
    CHECK(f.stats.bytes_sent.read() - sent <= kSliceBytes + 2 * kLarge.size());
    sent = f.stats.bytes_sent.read();
  }
  f.worker->finish_turn(f.now);
  for (const auto& stream : streams) CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("a broadcast continues while many sockets become writable in every turn") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(f.open({"slow"}));
    f.io[slow.back().fd].room = 0;
  }
  for (int i = 0; i < 100; ++i) f.open({"all"});
  for (int i = 0; i < 5; ++i) f.publish({"slow"}, kLarge);
  f.run();
  f.publish({"all"});
  const std::uint64_t before = f.stats.events_delivered.read();
  for (int slices = 0; f.stats.events_delivered.read() < before + 100; ++slices) {
    REQUIRE(slices < 40);
    for (const auto& stream : slow) {
      f.io[stream.fd].room = 10;
      f.worker->on_writable(stream.token, f.now);
    }
    f.worker->run(f.now);
    f.worker->finish_turn(f.now);
  }
}

TEST_CASE("answers of one turn are bounded in bytes") {
  WorkerFixture f;
  f.publish({"a", "a"}, kLarge);
  f.run();
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::earliest;
  for (int i = 0; i < 60; ++i) f.open({"a"}, plan);
  f.run();
  REQUIRE(f.requests.size() == 60);
  std::size_t turns = 0;
  for (; !f.requests.empty(); ++turns) {
    REQUIRE(turns < 60);
    const std::uint64_t before = f.stats.bytes_sent.read();
    while (!f.requests.empty() && f.worker->wants_input()) {
      f.worker->take_answer(f.log.replay(f.requests.front(), f.now), f.now);
      f.requests.pop_front();
    }
    CHECK(f.stats.bytes_sent.read() - before <= kTurnSteps * kBytesPerStep / 2 + 3 * kLarge.size());
    f.run();
    CHECK(f.worker->wants_input());
  }
  CHECK(turns >= 2);
  CHECK(f.stats.events_delivered.read() == 120);
}

}  // namespace crier::broadcast
