// The parts of a daemon with several workers, without threads and loops: the shared state, and one
// worker's turn.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cmd/daemon/control/control.h"
#include "cmd/daemon/worker/event_follower.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/broadcast/streams/scripted_io.h"
#include "tests/support/catch.h"
#include "tests/support/selectors.h"

namespace crier::cmd {

// The state that all parts of the daemon share.
struct Shared {
  Shared(const broadcast::TopicClass& global, Instant start)
      : log(broadcast::log_options(global.history)), now(start) {
    counts.streams_max = 1'000;
    classes = std::make_shared<const broadcast::TopicClasses>(global);
  }
  std::shared_ptr<const broadcast::TopicClasses> classes;
  broadcast::Log log;
  std::atomic<std::uint64_t> log_head{0};
  FrameAccount frames;
  broadcast::SharedCounts counts{16, HashKey{1, 2}};
  Instant now;
  std::uint64_t clock_ns = 0;  // Of traces: grows with each reading.
};

// A subscriber, and the events that it has read.
struct Reader {
  broadcast::StreamToken token;
  broadcast::ConnectionHandle connection;
  std::vector<Selector> subscriptions;
  bool open = false;
  std::uint64_t seen = 0;  // The number of the last event that was read or announced as lost.
  // If the log decides where the stream starts, events up to this number may be missing.
  std::uint64_t optional_through = 0;
  bool log_decides = false;
  bool told = false;  // A gap was read since the last event.
  // The number of events when the last gap was read. With several topics a gap does not say where
  // the loss ends: it may follow events of another topic.
  std::uint64_t gap_read_at = 0;
  std::uint64_t gaps = 0;
  std::uint64_t events = 0;
};

// A worker's turn, run by the test's thread.
class OneWorker : public WorkerPages, private broadcast::StreamObserver {
 public:
  OneWorker(Shared& shared, broadcast::WorkerOptions options) : shared_(shared) {
    options.epoch = shared.log.epoch();
    options.topic_key = {11, 13};
    options.classes = shared.classes;
    options.streams_max = 100;
    options.topics_max = 100;
    options.frames = &shared.frames;
    options.history_bytes = &shared.log.stats().history_frame_bytes;
    broadcaster_ = std::make_unique<broadcast::Broadcaster>(
        broadcast::Broadcaster::Parts{io, link, *this, stats_, shared.counts}, options);
    follower_ = std::make_unique<EventFollower>(*broadcaster_, stats_,
                                                [this] { return ++shared_.clock_ns; });
  }

  void open(Reader& reader, const broadcast::ResumePlan& plan) {
    const auto token = broadcaster_->reserve({}, shared_.now);
    REQUIRE(token.has_value());
    reader.token = *token;
    reader.connection = io.open();
    reader.open = true;
    broadcast::StartRequest request;
    request.connection = reader.connection;
    request.head = "H\n\n";
    request.framing = Framing::plain;
    request.subscriptions = reader.subscriptions;
    request.resume = plan;
    REQUIRE(broadcaster_->start(*token, request, shared_.now).has_value());
  }
  void turn(std::size_t slices) {
    if (const auto orders = link.begin_turn()) {
      for (ControlTask& done : orders->carried_out) link.reply(std::move(done));
    }
    link.take_inbox(*broadcaster_, *this, shared_.now);
    for (; slices > 0 && broadcaster_->unfinished(); --slices) broadcaster_->run(shared_.now);
    follower_->finish_turn();
    broadcaster_->tick(shared_.now);
    broadcaster_->finish_turn(shared_.now);
    CHECK(broadcaster_->consistent());
    link.wake_if_sent();
  }
  void unblock(Reader& reader) {
    auto& socket = io[reader.connection];
    socket.room = socket.per_write_max = broadcast::ScriptedIo::kUnlimited;
    broadcaster_->on_writable(reader.token, shared_.now);
  }
  bool at_rest() const { return link.inbox_empty() && !broadcaster_->unfinished(); }
  bool caught_up(const Reader& reader) const {
    return !reader.open ||
           broadcaster_->streams()[reader.token.index].state == broadcast::StreamState::live;
  }

  std::uint32_t subscribers(std::string_view topic) const override {
    return broadcaster_->subscribers(topic);
  }
  StreamPage list_streams(std::uint32_t, std::size_t) const override { return {}; }
  std::vector<LaggingStream> take_lagging() override { return {}; }
  void follow(const EventToFollow& event, EventFollower::Done done) override {
    follower_->follow(event, std::move(done));
  }

  std::size_t worker_wakes = 0;
  std::size_t control_wakes = 0;
  WorkerLink link{{[this] { ++worker_wakes; }, [this] { ++control_wakes; }}};
  broadcast::ScriptedIo io;
  std::vector<Reader> readers;

 private:
  void on_stream_opened(broadcast::StreamToken, const broadcast::Stream&, bool) override {}
  void on_stream_ended(broadcast::StreamToken token, const broadcast::Stream&,
                       broadcast::EndReason reason, Instant) override {
    if (reason != broadcast::EndReason::overflow) FAIL("ended: " << to_string(reason));
    for (Reader& reader : readers) {
      if (reader.token == token) reader.open = false;
    }
  }

  Shared& shared_;
  broadcast::WorkerStats stats_;
  std::unique_ptr<broadcast::Broadcaster> broadcaster_;
  std::unique_ptr<EventFollower> follower_;
};

}  // namespace crier::cmd
