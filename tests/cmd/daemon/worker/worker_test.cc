// A worker whose thread never starts: the messages that it sends to control or keeps.
#include "cmd/daemon/worker/worker.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/turn_limits.h"

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct WorkerFixture {
  broadcast::SharedCounts counts{16, HashKey{}};
  std::atomic<std::uint64_t> log_head{0};
  std::latch tables_left{1};
  std::atomic<std::uint32_t> accepting{0};
  RequestLimiter requests{16, HashKey{}};
  Worker worker;
  std::unique_ptr<broadcast::Stream> ended = std::make_unique<broadcast::Stream>();

  explicit WorkerFixture(std::optional<std::uint32_t> notes_per_second)
      : worker(setup(notes_per_second),
               {counts, log_head, [] {}, tables_left, accepting, [](auto) {}, requests}) {}

  static WorkerSetup setup(std::optional<std::uint32_t> notes_per_second) {
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

TEST_CASE("a worker hands on a few refusals a second, and counts the rest") {
  const auto fixture = std::make_unique<WorkerFixture>(std::nullopt);
  WorkerFixture& f = *fixture;
  const auto refuse = [&](int times, std::uint64_t second) {
    for (int i = 0; i < times; ++i) {
      f.worker.on_refused({.reason = RefusalReason::forbidden,
                           .refusal = {403, "origin_not_allowed", "No."},
                           .peer = {},
                           .origin = std::string(1'000, 'o'),
                           .trace_id = "t",
                           .path = std::string(1'000, 'p')},
                          Instant{second * 1'000'000});
    }
  };
  refuse(20, 5);
  refuse(1, 6);
  std::size_t told = 0;
  std::uint64_t counted = 0;
  while (auto item = f.worker.link().take()) {
    const auto& note = *std::get<std::unique_ptr<Note>>(*item);
    if (const auto* unlogged = std::get_if<UnloggedNote>(&note)) counted += unlogged->refused;
    if (const auto* refused = std::get_if<RefusedNote>(&note)) {
      ++told;
      CHECK(refused->reason == "forbidden");
      CHECK(refused->origin.size() == 256);
      CHECK(refused->path.size() == 128);
      CHECK(refused->trace_id == "t");
    }
  }
  CHECK(told == 17);
  CHECK(counted == 4);
}

TEST_CASE("refusals leave the lines about breakers their own share of a second") {
  const auto fixture = std::make_unique<WorkerFixture>(std::nullopt);
  WorkerFixture& f = *fixture;
  const Instant now{5'000'000};
  const net::PeerAddress peer;
  for (int i = 0; i < 100; ++i) {
    f.worker.on_refused({.reason = RefusalReason::requests_per_address,
                         .refusal = {429, "requests_per_address", "No."},
                         .peer = peer},
                        now);
  }
  for (int i = 0; i < 20; ++i) f.worker.on_shut_out({"192.0.2.1", 60}, now);
  f.worker.on_shut_out({"192.0.2.2", 61}, Instant{6'000'000});
  std::vector<ShutOutNote> told;
  std::uint64_t counted = 0;
  while (auto item = f.worker.link().take()) {
    const auto& note = *std::get<std::unique_ptr<Note>>(*item);
    if (const auto* unlogged = std::get_if<UnloggedNote>(&note)) counted += unlogged->shut_out;
    if (const auto* shut_out = std::get_if<ShutOutNote>(&note)) told.push_back(*shut_out);
  }
  REQUIRE(told.size() == 17);
  CHECK(told.back().address == "192.0.2.2");
  CHECK(told.back().seconds == 61);
  CHECK(counted == 4);
}

TEST_CASE("a worker sends nothing of single streams where the log's level has none of them") {
  const auto fixture = std::make_unique<WorkerFixture>(std::nullopt);
  for (std::uint64_t second = 1; second < 10; ++second) fixture->end_a_stream(second);
  CHECK_FALSE(fixture->worker.link().take());
}

}  // namespace crier::cmd
