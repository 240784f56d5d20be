#include "broadcast/streams/sweep.h"

#include <algorithm>

#include "broadcast/streams/own_events.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

WorkerOptions timed(std::uint32_t heartbeat, std::uint32_t owing, std::uint32_t age) {
  WorkerOptions options;
  options.heartbeat_seconds = heartbeat;
  options.owing_seconds_max = owing;
  options.stream_seconds_max = age;
  options.owed_events_max = 8;
  return options;
}

// As of one sample in `bounds`: the number of the bucket in which it is; -1 if there is another
// number of samples.
template <std::size_t N>
int bucket_of_one(const Histogram<N>& histogram) {
  int found = -1;
  std::uint64_t samples = 0;
  for (std::size_t i = 0; i <= N; ++i) {
    samples += histogram.bucket(i);
    if (histogram.bucket(i) > 0) found = static_cast<int>(i);
  }
  return samples == 1 ? found : -1;
}

template <std::size_t N>
std::uint64_t samples_of(const Histogram<N>& histogram) {
  std::uint64_t samples = 0;
  for (std::size_t i = 0; i <= N; ++i) samples += histogram.bucket(i);
  return samples;
}

}  // namespace

TEST_CASE("a quiet stream gets heartbeats, a busy one does not") {
  WorkerFixture f({}, timed(15, 30, 0));
  const auto quiet = f.open({"a"});
  const auto busy = f.open({"b"});
  f.take_sent(quiet);
  for (int i = 0; i < 14; ++i) {
    f.pass_seconds(1);
    f.publish({"b"});
    f.run();
  }
  CHECK(f.take_sent(quiet).empty());
  f.pass_seconds(3);
  CHECK(f.take_sent(quiet) == ":\n");
  f.pass_seconds(35);
  CHECK(f.take_sent(quiet) == ":\n:\n");
  CHECK(count_of(f.take_sent(busy), "\n:\n") <= 2);
  CHECK(f.ended.empty());
}

TEST_CASE("a lagging worker sends heartbeats in time") {
  WorkerFixture f({}, timed(15, 30, 0));
  const auto stream = f.open({"a"});
  f.take_sent(stream);
  for (int i = 0; i < 18; ++i) {
    f.pass_seconds(1);
    append(f.log, {.topic = "b", .data = "x"}, f.now, &f.account);
    f.head = f.log.head();
    f.worker->take_lost({f.head, f.head, std::nullopt});
    f.run();
    f.answer_all();
  }
  CHECK(f.take_sent(stream) == ":\n");
}

TEST_CASE("a stream that takes no byte of what it is owed is ended") {
  WorkerFixture f({}, timed(15, 5, 0));
  const int events = GENERATE(1, 20);  // Owed from the ring, or from the history alone.
  const auto stalled = f.open({"a"});
  const auto slow = f.open({"a"});
  const auto reader = f.open({"a"});
  f.io[stalled.fd].room = 0;
  f.io[slow.fd].room = 0;
  for (int i = 0; i < events; ++i) f.publish({"a"});
  f.run();
  f.pass_seconds(4);
  CHECK(f.ended.empty());
  f.io[slow.fd].room = 1;
  f.worker->on_writable(slow.token, f.now);
  f.run();
  f.pass_seconds(3);
  CHECK(f.ended == std::vector{EndReason::stalled});
  CHECK(f.io[stalled.fd].closed);
  CHECK(!f.io[slow.fd].closed);
  CHECK(!f.io[reader.fd].closed);
}

TEST_CASE("a stream that takes nothing because the kernel lacks memory is ended, too") {
  const bool loses_its_ring = GENERATE(false, true);
  WorkerOptions options = timed(15, 5, 0);
  options.owed_events_max = 2;
  WorkerFixture f({}, options);
  const auto starved = f.open({"a"});
  f.io[starved.fd].starved = true;
  f.publish({"a"});
  f.run();
  for (int i = 0; i < 8; ++i) {
    if (loses_its_ring && i == 3) {
      f.publish({"a", "a", "a"});
      f.run();
      CHECK(f.state(starved) == StreamState::replaying);
    }
    f.pass_seconds(1);
    f.worker->revisit();
    f.run();
    f.answer_all();
    CHECK(f.ended.empty() == (i < 5));
  }
  CHECK(f.ended == std::vector{EndReason::stalled});
}

TEST_CASE("a stream that reaches its age is told and ended") {
  WorkerFixture f({}, timed(15, 30, 10));
  const auto stream = f.open({"a"});
  f.pass_seconds(7);
  CHECK(f.ended.empty());
  f.pass_seconds(4);
  CHECK(f.ended == std::vector{EndReason::expired});
  CHECK(f.io[stream.fd].sent.ends_with("data: {\"reason\":\"expired\"}\n\n"));
}

TEST_CASE("streams that opened together end between 80 and 100 % of their age, evenly spread") {
  WorkerOptions options = timed(3'600, 30, 100);
  options.first_generation = GENERATE(1U, 77'777U, 0U - 50U);
  WorkerFixture f({}, options);
  for (int i = 0; i < 100; ++i) f.open({"a"});
  f.pass_seconds(80);
  CHECK(f.ended.empty());
  for (std::size_t seconds = 4; seconds <= 20; seconds += 4) {
    f.pass_seconds(4);
    const std::size_t even_share = seconds * 5;
    CHECK(f.ended.size() + 8 >= even_share);  // A stream is looked at once a second.
    CHECK(f.ended.size() <= even_share + 2);
  }
  f.pass_seconds(2);
  CHECK(f.ended.size() == 100);
}

TEST_CASE("a drain ends streams one after the other, evenly spread") {
  WorkerFixture f;
  for (int i = 0; i < 400; ++i) f.open({"a"});
  f.worker->begin_drain(4'000, f.now);
  CHECK(f.worker->reserve({}, f.now) == std::unexpected(Refused::draining));
  std::size_t before = 0;
  for (int i = 0; i < 80; ++i) {
    f.worker->tick(f.now);
    f.worker->finish_turn(f.now);
    CHECK(f.ended.size() - before <= 6);  // The even share is 5.
    before = f.ended.size();
    f.now.us += 50'000;
  }
  f.worker->tick(f.now);
  f.worker->finish_turn(f.now);
  CHECK(f.ended.size() == 400);
  CHECK(f.worker->open_streams() == 0);
}

TEST_CASE("a drain after which ids are worth nothing says so, and is counted as a drain") {
  WorkerFixture f;
  const auto stream = f.open({"a"});
  f.worker->begin_drain(0, f.now, true);
  f.worker->tick(f.now);
  f.worker->finish_turn(f.now);
  CHECK(f.io[stream.fd].sent.find(R"({"reason":"restarted"})") != std::string::npos);
  CHECK(f.stats.ended[static_cast<std::size_t>(EndReason::drained)].read() == 1);
}

TEST_CASE("a client that is told of a drain comes back when slow streams are cut, not before") {
  WorkerFixture f;
  const auto first = f.open({"a"});
  const auto last = f.open({"a"});
  f.worker->begin_drain(10'000, f.now);
  for (const auto& [stream, left_ms] : {std::pair{first, 6'000}, std::pair{last, 1'000}}) {
    f.now.us += 5'000'000;
    f.worker->tick(f.now);
    const std::string& sent = f.io[stream.fd].sent;
    const std::size_t at = sent.rfind("retry: ");
    REQUIRE(at > sent.find("crier.end"));
    const int retry_ms = std::stoi(sent.substr(at + 7));
    CHECK(retry_ms >= left_ms + static_cast<int>(kRetryMsMin));
    CHECK(retry_ms <= left_ms + static_cast<int>(kRetryMsMax));
  }
}

TEST_CASE("the sweep samples how far a stream is behind and the way to its client") {
  WorkerOptions options;
  options.owed_events_max = 8;
  WorkerFixture f({}, options);
  const auto stream = f.open({"a"});
  f.io[stream.fd].path = PathReading{.round_trip_us = 60'000, .unsent_bytes = 2'000};
  SECTION("a stream that keeps up") {
    f.worker->tick(f.now);
    CHECK(bucket_of_one(f.stats.lag) == 0);
    CHECK(bucket_of_one(f.stats.lag_age) == 0);
  }
  SECTION("a stream that is owed events of its ring") {
    f.io[stream.fd].room = 0;
    for (int i = 0; i < 5; ++i) f.publish({"a"});
    f.run();
    f.now.us += 400'000;
    f.worker->tick(f.now);
    CHECK(f.stats.lag.sum() == 5);
    CHECK(f.stats.lag_age.sum() == 400);
  }
  SECTION("a stream whose ring was dropped") {
    f.io[stream.fd].room = 0;
    for (int i = 0; i < 9; ++i) f.publish({"a"});
    f.run();
    CHECK(f.state(stream) == StreamState::replaying);
    f.worker->tick(f.now);
    CHECK(samples_of(f.stats.lag) == 0);  // Only the log knows what it is owed.
    CHECK(samples_of(f.stats.lag_age) == 0);
  }
  CHECK(f.stats.round_trip.sum() == 60'000);
  CHECK(f.stats.unsent.sum() == 2'000);
  CHECK(bucket_of_one(f.stats.round_trip) == 7);  // At most 100 ms.
  CHECK(f.io.path_readings() == 1);
}

TEST_CASE("a round of the sweep counts the streams by their state") {
  WorkerOptions options;
  options.owed_events_max = 8;
  WorkerFixture f({}, options);
  const auto counted = [&](StreamState state) {
    const auto at = std::ranges::find(kOpenStates, state) - kOpenStates.begin();
    return f.stats.in_state[static_cast<std::size_t>(at)].read();
  };
  for (int i = 0; i < 3; ++i) f.open({"a"});
  const auto owing = f.open({"a"});
  const auto replaying = f.open({"b"});
  f.io[owing.fd].room = 0;
  f.io[replaying.fd].room = 0;
  f.publish({"a"});
  for (int i = 0; i < 9; ++i) f.publish({"b"});
  f.run();
  f.pass_seconds(2);
  CHECK(counted(StreamState::live) == 3);
  CHECK(counted(StreamState::owing) == 1);
  CHECK(counted(StreamState::replaying) == 1);
  CHECK(counted(StreamState::ending) == 0);
  f.worker->begin_drain(0, f.now);
  f.pass_seconds(2);
  CHECK(counted(StreamState::live) == 0);
  CHECK(counted(StreamState::owing) == 0);
  CHECK(counted(StreamState::ending) > 0);
  f.worker->cut_all();
  f.pass_seconds(2);
  CHECK(counted(StreamState::ending) == 0);
}

TEST_CASE("a survey names the streams that are the furthest behind, and ends if it is not taken") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> late;
  f.open({"a"});
  for (int i = 0; i < 14; ++i) {  // The first ones stopped first.
    late.push_back(f.open({"a"}));
    f.io[late.back().fd].room = 0;
    f.publish({"a"});
    f.run();
  }
  f.pass_seconds(1);
  CHECK(f.worker->take_lagging(f.now).empty());  // The survey begins with this call.
  f.pass_seconds(1);
  auto found = f.worker->take_lagging(f.now);
  REQUIRE(found.size() == LagSurvey::kStreams);
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].token.index == late[i].token.index);
    CHECK((i == 0 || found[i].sequence > found[i - 1].sequence));
  }
  f.unblock(late[0]);
  f.pass_seconds(2);  // Each stream was visited twice, and is named once.
  found = f.worker->take_lagging(f.now);
  REQUIRE(found.size() == LagSurvey::kStreams);
  CHECK(found.front().token.index == late[1].token.index);
  CHECK(found.back().token.index == late[10].token.index);
  f.pass_seconds(LagSurvey::kSeconds + 2);
  CHECK(f.worker->take_lagging(f.now).empty());
}

TEST_CASE("the kernel may know nothing of a stream that is sampled") {
  WorkerFixture f;
  f.io[f.open({"a"}).fd].path = std::nullopt;
  f.worker->tick(f.now);
  CHECK(samples_of(f.stats.lag) == 1);
  CHECK(samples_of(f.stats.round_trip) == 0);
  CHECK(samples_of(f.stats.unsent) == 0);
}

TEST_CASE("a tick samples a bounded number of streams, and in time all of them") {
  constexpr std::uint64_t kStreams = 2'000;
  WorkerFixture f;
  for (std::uint64_t i = 0; i < kStreams; ++i) {
    f.io[f.open({"a"}).fd].path = PathReading{.round_trip_us = static_cast<std::uint32_t>(i)};
  }
  std::uint64_t seconds = 0;
  for (; f.stats.round_trip.sum() < kStreams * (kStreams - 1) / 2 && seconds < 100; ++seconds) {
    const std::size_t before = f.io.path_readings();
    f.pass_seconds(1);
    CHECK(f.io.path_readings() - before <= 20 * (kSweepSamplesMax + 1));
    CHECK(f.io.path_readings() - before >= 20 * kSweepSamplesMax / 2);
  }
  // Each is as likely as any other, so their sum is that of as many random ones.
  const std::uint64_t samples = samples_of(f.stats.round_trip);
  const double mean = static_cast<double>(f.stats.round_trip.sum()) / static_cast<double>(samples);
  CHECK(mean > kStreams * 0.4);
  CHECK(mean < kStreams * 0.6);
}

}  // namespace crier::broadcast
