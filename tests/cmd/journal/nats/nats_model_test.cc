// The model of a journal over restarts, with a journal on a real nats-server.
#include <uv.h>

#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "cmd/journal/nats/nats_journal.h"
#include "tests/broadcast/log/journal_model.h"
#include "tests/cmd/journal/nats/nats_node_support.h"

namespace crier::cmd {
namespace {

class NatsWorld final : public broadcast::JournalWorld {
 public:
  explicit NatsWorld(std::uint32_t seed) : random_(seed) { open(); }
  ~NatsWorld() override {
    journal_.reset();
    loop_.settle();
  }

  broadcast::Journal& journal() override { return *journal_; }
  bool keeps_events() const override { return true; }
  bool takes_parts() const override { return true; }
  void turn() override {
    if (random_() % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    uv_run(loop_.raw(), UV_RUN_NOWAIT);
  }
  void restart(bool crash) override {
    journal_.reset();
    if (crash) wait_until_stable();
    open();
  }
  Instant now() override { return net::Loop::now(); }

 private:
  void open() {
    auto opened = NatsJournal::open(nats_options(server_), {loop_, log_, [] { FAIL("lost"); }});
    INFO((opened ? "" : opened.error().detail));
    REQUIRE(opened);
    journal_ = std::move(*opened);
  }
  // What the process had sent when it ended may still be on its way.
  void wait_until_stable() {
    std::uint64_t last = 0;
    for (int same = 0; same < 3;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      open();
      const std::uint64_t now = std::exchange(journal_, nullptr)->stream_last();
      same = now == last ? same + 1 : 0;
      last = now;
    }
  }

  std::mt19937 random_;
  tests::NatsServer server_;
  net::Loop loop_;
  SilentLog log_;
  std::unique_ptr<NatsJournal> journal_;
};

}  // namespace

TEST_CASE("the journal in a stream passes the model over restarts", "[nats]") {
  const std::uint32_t seed = 1;
  NatsWorld world(seed);
  broadcast::JournalModel model(world, seed, {.events_max = 30, .age_seconds_max = 1'000'000});
  for (int i = 0; i < 250; ++i) model.step();
  model.end();
}

}  // namespace crier::cmd
