#include "cmd/daemon/control/batch_watchers.h"

#include "cmd/daemon/control/feed.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

struct Follower : BatchWatcher {
  void on_batch(const broadcast::Batch& batch) override {
    for (const FrameRef& frame : batch) {
      in_order = in_order && frame->sequence() == seen + 1;
      seen = frame->sequence();
    }
  }
  std::uint64_t seen = 0;
  bool in_order = true;
};

TEST_CASE("a watcher of batches gets each event once, also while a worker is late") {
  std::atomic<std::uint64_t> log_head{0};
  WorkerLink link{{[] {}, [] {}}};
  broadcast::Log log(broadcast::log_options());
  PublishTraces traces{[] { return 1; }};
  Feed feed{log, log_head, {&link}, traces};
  const auto publish = [&] {
    feed.publish(broadcast::append(log, {.topic = "a", .data = "x"}));
    feed.flush();
  };
  Follower follower;
  feed.watchers().add(follower);
  while (link.has_room_for_batch()) publish();
  for (int i = 0; i < 10; ++i) publish();
  while (link.next()) {
  }
  feed.flush();  // The late worker is fed from the history.
  CHECK(link.next());
  CHECK(follower.in_order);
  CHECK(follower.seen == log.head());
  feed.watchers().remove(follower);
  publish();
  CHECK(follower.seen == log.head() - 1);
}

}  // namespace
}  // namespace crier::cmd
