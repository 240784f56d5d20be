// Several workers with the real feed and control, in one thread, in an order that a seed decides:
// each stream has every event of its topics once and in order, or is told of what it missed.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cmd/daemon/control/control.h"
#include "cmd/daemon/control/feed.h"
#include "core/random.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/broadcast/streams/scripted_io.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"
#include "tests/support/selectors.h"

namespace crier::cmd {
namespace {

constexpr std::uint32_t kTopics = 5;

std::string topic_of(std::uint32_t number) {
  return "t." + std::to_string(number);
}

broadcast::LogOptions log_options(std::shared_ptr<const broadcast::TopicClasses> classes) {
  broadcast::LogOptions options;
  options.epoch = Epoch::from_random(7);
  options.topic_key = {11, 13};
  options.classes = std::move(classes);
  return options;
}

// What the whole daemon knows, without its threads and loops.
struct Shared {
  explicit Shared(std::uint32_t events_max)
      : classes(std::make_shared<const broadcast::TopicClasses>([&] {
          broadcast::TopicClass global;
          global.history.events_max = events_max;
          return global;
        }())),
        log(log_options(classes)) {
    counts.streams_max = 1'000;
  }
  std::shared_ptr<const broadcast::TopicClasses> classes;
  broadcast::Log log;
  std::atomic<std::uint64_t> log_head{0};
  FrameAccount frames;
  broadcast::SharedCounts counts{16, HashKey{1, 2}};
  Instant now{1'000'000};
};

// A subscriber, and what it has read.
struct Reader {
  broadcast::StreamToken token;
  broadcast::ConnectionHandle connection;
  std::vector<std::string> topics;
  std::uint64_t seen = 0;  // Sequence of the last event that is accounted for.
  bool told = false;       // Of a gap, since the last event.
  // Events there were when the last gap was read. With several topics a gap does not say where the
  // loss ends: it may follow events of another topic.
  std::uint64_t gap_read_at = 0;
  std::uint64_t gaps = 0;
  std::uint64_t events = 0;
};

// A worker's turn without its thread.
class OneWorker : public WorkerPages, private broadcast::StreamObserver {
 public:
  OneWorker(Shared& shared, std::uint32_t workers) : shared_(shared) {
    broadcast::WorkerOptions options;
    options.epoch = shared.log.epoch();
    options.topic_key = {11, 13};
    options.classes = shared.classes;
    options.streams_max = 100;
    options.topics_max = 100;
    options.workers = workers;
    options.frames = &shared.frames;
    options.history_bytes = &shared.log.stats().history_bytes;
    broadcaster_ = std::make_unique<broadcast::Broadcaster>(
        broadcast::Broadcaster::Parts{io, link, *this, stats_, shared.counts}, options);
  }

  void open(std::vector<std::string> topics) {
    const auto token = broadcaster_->reserve({}, shared_.now);
    REQUIRE(token.has_value());
    const std::vector<Selector> subscriptions = selectors(topics);
    broadcast::StartRequest request;
    request.connection = io.open();
    request.head = "H\n\n";
    request.framing = Framing::plain;
    request.subscriptions = subscriptions;
    request.resume.after = shared_.log_head;
    REQUIRE(broadcaster_->start(*token, request, shared_.now).has_value());
    readers.push_back({.token = *token,
                       .connection = request.connection,
                       .topics = std::move(topics),
                       .seen = request.resume.after});
  }
  void turn(std::size_t slices) {
    if (const auto orders = link.begin_turn()) {
      for (ControlTask& done : orders->carried_out) link.reply(std::move(done));
    }
    link.take_inbox(*broadcaster_, *this, shared_.now);
    for (; slices > 0 && broadcaster_->unfinished(); --slices) broadcaster_->run(shared_.now);
    broadcaster_->finish_turn(shared_.now);
    link.wake_if_sent();
  }
  void unblock(Reader& reader) {
    io[reader.connection].room = broadcast::ScriptedIo::kUnlimited;
    broadcaster_->on_writable(reader.token, shared_.now);
  }
  bool at_rest() const { return link.inbox_empty() && !broadcaster_->unfinished(); }
  bool caught_up(const Reader& reader) const {
    return broadcaster_->streams()[reader.token.index].state == broadcast::StreamState::live;
  }

  std::uint32_t subscribers(std::string_view topic) const override {
    return broadcaster_->subscribers(topic);
  }
  StreamPage list_streams(std::uint32_t, std::size_t) const override { return {}; }

  std::size_t worker_wakes = 0;
  std::size_t control_wakes = 0;
  WorkerLink link{{[this] { ++worker_wakes; }, [this] { ++control_wakes; }}};
  broadcast::ScriptedIo io;
  std::vector<Reader> readers;

 private:
  void on_stream_opened(broadcast::StreamToken, const broadcast::Stream&, bool) override {}
  void on_stream_ended(broadcast::StreamToken, const broadcast::Stream&, broadcast::EndReason,
                       Instant) override {
    FAIL("no stream has a reason to end");
  }

  Shared& shared_;
  broadcast::WorkerStats stats_;
  std::unique_ptr<broadcast::Broadcaster> broadcaster_;
};

struct World {
  explicit World(std::uint64_t seed)
      : random(seed), shared(random.between(0, 1) == 0 ? 8 : 100'000) {
    const std::uint32_t count = random.between(2, 4);
    std::vector<WorkerLink*> links;
    for (std::uint32_t i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<OneWorker>(shared, count));
      links.push_back(&workers.back()->link);
    }
    feed = std::make_unique<Feed>(shared.log, shared.log_head, links);
    control = std::make_unique<Control>(Control::Parts{shared.log, connections, lines, links,
                                                       [](std::size_t) { return WorkerRow(); }});
  }

  OneWorker& any_worker() {
    return *workers[random.between(0, static_cast<std::uint32_t>(workers.size()) - 1)];
  }
  void publish(std::uint32_t count) {
    for (; count > 0; --count) {
      const std::string topic = topic_of(random.between(0, kTopics - 1));
      published.push_back(topic);
      const std::string data = std::to_string(published.size());
      feed->publish(broadcast::append(shared.log, {.topic = topic, .data = data}, shared.now,
                                      &shared.frames));
    }
  }
  bool control_turn() {
    const bool more = control->take_outboxes(shared.now);
    return feed->flush() || more;
  }
  void step() {
    shared.now.us += 1'000;
    OneWorker& worker = any_worker();
    switch (random.between(0, 7)) {
      case 0:
        return publish(random.between(1, 30));
      case 1:
        if (worker.readers.size() >= 20) return;
        if (random.between(0, 1) == 0) return worker.open({topic_of(random.between(0, 4))});
        return worker.open({topic_of(random.between(0, 1)), topic_of(random.between(2, 4))});
      case 2:
        for (Reader& reader : worker.readers) {
          if (random.between(0, 3) == 0) worker.io[reader.connection].room = random.between(0, 300);
        }
        return;
      case 3:
        for (Reader& reader : worker.readers) {
          if (random.between(0, 1) == 0) worker.unblock(reader);
        }
        return;
      case 4:
        if (random.between(0, 9) > 0) return;
        for (int i = 0; i < 600; ++i) {  // More batches than an inbox takes.
          publish(1);
          feed->flush();
        }
        return;
      case 5:
        return ask();
      case 6:
        worker.turn(random.between(0, 30));
        return read_all();
      default:
        control_turn();
    }
  }
  void ask() {
    ++asked;
    const auto told = [this](bool known) { answered += known ? 1 : 0; };
    if (random.between(0, 1) == 0) return control->await_orders(told);
    control->count_subscribers({"t.0"}, [told](const auto& sums) { told(sums.has_value()); });
  }

  void come_to_rest() {
    for (int rounds = 0;; ++rounds) {
      if (rounds == 100'000) FAIL("no rest");
      shared.now.us += 20'000;
      bool rest = !control_turn();
      for (const auto& worker : workers) {
        for (Reader& reader : worker->readers) worker->unblock(reader);
        worker->turn(100);
        rest = rest && worker->at_rest();
        for (const Reader& reader : worker->readers) rest = rest && worker->caught_up(reader);
      }
      read_all();
      if (rest && answered == asked) return;
    }
  }
  void read_all() {
    for (const auto& worker : workers) {
      for (Reader& reader : worker->readers) read(reader, worker->io[reader.connection].sent);
    }
  }
  // Takes the whole events of what was sent.
  void read(Reader& reader, std::string& sent) {
    for (std::size_t end = 0; (end = sent.find("\n\n")) != std::string::npos;) {
      const std::string text = sent.substr(0, end + 1);
      sent.erase(0, end + 2);
      if (text.find("event: crier.gap\n") != std::string::npos) {
        reader.told = true;
        reader.gap_read_at = published.size();
        ++reader.gaps;
      } else if (const auto at = text.find("\ndata: ");
                 at != std::string::npos && text.find("event: crier.") == std::string::npos) {
        take_event(reader, std::stoull(text.substr(at + 7)));
      }
    }
  }
  void take_event(Reader& reader, std::uint64_t sequence) {
    if (sequence <= reader.seen) FAIL("event " << sequence << " after " << reader.seen);
    if (!wanted(reader, sequence)) FAIL("event " << sequence << " of another topic");
    for (std::uint64_t missed = reader.seen + 1; missed < sequence; ++missed) {
      if (wanted(reader, missed) && !excused(reader, missed)) {
        FAIL("event " << missed << " is missing before " << sequence);
      }
    }
    reader.seen = sequence;
    reader.told = false;
    ++reader.events;
  }
  static bool excused(const Reader& reader, std::uint64_t sequence) {
    return reader.told || (reader.topics.size() > 1 && sequence <= reader.gap_read_at);
  }
  bool wanted(const Reader& reader, std::uint64_t sequence) const {
    return std::ranges::count(reader.topics, published[sequence - 1]) > 0;
  }

  Random random;
  Shared shared;
  std::vector<std::string> published;  // The topic of each event.
  std::size_t asked = 0;
  std::size_t answered = 0;
  RecordingSink lines;
  ConnectionLog connections{lines, 0};
  std::vector<std::unique_ptr<OneWorker>> workers;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Control> control;
};

}  // namespace

TEST_CASE("several workers: each stream has its events once, in order, or is told") {
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    for (int i = 0; i < 600; ++i) world.step();
    world.come_to_rest();
    for (const auto& worker : world.workers) {
      CHECK(worker->worker_wakes > 0);
      CHECK(worker->control_wakes > 0);
      for (const Reader& reader : worker->readers) {
        events += reader.events;
        gaps += reader.gaps;
        // Nothing is left out at the end.
        for (std::uint64_t last = reader.seen + 1; last <= world.published.size(); ++last) {
          const bool fine = !world.wanted(reader, last) || World::excused(reader, last);
          if (!fine) FAIL("event " << last << " is missing at the end");
        }
      }
    }
  }
  CHECK(events > 10'000);
  CHECK(gaps > 0);
}

}  // namespace crier::cmd
