// The calls that a stream makes on its connection, from the first byte to the last.
#include "core/turn_limits.h"
#include "tests/broadcast/streams/worker_fixture.h"
#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

// Opens a stream of topic `a` on a connection that the test has prepared.
StreamToken open_on(WorkerFixture& f, ConnectionHandle connection) {
  const auto token = f.worker->reserve({}, f.now);
  REQUIRE(token.has_value());
  const Selector topic{Selector::Kind::topic, "a"};
  StartRequest request;
  request.connection = connection;
  request.head = "H";
  request.subscriptions = {&topic, 1};
  REQUIRE(f.worker->start(*token, request, f.now).has_value());
  return *token;
}

}  // namespace

TEST_CASE("a connection is watched once, for output where the first write was cut short") {
  WorkerFixture f;
  const auto [room, output] = GENERATE(table<std::size_t, bool>({
      {ScriptedIo::kUnlimited, false},
      {3, true},
      {0, true},
  }));
  const ConnectionHandle connection = f.io.open();
  f.io[connection].room = room;
  const StreamToken token = open_on(f, connection);
  CHECK(f.io[connection].watched);
  CHECK(f.io[connection].output_watched == output);

  // Later writes that are cut short do not ask again; ScriptedIo would fail at a second request.
  f.io[connection].room = 0;
  f.publish({"a"});
  f.run();
  CHECK(f.io[connection].output_watched);
  f.unblock({token, connection});
  f.io[connection].room = 0;
  f.publish({"a"});
  f.run();
  f.unblock({token, connection});
  CHECK(count_of(f.io[connection].sent, "data: x") == 2);
}

TEST_CASE("a stream whose connection cannot be watched ends for lack of memory") {
  WorkerFixture f;
  const ConnectionHandle connection = f.io.open();
  f.io[connection].unwatchable = true;
  open_on(f, connection);
  CHECK(f.opened == 1);
  CHECK(f.ended.empty());  // Not before the turn ends.
  f.run();
  CHECK(f.ended == std::vector{EndReason::no_memory});
  CHECK(f.io[connection].closed);
  CHECK(f.counts.streams == 0);
}

TEST_CASE("input is read and discarded up to a bound") {
  WorkerFixture f;
  const WorkerFixture::Opened stream = f.open({"a"});
  ScriptedIo::Socket& socket = f.io[stream.fd];
  const auto receive = [&](std::size_t bytes) {
    socket.input += bytes;
    f.worker->on_readable(stream.token);
    f.run();
  };
  const auto [first, second, reason] = GENERATE(table<std::size_t, std::size_t, int>({
      {1, 0, -1},
      {kInputDiscardBytes / 2, kInputDiscardBytes / 2, -1},
      {kInputDiscardBytes, 1, static_cast<int>(EndReason::input_flood)},
      {kInputDiscardBytes + 1, 0, static_cast<int>(EndReason::input_flood)},
      {50 * kInputDiscardBytes, 0, static_cast<int>(EndReason::input_flood)},
  }));
  receive(first);
  receive(second);
  if (reason < 0) {
    CHECK(f.ended.empty());
    CHECK(socket.input == 0);
    socket.fin = true;
    f.worker->on_readable(stream.token);
    f.run();
    CHECK(f.ended == std::vector{EndReason::client_closed});
  } else {
    CHECK(f.ended == std::vector{static_cast<EndReason>(reason)});
  }
  CHECK(socket.closed);
}

}  // namespace crier::broadcast
