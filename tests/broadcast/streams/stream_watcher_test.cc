// A watcher is told of streams, and of nothing once it is removed.
#include "broadcast/streams/stream_watcher.h"

#include <string>
#include <vector>

#include "tests/broadcast/streams/worker_fixture.h"
#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

class Recorder final : public StreamWatcher {
 public:
  void on_opened(StreamToken token, const Stream& stream, bool resumed) override {
    CHECK(stream.bytes_sent == 0);
    told.push_back(std::to_string(token.index) + (resumed ? " resumed" : " opened"));
  }
  void on_delivered(StreamToken token, const Stream& stream, Frames frames) override {
    std::uint32_t ordinal = stream.events_sent - static_cast<std::uint32_t>(frames.size());
    for (const Frame* frame : frames) {
      told.push_back(std::to_string(token.index) + " " + std::string(frame->topic()) + " " +
                     std::to_string(frame->sequence()) + " #" + std::to_string(++ordinal));
    }
  }
  void on_step(StreamToken token, const Stream&, StreamStep step) override {
    constexpr const char* kNames[] = {"fell behind", "asks history", "caught up"};
    told.push_back(std::to_string(token.index) + " " + kNames[static_cast<std::size_t>(step)]);
  }
  void on_gap(StreamToken token, const Stream&, const Gap& gap) override {
    told.push_back(std::to_string(token.index) + " gap " + std::to_string(gap.missed.value_or(0)));
  }

  std::vector<std::string> told;
};

TEST_CASE(
    "a watcher is told of each event that was sent whole, and when a stream falls behind or "
    "catches up") {
  WorkerFixture f;
  Recorder recorder;
  const auto one = f.open({"a"});
  f.open({"a", "b"});
  REQUIRE(one.token.index == 0);
  f.publish({"a"});
  f.run();  // No watcher is told.
  f.worker->watch(recorder);

  f.publish({"a", "b", "a"});
  f.run();
  std::vector<std::string> of_two;
  std::vector<std::string> of_one;
  for (const std::string& line : recorder.told) (line[0] == '0' ? of_one : of_two).push_back(line);
  CHECK(of_one == std::vector<std::string>{"0 a 2 #2", "0 a 4 #3"});
  CHECK(of_two == std::vector<std::string>{"1 a 2 #2", "1 b 3 #3", "1 a 4 #4"});

  recorder.told.clear();
  f.io[one.fd].room = 3;
  f.publish({"a"});
  f.run();
  of_one.clear();
  for (const std::string& line : recorder.told) {
    if (line[0] == '0') of_one.push_back(line);
  }
  CHECK(of_one == std::vector<std::string>{"0 fell behind"});
  recorder.told.clear();
  f.io[one.fd].room = ScriptedIo::kUnlimited;
  f.worker->on_writable(one.token, f.now);
  CHECK(recorder.told == std::vector<std::string>{"0 a 5 #4", "0 caught up"});

  recorder.told.clear();
  f.worker->unwatch(recorder);
  f.publish({"a"});
  f.run();
  CHECK(recorder.told.empty());
}

TEST_CASE("a watcher is told that a stream opened before anything else about it") {
  WorkerFixture f;
  Recorder recorder;
  f.worker->watch(recorder);
  ResumePlan unknown;
  unknown.kind = ResumePlan::Kind::unknown_id;
  f.open({"a"}, unknown);
  CHECK(recorder.told == std::vector<std::string>{"0 resumed", "0 gap 0"});
  recorder.told.clear();
  f.open({"a"});
  CHECK(recorder.told == std::vector<std::string>{"1 opened"});
  recorder.told.clear();
  ResumePlan replay;
  replay.kind = ResumePlan::Kind::replay;
  replay.from = ReplayFrom::earliest;
  f.open({"a"}, replay);
  REQUIRE_FALSE(recorder.told.empty());
  CHECK(recorder.told.front() == "2 resumed");
  recorder.told.clear();
  ResumePlan nothing_missed;
  const std::string id = f.id(0);
  nothing_missed.id = id;
  f.open({"a"}, nothing_missed);
  CHECK(recorder.told == std::vector<std::string>{"3 resumed"});
}

TEST_CASE("a watcher is told when a stream continues from the history, and of its gap") {
  WorkerOptions options;
  options.owed_events_max = 2;
  options.ring_frames_max = RingPool::kSmallest;
  TopicClass global;
  global.history.events_max = 3;
  WorkerFixture f(global, options);
  Recorder recorder;
  const auto one = f.open({"a"});
  f.worker->watch(recorder);
  f.io[one.fd].room = 0;
  f.publish(std::vector<std::string>(10, "a"));
  f.run();
  CHECK(recorder.told == std::vector<std::string>{"0 fell behind", "0 asks history"});
  recorder.told.clear();
  f.io[one.fd].room = ScriptedIo::kUnlimited;
  f.worker->on_writable(one.token, f.now);
  for (int turn = 0; turn < 20; ++turn) {
    f.run();
    f.answer_all();
  }
  REQUIRE(recorder.told.size() == 5);
  CHECK(recorder.told.front().starts_with("0 gap "));
  CHECK(recorder.told[1].starts_with("0 a 8 #"));
  CHECK(recorder.told.back() == "0 caught up");
}

}  // namespace
}  // namespace crier::broadcast
