// What a client says of how fast it takes events.
#include <cstdint>
#include <string_view>

#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {

TEST_CASE("throughput and lag of a client lower the pace at which its stream starts") {
  struct Row {
    std::string_view name;
    TokenRate of_class;
    std::uint32_t rate;
    Consumer consumer;
    std::size_t at_once;
    std::size_t after_a_second;
  };
  const TokenRate fifty = TokenRate::of(50, 6);
  const Row row = GENERATE_COPY(values<Row>({
      {"nothing is said", {}, 0, {}, 20, 20},
      {"a throughput is a rate", {}, 0, {.throughput = 4}, 4, 8},
      {"a throughput lowers the rate of its class", fifty, 0, {.throughput = 4}, 4, 8},
      {"a throughput never raises the rate of its class", fifty, 0, {.throughput = 500}, 6, 20},
      {"the lower of rate and throughput counts", {}, 8, {.throughput = 4}, 4, 8},
      {"the same the other way round", {}, 4, {.throughput = 8}, 4, 8},
      {"a lag is taken out of the first burst", {}, 0, {.throughput = 4, .lag = 3}, 1, 5},
      {"a lag beyond the burst takes all of it", {}, 0, {.throughput = 4, .lag = 1'000}, 0, 4},
      {"a lag is taken out of the burst of its class", fifty, 0, {.lag = 5}, 1, 20},
      {"a lag alone does not pace", {}, 0, {.lag = 1'000}, 20, 20},
  }));
  INFO(row.name);
  TopicClass global;
  global.rate = row.of_class;
  WorkerFixture f(global);
  f.rate = row.rate;
  f.consumer = row.consumer;
  const auto stream = f.open({"a"});
  for (int i = 0; i < 20; ++i) f.publish({"a"});
  f.run();
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == row.at_once);
  for (int i = 0; i < 50; ++i) {
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
  }
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == row.after_a_second);
}

TEST_CASE("throughput and lag of a client lower the cap of its ring within bounds") {
  struct Row {
    std::string_view name;
    Consumer consumer;
    std::uint32_t events;
  };
  const Row row = GENERATE(values<Row>({
      {"nothing is said", {}, 64},
      {"what it takes in limits.owing_seconds_max", {.throughput = 4}, 40},
      {"never more than limits.owed_events_max", {.throughput = 1'000'000}, 64},
      {"at least an eighth of that", {.throughput = 1, .lag = 9}, 8},
      {"less its lag", {.lag = 30}, 34},
      {"both", {.throughput = 4, .lag = 30}, 10},
      {"the largest lag", {.lag = 4'294'967'295}, 8},
  }));
  INFO(row.name);
  WorkerOptions options;
  options.owed_events_max = 64;
  options.owing_seconds_max = 10;
  WorkerFixture f({}, options);
  f.consumer = row.consumer;
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  const auto owed = [&] {
    return f.worker->streams().owing(*f.worker->streams().find(stream.token)).ring.size();
  };
  for (std::uint32_t i = 0; i < row.events; ++i) f.publish({"a"});
  f.run();
  CHECK(owed() == row.events);
  CHECK(f.stats.overflows.read() == 0);
  f.publish({"a"});
  f.run();
  CHECK(f.stats.overflows.read() == 1);
  CHECK(f.state(stream) == StreamState::replaying);

  // It gets everything from the history, in parts that fit.
  f.unblock(stream);
  for (int i = 0; i < 100 && f.state(stream) != StreamState::live; ++i) {
    f.answer_all();
    f.now.us += 1'000'000;
    f.worker->revisit();
    f.run();
  }
  CHECK(f.ids_sent(stream).size() == row.events + 1);
  CHECK(f.stats.overflows.read() == 1);

  f.worker->on_peer_closed(stream.token);
  f.worker->finish_turn(f.now);
  f.consumer = {};
  const auto next = f.open({"a"});
  CHECK(next.token.index == stream.token.index);
  CHECK(f.worker->streams().own_limits(*f.worker->streams().find(next.token)) == OwnLimits());
}

TEST_CASE("a client cannot ask for less room than crier's own events need") {
  WorkerOptions options;
  options.owed_events_max = GENERATE(8U, 16U, 40U);
  WorkerFixture f({}, options);
  f.consumer = {.throughput = 1, .lag = 100};
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  for (int i = 0; i < 8; ++i) f.publish({"a"});
  f.run();
  CHECK(f.stats.overflows.read() == 0);
}

}  // namespace crier::broadcast
