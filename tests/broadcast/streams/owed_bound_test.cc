#include "broadcast/streams/owed_bound.h"

#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

constexpr std::uint64_t kBound = 100'000;
const std::string kData(1'000, 'x');

WorkerOptions bounded(std::uint32_t workers = 1) {
  WorkerOptions options;
  options.owed_total_bytes_max = kBound;
  options.workers = workers;
  return options;
}

std::uint64_t owed_memory(WorkerFixture& f, const WorkerFixture::Opened& of) {
  const Stream* stream = f.worker->streams().find(of.token);
  if (stream == nullptr || stream->owing == kNone) return 0;
  const Ring& ring = f.worker->streams().owing(*stream).ring;
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < ring.size(); ++i) bytes += ring[i]->memory_bytes();
  return bytes;
}

}  // namespace

TEST_CASE("the streams that are owed most give way and lose no event that the history holds") {
  TopicClass global;
  global.history.events_max = 40;
  global.policy =
      GENERATE(OverflowPolicy::catch_up, OverflowPolicy::drop_oldest, OverflowPolicy::disconnect);
  WorkerFixture f(global, bounded());
  const auto small = f.open({"small"});
  const auto large = f.open({"large"});
  f.io[small.fd].room = f.io[large.fd].room = 0;
  f.publish({"small"}, kData);
  for (int i = 0; i < 300; ++i) {
    f.publish({"large"}, kData);
    f.run();
    REQUIRE(owed_memory(f, small) + owed_memory(f, large) <= kBound + 50'000);
  }
  CHECK(f.stats.gave_way.read() > 0);
  f.unblock(small);
  f.unblock(large);
  f.answer_all();
  CHECK(count_of(f.io[small.fd].sent, kData) == 1);
  CHECK(count_of(f.io[small.fd].sent, "crier.gap") == 0);
  const std::string& sent = f.io[large.fd].sent;
  if (global.policy == OverflowPolicy::disconnect) {
    CHECK(f.ended == std::vector{EndReason::overflow});
    CHECK(count_of(sent, "\"reason\":\"overflow\"") == 1);
  } else {
    CHECK(f.ended.empty());
    CHECK(count_of(sent, "crier.gap") >= 1);
    CHECK(count_of(sent, "id: " + f.id(301) + "\ndata: x") == 1);
    CHECK(count_of(sent, kData) >= 40);
    CHECK(f.state(large) == StreamState::live);
  }
}

TEST_CASE("events that the history holds do not count, however many streams are owed them") {
  WorkerFixture f({}, bounded());
  std::vector<WorkerFixture::Opened> stopped;
  for (int i = 0; i < 50; ++i) {
    stopped.push_back(f.open({"a"}));
    f.io[stopped.back().fd].room = 0;
  }
  for (int i = 0; i < 200; ++i) f.publish({"a"}, kData);
  f.run();
  CHECK(f.stats.queue_bytes.read() > 50 * 200 * kData.size());
  CHECK(f.stats.gave_way.read() == 0);
}

TEST_CASE("a worker whose rings hold less than its part does nothing") {
  TopicClass global;
  global.history.events_max = 0;
  WorkerFixture f(global, bounded(4));
  const auto stopped = f.open({"a"});
  f.io[stopped.fd].room = 0;
  f.account.bytes += 2 * kBound;  // Frames that another worker's streams hold.
  for (int i = 0; i < 20; ++i) f.publish({"a"}, kData);
  f.run();
  CHECK(f.stats.gave_way.read() == 0);
  for (int i = 0; i < 20; ++i) f.publish({"a"}, kData);
  f.run();
  CHECK(f.stats.gave_way.read() == 1);
  CHECK(owed_memory(f, stopped) <= kBound / 8);
  f.account.bytes -= 2 * kBound;
}

TEST_CASE("streams with a begun event are closed last") {
  TopicClass global;
  global.history.events_max = 0;
  WorkerFixture f(global, bounded());
  std::vector<WorkerFixture::Opened> stopped;
  for (int i = 0; i < 200; ++i) {
    stopped.push_back(f.open({"t." + std::to_string(i)}));
    f.io[stopped.back().fd].room = 10;
  }
  for (int i = 0; i < 200; ++i) f.publish({"t." + std::to_string(i)}, kData);
  f.run();
  CHECK(f.stats.gave_way.read() == 0);
  CHECK(f.ended.size() > 50);
  CHECK(f.ended.size() < 150);
  CHECK(f.ended == std::vector(f.ended.size(), EndReason::no_memory));
  CHECK(f.worker->consistent());
}

TEST_CASE("no stream is closed once the bound is kept") {
  TopicClass global;
  global.history.events_max = 0;
  WorkerFixture f(global, bounded());
  const auto open_and_begin = [&](const std::string& topic) { f.io[f.open({topic}).fd].room = 10; };
  for (int i = 0; i < 60; ++i) open_and_begin("t." + std::to_string(i));
  for (int i = 0; i < 200; ++i) open_and_begin("shared");  // One frame in 200 rings.
  for (int i = 0; i < 60; ++i) f.publish({"t." + std::to_string(i)}, kData);
  f.publish({"shared"}, kData);
  f.account.bytes += kBound - 50 * kData.size();  // Another's.
  f.run();
  CHECK(f.ended.size() > 10);
  CHECK(f.ended.size() < 40);
  f.account.bytes -= kBound - 50 * kData.size();
}

TEST_CASE("a slot whose memory went back to the system is skipped") {
  constexpr std::size_t kSlotsGivenBackTogether = 1'024;
  TopicClass global;
  global.history.events_max = 0;
  WorkerFixture f(global, bounded());
  std::vector<WorkerFixture::Opened> left;
  while (left.size() < kSlotsGivenBackTogether) left.push_back(f.open({"left"}));
  for (int i = 0; i < 200; ++i) f.io[f.open({"t." + std::to_string(i)}).fd].room = 10;
  for (const auto& stream : left) f.worker->on_peer_closed(stream.token);
  f.run();
  REQUIRE(f.worker->open_streams() == 200);
  for (int i = 0; i < 200; ++i) f.publish({"t." + std::to_string(i)}, kData);
  f.run();
  CHECK(f.worker->open_streams() > 50);
  CHECK(f.worker->open_streams() < 150);
  CHECK(f.worker->consistent());
}

}  // namespace crier::broadcast
