// Allocations of the hot path, and memory after a burst.
#include "tests/broadcast/streams/allocations.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

// A worker with many topics of one stream each, and a batch with an event for each topic.
struct OneStreamTopics {
  explicit OneStreamTopics(std::size_t count) : f(TopicClass{}, options_for(count)) {
    const auto made = std::make_shared<Batch>();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string topic = "t" + std::to_string(i);
      streams.push_back(f.open({topic}));
      made->push_back(append(f.log, {.topic = topic, .data = "x"}, f.now, &f.account));
    }
    batch = made;
    forget_sent();
  }
  static WorkerOptions options_for(std::size_t count) {
    WorkerOptions options;
    options.streams_max = options.topics_max = count;
    return options;
  }
  void forget_sent() {
    for (const auto& stream : streams) f.take_sent(stream);
  }
  void serve() {
    f.worker->take_batch(batch);
    while (f.worker->unfinished()) f.worker->run(f.now);
  }

  WorkerFixture f;
  std::vector<WorkerFixture::Opened> streams;
  SharedBatch batch;
};

}  // namespace

TEST_CASE("an event of a topic with one stream allocates nothing") {
  constexpr std::size_t kTopics = 2'000;
  OneStreamTopics topics(kTopics);
  for (const auto& stream : topics.streams) topics.f.io[stream.fd].sent.reserve(1'000);
  const std::size_t before = allocations().count;
  topics.serve();
  CHECK(topics.f.stats.events_delivered.read() == kTopics);
  CHECK(allocations().count - before < kTopics / 10);  // Lists grow by doubling.
}

TEST_CASE("a burst over many topics leaves no memory behind") {
  constexpr std::size_t kTopics = 100'000;
  OneStreamTopics topics(kTopics);
  const std::ptrdiff_t before = allocations().in_use;
  topics.f.worker->take_batch(topics.batch);
  CHECK(allocations().in_use - before > std::ptrdiff_t{kTopics} * 8);
  while (topics.f.worker->unfinished()) topics.f.worker->run(topics.f.now);
  topics.forget_sent();
  CHECK(topics.f.stats.events_delivered.read() == kTopics);
  CHECK(allocations().in_use - before < 64 * 1'024);
}

TEST_CASE("sockets that become writable at once leave no memory behind") {
  constexpr std::size_t kStreams = 20'000;
  OneStreamTopics topics(kStreams);
  const std::ptrdiff_t before = allocations().in_use;
  for (const auto& stream : topics.streams) topics.f.io[stream.fd].room = 0;
  topics.serve();
  for (const auto& stream : topics.streams) {
    topics.f.io[stream.fd].room = ScriptedIo::kUnlimited;
    topics.f.worker->on_writable(stream.token, topics.f.now);
  }
  REQUIRE(topics.f.worker->unfinished());  // Most streams are drained in later slices.
  while (topics.f.worker->unfinished()) topics.f.worker->run(topics.f.now);
  topics.forget_sent();
  CHECK(topics.f.stats.events_delivered.read() == kStreams);
  CHECK(allocations().in_use - before < 64 * 1'024);
}

}  // namespace crier::broadcast
