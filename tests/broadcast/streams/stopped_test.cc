// Streams that stop together: neither their rings that grow nor their rings that are dropped hold
// up the others.
#include "core/turn_limits.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kStopped = 256;
constexpr std::uint32_t kRingFrames = 512;

WorkerOptions options_of_stopped() {
  WorkerOptions options;
  options.owed_events_max = kRingFrames;
  options.ring_frames_max = kRingFrames;
  return options;
}

// Streams of topic a that all stopped before the next event.
std::vector<WorkerFixture::Opened> open_stopped(WorkerFixture& f) {
  std::vector<WorkerFixture::Opened> streams;
  for (std::size_t i = 0; i < kStopped; ++i) {
    streams.push_back(f.open({"a"}));
    f.io[streams.back().fd].room = 0;
  }
  return streams;
}

}  // namespace

TEST_CASE("rings that fill together grow one after another") {
  WorkerFixture f({}, options_of_stopped());
  open_stopped(f);
  std::size_t grown = 0;
  for (std::uint32_t events = 1; events <= kRingFrames; ++events) {
    const std::uint64_t before = f.stats.ring_bytes.read();
    f.publish({"a"});
    f.run();
    const std::uint64_t more = f.stats.ring_bytes.read() - before;
    if (events <= 64) continue;
    const std::uint32_t smaller = std::bit_ceil(events) / 2;
    CHECK(more <= 2 * kStopped / (smaller / 2) * smaller * sizeof(FrameRef));
    grown += more / (smaller * sizeof(FrameRef));
  }
  CHECK(grown >= 2 * kStopped);
  CHECK(f.stats.ring_bytes.read() == kStopped * kRingFrames * sizeof(FrameRef));
  CHECK(f.stats.overflows.read() == 0);
}

TEST_CASE("rings that are full together are dropped in slices") {
  WorkerFixture f({}, options_of_stopped());
  const auto healthy = f.open({"a"});
  const auto stopped = open_stopped(f);
  for (std::uint32_t i = 0; i < kRingFrames; ++i) {
    f.publish({"a"});
    f.run();
  }
  const std::uint64_t ring = f.stats.queue_bytes.read() / kStopped;
  const std::size_t heard = f.ids_sent(healthy).size();
  f.publish({"a"});
  std::uint64_t left = f.stats.queue_bytes.read();
  bool told = false;
  while (f.worker->unfinished()) {
    f.worker->run(f.now);
    const std::uint64_t dropped = left - f.stats.queue_bytes.read();
    CHECK(dropped <= ring * (1 + kSliceSteps * kReferencesPerStep / kRingFrames));
    left -= dropped;
    if (told || f.ids_sent(healthy).size() == heard) continue;
    told = true;  // Before most of the rings were dropped.
    CHECK(left > ring * kStopped / 2);
  }
  f.worker->finish_turn(f.now);
  CHECK(told);
  CHECK(left == 0);
  CHECK(f.stats.overflows.read() == kStopped);
  for (const auto& stream : stopped) CHECK(f.state(stream) == StreamState::replaying);

  const std::vector<std::uint64_t> all = f.ids_sent(healthy);
  for (const auto& stream : stopped) f.unblock(stream);
  f.answer_all();
  for (const auto& stream : stopped) {
    CHECK(f.ids_sent(stream) == all);
    CHECK(f.state(stream) == StreamState::live);
  }
}

TEST_CASE("a stream that reads again before its full ring is dropped misses and repeats nothing") {
  WorkerFixture f({}, options_of_stopped());
  const auto stopped = open_stopped(f);
  for (std::uint32_t i = 0; i <= kRingFrames; ++i) f.publish({"a"});
  while (f.stats.overflows.read() < kStopped) f.worker->run(f.now);
  REQUIRE(f.stats.queue_bytes.read() > 0);
  const std::size_t some = GENERATE(std::size_t{0}, std::size_t{25}, std::size_t{5'000});
  for (const auto& stream : stopped) {
    f.io[stream.fd].room = some;
    f.worker->on_writable(stream.token, f.now);
  }
  f.run();
  CHECK(f.worker->streams().size() == kStopped);
  for (const auto& stream : stopped) f.unblock(stream);
  f.answer_all();
  for (const auto& stream : stopped) {
    const std::vector<std::uint64_t> ids = f.ids_sent(stream);
    REQUIRE(ids.size() == kRingFrames + 1);
    for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == ids[0] + i);
    CHECK(f.state(stream) == StreamState::live);
  }
}

}  // namespace crier::broadcast
