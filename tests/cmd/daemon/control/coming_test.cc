// A client that comes from another node, whose newest events are not here yet.
#include <optional>

#include "cmd/daemon/control/control.h"
#include "cmd/daemon/control/feed.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct ComingFixture {
  std::atomic<std::uint64_t> log_head{0};
  WorkerLink link{{[] {}, [] {}}};
  broadcast::Log log{broadcast::log_options()};
  RecordingSink lines;
  RepeatLimit limited{lines, 2};
  ConnectionLog connections{lines, 0};
  Coming answer = Coming::soon;
  std::vector<std::uint64_t> asked_for;
  Control control{{log,
                   connections,
                   limited,
                   lines,
                   {&link},
                   [](std::size_t) { return WorkerRow(); },
                   [this](std::uint64_t sequence, Instant) {
                     asked_for.push_back(sequence);
                     return answer;
                   }}};

  void ask(std::uint64_t after) {
    broadcast::ReplayRequest request;
    request.subscriptions = {*Selector::parse("a")};
    request.after = after;
    request.bytes_max = 1'000'000;
    request.frames_max = 10;
    REQUIRE(link.ask(std::move(request)));
  }
  std::unique_ptr<broadcast::ReplayAnswer> turn() {
    control.take_outboxes(Instant{1});
    const auto item = link.next();
    if (!item) return nullptr;
    auto* const got = std::get_if<std::unique_ptr<broadcast::ReplayAnswer>>(&*item);
    REQUIRE(got != nullptr);
    return std::make_unique<broadcast::ReplayAnswer>(std::move(**got));
  }
};

}  // namespace

TEST_CASE("a replay after an event that is on its way waits until that event is here") {
  ComingFixture f;
  broadcast::publish(f.log, "a");
  f.ask(3);
  CHECK(f.turn() == nullptr);
  broadcast::publish(f.log, "a");
  CHECK(f.turn() == nullptr);
  CHECK(f.asked_for == std::vector<std::uint64_t>{3, 3});
  broadcast::publish(f.log, "a");
  broadcast::publish(f.log, "a");
  const auto answer = f.turn();
  REQUIRE(answer);
  CHECK_FALSE(answer->gap);
  CHECK(answer->frames.size() == 1);
  CHECK(answer->through == 4);
  CHECK(f.turn() == nullptr);
}

TEST_CASE("a replay after what was no event of the topic's goes on once its place is passed") {
  ComingFixture f;
  broadcast::publish(f.log, "a");
  f.answer = Coming::here;
  f.ask(3);
  const auto answer = f.turn();
  REQUIRE(answer);
  CHECK_FALSE(answer->gap);
  CHECK(answer->reached_head);
}

TEST_CASE("a replay after an event that no node knows is told so") {
  ComingFixture f;
  broadcast::publish(f.log, "a");
  f.ask(3);
  CHECK(f.turn() == nullptr);
  f.answer = Coming::unknown;
  const auto answer = f.turn();
  REQUIRE(answer);
  REQUIRE(answer->gap);
  CHECK(answer->gap->reason == broadcast::GapReason::unknown_id);
  CHECK(answer->gap->resumed_at == 1);
  CHECK(answer->frames.empty());
  CHECK(answer->reached_head);
}

}  // namespace crier::cmd
