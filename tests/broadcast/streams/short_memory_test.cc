// What a worker does while memory is short.
#include "broadcast/streams/own_events.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

struct ShortMemory {
  static WorkerOptions with(const std::atomic<MemoryStage>* stage) {
    WorkerOptions options;
    options.memory_stage = stage;
    options.owed_bytes_max = 8'000;
    return options;
  }

  std::atomic<MemoryStage> stage{MemoryStage::ok};
  WorkerFixture f{{}, with(&stage)};
};

std::uint32_t retry_in(const std::string& sent) {
  const std::size_t at = sent.rfind("retry: ");
  REQUIRE(at != std::string::npos);
  return static_cast<std::uint32_t>(std::stoul(sent.substr(at + 7)));
}

}  // namespace

TEST_CASE("new streams are refused from the stage refuse_streams on, and open ones go on") {
  ShortMemory m;
  const auto open = m.f.open({"a"});
  for (const MemoryStage stage :
       {MemoryStage::refuse_streams, MemoryStage::end_streams, MemoryStage::refuse_events}) {
    m.stage = stage;
    const auto refused = m.f.worker->reserve({}, m.f.now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Refused::memory);
  }
  CHECK(m.f.counts.streams == 1);
  m.f.take_sent(open);
  m.f.publish({"a"});
  m.f.run();
  CHECK(count_of(m.f.take_sent(open), "data: x") == 1);
  m.stage = MemoryStage::replays_wait;
  m.f.open({"a"});
}

TEST_CASE("replays wait while the stage is replays_wait or higher, and go on after it") {
  ShortMemory m;
  m.f.publish({"a"});
  m.f.run();
  m.stage = MemoryStage::replays_wait;
  const auto stream =
      m.f.open({"a"}, {.kind = ResumePlan::Kind::replay, .from = ReplayFrom::earliest});
  m.f.pass_seconds(5);
  m.f.run();
  CHECK(m.f.asked == 0);
  CHECK(m.f.ended.empty());
  m.stage = MemoryStage::warn;
  m.f.pass_seconds(1);
  CHECK(m.f.asked == 1);
  m.f.answer_all();
  CHECK(m.f.ids_sent(stream) == std::vector<std::uint64_t>{1});
}

TEST_CASE("the streams that are owed most end first, one second after another") {
  ShortMemory m;
  const std::string data(500, 'd');
  std::vector<WorkerFixture::Opened> streams;
  // Stream i is owed about 1,000 << i bytes.
  for (int i = 0; i < 3; ++i) {
    streams.push_back(m.f.open({"t." + std::to_string(i)}, {}, Framing::plain, 400));
    m.f.publish(std::vector<std::string>(std::size_t{2} << i, "t." + std::to_string(i)), data);
    m.f.run();
  }
  const auto reader = m.f.open({"t.0"});
  m.f.pass_seconds(1);
  CHECK(m.f.ended.empty());
  const auto told = [&](std::size_t i) {
    m.f.io[streams[i].fd].room = ScriptedIo::kUnlimited;
    m.f.worker->on_writable(streams[i].token, m.f.now);
    m.f.run();
    return m.f.io[streams[i].fd].sent;
  };
  m.stage = MemoryStage::end_streams;
  m.f.pass_seconds(1);
  CHECK(m.f.state(streams[2]) == StreamState::ending);
  CHECK(m.f.state(streams[1]) == StreamState::owing);
  CHECK(m.f.state(streams[0]) == StreamState::owing);
  m.f.pass_seconds(1);
  CHECK(m.f.state(streams[1]) == StreamState::ending);
  CHECK(m.f.state(streams[0]) == StreamState::owing);
  m.stage = MemoryStage::refuse_streams;
  m.f.pass_seconds(1);
  CHECK(m.f.state(streams[0]) == StreamState::owing);
  CHECK(m.f.state(reader) == StreamState::live);

  // The event that was begun is finished, then comes the end.
  const std::string sent = told(2);
  CHECK(count_of(sent, data) == 1);
  CHECK(count_of(sent, "event: crier.end\n") == 1);
  CHECK(count_of(sent, "data: {\"reason\":\"memory\"}") == 1);
  CHECK(retry_in(sent) >= kLongRetryMsMin);
  CHECK(retry_in(sent) <= kLongRetryMsMax);
  CHECK(m.f.ended == std::vector{EndReason::memory});
  CHECK(m.f.io[streams[2].fd].closed);
  CHECK(count_of(told(0), data) == 2);
}

}  // namespace crier::broadcast
