#include "cmd/daemon/load_progress.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

// Counts what it is given.
class CountingReader final : public broadcast::JournalReader {
 public:
  std::uint64_t events = 0;
  std::uint64_t head = 0;

 private:
  void on_remembered(const broadcast::Remembered& /*remembered*/) override {}
  void on_event(const broadcast::Event& /*event*/, std::uint64_t /*sequence*/,
                Instant /*accepted*/) override {
    ++events;
  }
  void on_key(const broadcast::Fingerprint& /*key*/, const broadcast::Fingerprint& /*content*/,
              const broadcast::FirstAnswer& /*answer*/, Instant /*accepted*/) override {}
  void on_hole(std::uint64_t /*through*/) override {}
  void on_head(std::uint64_t sequence) override { head = sequence; }
};

TEST_CASE("a journal that takes long to read says once a second how far it is") {
  CountingReader counting;
  RecordingSink lines;
  LoadProgress progress(counting, lines);
  broadcast::JournalReader& reader = progress;
  const auto read = [&](std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) reader.on_event({}, i + 1, {});
  };
  read(5'000);
  CHECK(lines.lines.empty());  // Nobody waits for what takes no second.
  std::this_thread::sleep_for(std::chrono::milliseconds(1'001));
  read(5'000);
  reader.on_head(7);
  CHECK(lines.lines == std::vector<std::string>{"info reading the journal events=8192"});
  CHECK(counting.events == 10'000);
  CHECK(counting.head == 7);
}

}  // namespace
}  // namespace crier::cmd
