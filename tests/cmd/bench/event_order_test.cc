#include "cmd/bench/event_order.h"

#include <vector>

#include "cmd/bench/load.h"
#include "tests/support/catch.h"

using crier::bench::due_seconds;
using crier::bench::EventOrder;
using Kind = crier::bench::EventOrder::Kind;

TEST_CASE("an event skipped and received later is late, a second time it is a duplicate") {
  EventOrder order;
  order.begin_after(10);
  CHECK(order.note(10) == Kind::duplicate);
  CHECK(order.note(11) == Kind::next);
  CHECK(order.note(14) == Kind::next);
  CHECK(order.newest() == 14);
  CHECK(order.note(13) == Kind::late);
  CHECK(order.note(13) == Kind::duplicate);
  CHECK(order.note(14) == Kind::duplicate);
  CHECK(order.note(12) == Kind::late);
  CHECK(order.note(11) == Kind::duplicate);
  CHECK(order.note(9) == Kind::duplicate);
}

TEST_CASE("events counted as lost at the end of a command are late if they still come") {
  EventOrder order;
  order.begin_after(0);
  order.skip_through(2);
  CHECK(order.note(2) == Kind::late);
  CHECK(order.note(3) == Kind::next);
  CHECK(order.note(1) == Kind::late);
  CHECK(order.note(200) == Kind::next);
  CHECK(order.note(137) == Kind::late);
  CHECK(order.note(136) == Kind::too_old);
}

TEST_CASE("a ramp's events are due where the integral of the rate reaches their numbers") {
  CHECK(due_seconds({.hz = 50, .hz_end = 50}, 4, 100) == Approx(2));
  const auto [from, to] = GENERATE(std::pair{0.0, 100.0}, std::pair{100.0, 0.0},
                                   std::pair{10.0, 1000.0}, std::pair{1000.0, 10.0});
  constexpr double kSeconds = 4;
  for (std::uint64_t i = 0; i <= 200; ++i) {
    const double at = due_seconds({.hz = from, .hz_end = to}, kSeconds, i);
    const double published = from * at + (to - from) * at * at / (2 * kSeconds);
    REQUIRE(published == Approx(static_cast<double>(i)).margin(1e-3));
  }
}
