// A worker whose thread never starts: the messages that it sends to control or keeps.
#include "cmd/daemon/worker/worker.h"

#include <memory>

#include "core/turn_limits.h"

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct WorkerFixture {
  broadcast::SharedCounts counts{16, HashKey{}};
  std::atomic<std::uint64_t> log_head{0};
  std::latch tables_left{1};
  Worker worker;
  std::unique_ptr<broadcast::Stream> ended = std::make_unique<broadcast::Stream>();

  explicit WorkerFixture(std::uint32_t notes_per_second)
      : worker(setup(notes_per_second), {counts, log_head, [] {}, tables_left}) {}

  static WorkerSetup setup(std::uint32_t notes_per_second) {
    WorkerSetup setup;
    setup.notes_per_second = notes_per_second;
    return setup;
  }
  void end_a_stream(std::uint64_t second) {
    worker.on_stream_ended({}, *ended, broadcast::EndReason::client_closed,
                           Instant{second * 1'000'000});
  }
};

}  // namespace

TEST_CASE("summaries of notes keep out of the outbox's reserve and miss no stream") {
  // On the heap: queues and streams are aligned to cache lines, and ASan's stacks are not.
  const auto fixture = std::make_unique<WorkerFixture>(0);
  WorkerFixture& f = *fixture;
  WorkerLink& link = f.worker.link();
  std::uint64_t seconds = 0;
  while (link.has_room_for_notes()) f.end_a_stream(++seconds);
  for (int i = 0; i < 5'000; ++i) f.end_a_stream(++seconds);
  for (std::size_t i = 0; i < kReplaysInFlightMax; ++i)
    REQUIRE(link.ask(broadcast::ReplayRequest()));

  // Control takes messages again.
  std::uint64_t ended = 0;
  const auto take_all = [&] {
    while (auto item = link.take()) {
      if (!std::holds_alternative<std::unique_ptr<Note>>(*item)) continue;
      const auto& note = *std::get<std::unique_ptr<Note>>(*item);
      ended += std::get<UnloggedNote>(note)
                   .ended[static_cast<std::size_t>(broadcast::EndReason::client_closed)];
    }
  };
  take_all();
  f.end_a_stream(seconds + 1);
  take_all();
  CHECK(ended == seconds);
}

}  // namespace crier::cmd
