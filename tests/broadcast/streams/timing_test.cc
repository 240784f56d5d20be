#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {

TEST_CASE("fan-out is timed once for each topic of a batch that a stream wants") {
  WorkerFixture f;
  for (int i = 0; i < 3; ++i) f.open({"a"});
  f.open({"b"});
  f.publish({"a", "a", "b", "unwanted"});
  f.now.us += 700;
  f.run();
  CHECK(f.stats.fanout.count() == 2);
  CHECK(f.stats.fanout.sum() == 1'400);
  CHECK(f.stats.batch_events.count() == 1);
  CHECK(f.stats.batch_events.sum() == 4);
}

TEST_CASE("fan-out is timed at its last stream") {
  WorkerFixture f;
  for (int i = 0; i < 100; ++i) f.open({"a"});
  f.publish({"a"});
  f.worker->run(f.now);
  REQUIRE(f.worker->unfinished());
  CHECK(f.stats.fanout.count() == 0);
  f.now.us += 2'000;
  f.run();
  CHECK(f.stats.fanout.count() == 1);
  CHECK(f.stats.fanout.sum() == 2'000);
}

TEST_CASE("an opening is timed if it is known when the request came") {
  WorkerFixture f;
  f.open({"a"});
  CHECK(f.stats.opening.count() == 0);
  f.requested = f.now;
  f.now.us += 30;
  f.open({"a"});
  CHECK(f.stats.opening.count() == 1);
  CHECK(f.stats.opening.sum() == 30);
}

TEST_CASE("a resumption is timed once, until the history is sent, however many parts it takes") {
  WorkerOptions options;
  options.owed_events_max = GENERATE(8U, 1'024U);  // At most 4 events per part, or all at once.
  options.ring_frames_max = 1'024;
  WorkerFixture f({}, options);
  f.publish(std::vector<std::string>(10, "a"));
  f.run();
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::earliest;
  const auto stream = f.open({"a"}, plan);
  f.run();
  f.now.us += 250'000;
  CHECK(f.stats.resuming.count() == 0);
  f.answer_all();
  REQUIRE(f.ids_sent(stream).size() == 10);
  CHECK(f.stats.resuming.count() == 1);
  CHECK(f.stats.resuming.sum() == 250);

  // A stream that falls behind later asks the history as well, and does not resume.
  f.io[stream.fd].room = 0;
  f.publish(std::vector<std::string>(2'000, "a"));
  f.run();
  f.unblock(stream);
  f.answer_all();
  REQUIRE(f.stats.replay_frames.read() > 10);
  CHECK(f.stats.resuming.count() == 1);
}

}  // namespace crier::broadcast
