// The steps of a shutdown. tests/daemon/drain_test.cc shows their effect on streams.
#include "cmd/daemon/shutdown.h"

#include <stdlib.h>

#include <vector>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"
#include "tests/support/datagram_receiver.h"

namespace crier::cmd {
namespace {

struct ShutdownFixture {
  net::Loop loop;
  config::Config config;
  std::atomic<std::uint32_t> streams{3};
  Supervisor supervisor;
  RecordingSink log;
  std::vector<std::uint32_t> spreads_ms;
  int stops = 0;
  Shutdown shutdown{{loop, config, streams, supervisor, log,
                     [this](std::uint32_t spread_ms) {
                       spreads_ms.push_back(spread_ms);
                       if (streams_leave) streams = 0;
                     },
                     [this] {
                       ++stops;
                       loop.stop();
                     }}};
  bool streams_leave = false;
};

TEST_CASE("a shutdown ends once no stream is left") {
  ShutdownFixture fixture;
  fixture.config.drain.delay_seconds = 1;
  fixture.config.drain.window_seconds = 600;
  fixture.streams_leave = true;
  CHECK(fixture.shutdown.serving());
  fixture.shutdown.begin();
  CHECK_FALSE(fixture.shutdown.serving());
  CHECK(fixture.spreads_ms.empty());  // During the delay streams stay open.
  fixture.loop.run();
  CHECK(fixture.spreads_ms == std::vector<std::uint32_t>{3});
  CHECK(fixture.stops == 1);
  CHECK(fixture.shutdown.stopped());
}

TEST_CASE("streams are ended a thousand a second, or faster where the window is too short") {
  const auto [streams, window_seconds, spread_ms] =
      GENERATE(table<std::uint32_t, std::uint32_t, std::uint32_t>({
          {0, 5, 0},
          {1, 5, 1},
          {2'000, 5, 2'000},
          {4'000, 5, 4'000},
          {5'000, 5, 4'000},
          {1'000'000, 5, 4'000},
          {1'000'000, 2, 1'600},
          {1'000'000, 600, 599'000},
          {4'000'000'000, 600, 599'000},
          {100, 0, 0},
      }));
  CAPTURE(streams, window_seconds);
  ShutdownFixture fixture;
  fixture.streams = streams;
  fixture.streams_leave = true;
  fixture.config.drain.window_seconds = window_seconds;
  fixture.shutdown.begin();
  CHECK(fixture.spreads_ms == std::vector<std::uint32_t>{spread_ms});
}

TEST_CASE("a shutdown does not wait for streams beyond its window") {
  ShutdownFixture fixture;
  fixture.config.drain.delay_seconds = 0;
  fixture.config.drain.window_seconds = 0;
  fixture.shutdown.begin();
  CHECK(fixture.spreads_ms == std::vector<std::uint32_t>{0});
  CHECK(fixture.stops == 0);
  fixture.loop.run();
  CHECK(fixture.stops == 1);
  CHECK(fixture.streams == 3);
}

TEST_CASE("slow streams have a second after the last one was told its end, not the whole window") {
  ShutdownFixture fixture;
  fixture.config.drain.delay_seconds = 0;
  fixture.config.drain.window_seconds = 600;
  fixture.shutdown.begin();
  const Instant began = net::Loop::now();
  fixture.loop.run();
  CHECK(fixture.stops == 1);
  CHECK(fixture.streams == 3);
  CHECK(net::Loop::now().us - began.us > 900'000);
  CHECK(net::Loop::now().us - began.us < 10'000'000);
}

TEST_CASE("the service manager is told of a window that a reload changes during the delay") {
  tests::DatagramReceiver manager;
  ::setenv("NOTIFY_SOCKET", manager.address().c_str(), 1);
  ShutdownFixture fixture;
  ::unsetenv("NOTIFY_SOCKET");
  fixture.config.drain.delay_seconds = 1;
  fixture.config.drain.window_seconds = 5;
  fixture.streams_leave = true;
  fixture.shutdown.begin();
  CHECK(manager.receive() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=11000000");
  fixture.config.drain.window_seconds = 600;
  fixture.loop.run();
  CHECK(manager.receive() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=605000000");
}

TEST_CASE("a shutdown can be cut short in every step, and stops once") {
  for (const bool begun : {false, true}) {
    ShutdownFixture fixture;
    fixture.config.drain.delay_seconds = 600;
    if (begun) fixture.shutdown.begin();
    fixture.shutdown.stop_now();
    fixture.shutdown.stop_now();
    CHECK(fixture.stops == 1);
    CHECK(fixture.shutdown.stopped());
    CHECK(fixture.spreads_ms.empty());
  }
}

}  // namespace
}  // namespace crier::cmd
