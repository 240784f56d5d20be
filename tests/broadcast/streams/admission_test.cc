// The caps on the streams of a topic and of a row of `topics`: what counts, and that each way out
// of a stream, or of a request for one, is counted back.
#include <string>
#include <vector>

#include "tests/broadcast/streams/worker_fixture.h"
#include "tests/support/catch.h"
#include "tests/support/selectors.h"

namespace crier::broadcast {
namespace {

using Topics = std::vector<std::string>;

struct Capped : WorkerFixture {
  static WorkerOptions few_topics() {
    WorkerOptions options;
    options.topics_max = 5;
    options.patterns_max = 1;
    return options;
  }
  static TopicClass row(std::string match, std::uint32_t streams_max) {
    TopicClass made;
    made.match = std::move(match);
    made.streams_max = streams_max;
    return made;
  }
  explicit Capped(std::uint32_t per_topic, std::vector<TopicClass> rows = {})
      : WorkerFixture({}, few_topics(), std::move(rows), per_topic) {}

  std::expected<void, Refused> start(const Topics& topics, bool watchable = true) {
    const auto token = worker->reserve({}, now);
    REQUIRE(token.has_value());
    const std::vector<Selector> subscriptions = selectors(topics);
    StartRequest request;
    request.connection = io.open();
    io[request.connection].unwatchable = !watchable;
    request.head = "H";
    request.subscriptions = subscriptions;
    const auto started = worker->start(*token, request, now);
    worker->finish_turn(now);
    REQUIRE(worker->consistent());
    return started;
  }
  void leave(const Opened& stream) {
    worker->on_peer_closed(stream.token);
    worker->finish_turn(now);
    REQUIRE(worker->consistent());
  }
};

TEST_CASE("each literal topic of a stream counts, patterns do not") {
  Capped f(2);
  const auto one = f.open({"a", "b"});
  const auto two = f.open({"a", "x.*"});
  CHECK(f.start({"a"}) == std::unexpected(Refused::streams_per_topic_max));
  CHECK(f.start({"b", "a"}) == std::unexpected(Refused::streams_per_topic_max));
  CHECK(f.counts.topics->rows_in_use() == 2);
  const auto three = f.open({"x.*"});
  f.open({"x.*"});
  f.open({"b"});  // The refused streams took no place on it.
  CHECK(f.start({"b"}) == std::unexpected(Refused::streams_per_topic_max));
  f.leave(one);
  f.leave(three);
  f.open({"a"});
  CHECK(f.start({"a"}) == std::unexpected(Refused::streams_per_topic_max));
  f.leave(two);
  CHECK(f.start({"a", "b"}).has_value());
}

TEST_CASE("the streams of other workers count") {
  Capped f(2);
  const std::uint32_t row = f.counts.topics->enter("a", 2).value();
  const auto mine = f.open({"a"});
  CHECK(f.start({"a"}) == std::unexpected(Refused::streams_per_topic_max));
  f.leave(mine);
  REQUIRE(f.counts.topics->enter_again(row, 2));
  CHECK(f.start({"a"}) == std::unexpected(Refused::streams_per_topic_max));
  f.counts.topics->leave(row);
  CHECK(f.start({"a"}).has_value());
}

TEST_CASE("a stream that ends, or is refused for another reason, gives its places back") {
  Capped f(3, {Capped::row("a", 3), Capped::row("b", 1)});
  const auto stream = f.open({"b", "c"});
  CHECK(f.start({"a", "b"}) == std::unexpected(Refused::class_streams_max));
  CHECK(f.worker->full_row().match == "b");
  CHECK(f.start({"a", "d", "e", "f"}) == std::unexpected(Refused::topics_max));
  f.open({"x.*"});
  CHECK(f.start({"a", "y.*"}) == std::unexpected(Refused::patterns_max));
  CHECK(f.start({"a"}, false).has_value());  // Ends at once: it cannot be watched.
  CHECK(f.counts.streams_of_row[1] == 0);
  CHECK(f.counts.streams_of_row[2] == 1);
  CHECK(f.counts.topics->rows_in_use() == 2);
  for (int i = 0; i < 3; ++i) f.open({"a"});
  CHECK(f.start({"a"}) == std::unexpected(Refused::class_streams_max));
  CHECK(f.worker->full_row().match == "a");
  f.leave(stream);
  CHECK(f.counts.streams_of_row[2] == 0);
  CHECK(f.start({"b"}).has_value());
  f.worker->cut_all();
  f.worker->finish_turn(f.now);
  CHECK(f.counts.topics->rows_in_use() == 0);
  for (const auto& streams : f.counts.streams_of_row) CHECK(streams == 0);
}

TEST_CASE("a row counts a stream once, whatever else it subscribes to") {
  Capped f(0, {Capped::row("a.>", 2), Capped::row("b", 0)});
  const auto wide = f.open({"a.x", "a.*"});
  f.open({"a.y", "z"});
  CHECK(f.counts.streams_of_row[1] == 2);
  CHECK(f.start({"b", "a.x"}) == std::unexpected(Refused::class_streams_max));
  CHECK(f.start({"b"}).has_value());
  CHECK(f.counts.streams_of_row[2] == 0);  // A row without a cap is not counted.
  f.leave(wide);
  CHECK(f.counts.streams_of_row[1] == 1);
}

}  // namespace
}  // namespace crier::broadcast
