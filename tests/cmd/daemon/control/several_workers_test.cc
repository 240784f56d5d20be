// Several workers with the real feed and control, in one thread, in an order that a seed decides:
// each stream gets every event of its topics once and in order, or a gap event for those it missed.
//
// Runs as many seeds as CRIER_SEEDS says (default 5), or the one that CRIER_SEED names.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cmd/daemon/control/feed.h"
#include "core/random.h"
#include "core/topic.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/daemon/control/several_workers_support.h"

namespace crier::cmd {
namespace {

using broadcast::ResumePlan;

const std::string kSharedTopics[] = {"t.0",    "t.1",    "t.2",    "t.3",
                                     "user.0", "user.1", "user.2", "all"};

struct Happened {
  std::uint64_t events = 0, gaps = 0, overflows = 0, resumed = 0, several = 0, patterns = 0,
                followed = 0;
};

struct World {
  explicit World(std::uint64_t seed)
      : random(seed), holes(seed % 2 == 0), shared(global_of(random), start_of(random)) {
    broadcast::WorkerOptions options;
    options.workers = random.between(2, 4);
    options.owed_events_max = random.between(0, 1) == 0 ? 16 : 1'024;
    options.first_generation = 0U - random.between(1, 10);
    std::vector<WorkerLink*> links;
    for (std::uint32_t i = 0; i < options.workers; ++i) {
      workers.push_back(std::make_unique<OneWorker>(shared, options));
      links.push_back(&workers.back()->link);
    }
    feed = std::make_unique<Feed>(shared.log, shared.log_head, links, traces);
    traces.set_every(3);
    control = std::make_unique<Control>(Control::Parts{
        shared.log, connections, limited, lines, links, [](std::size_t) { return WorkerRow(); }});
    if (holes) next_hole = (std::uint64_t{1} << 32) - random.between(1, 1'000);
  }

  static broadcast::TopicClass global_of(Random& random) {
    constexpr OverflowPolicy kPolicies[] = {OverflowPolicy::catch_up, OverflowPolicy::disconnect,
                                            OverflowPolicy::drop_oldest, OverflowPolicy::conflate};
    broadcast::TopicClass global;
    global.history.events_max = random.between(0, 1) == 0 ? 8 : 100'000;
    global.policy = kPolicies[random.between(0, 3)];
    return global;
  }
  // Starts so that the token bucket's time or the tick wraps during the run.
  static Instant start_of(Random& random) {
    constexpr std::uint64_t kWraps[] = {std::uint64_t{1} << 31, std::uint64_t{1} << 32,
                                        (std::uint64_t{1} << 32) * kTickMicros};
    return {kWraps[random.between(0, 2)] - random.between(0, 700'000)};
  }

  std::uint32_t below(std::size_t n) {
    return random.between(0, static_cast<std::uint32_t>(n) - 1);
  }
  OneWorker& any_worker() { return *workers[below(workers.size())]; }

  void publish(std::uint32_t count) {
    for (; count > 0; --count) {
      published.push_back(kSharedTopics[below(std::size(kSharedTopics))]);
      const std::string data = std::to_string(published.size());
      const auto frame = broadcast::append(shared.log, {.topic = published.back(), .data = data},
                                           shared.now, &shared.frames, next_hole);
      sequences.push_back(frame->sequence());
      feed->publish(frame);
      next_hole = holes && random.between(0, 3) == 0 ? random.between(1, 5) : 0;
    }
    const std::uint64_t accepted_ns = traces.take();
    if (accepted_ns == 0) return;
    traces.add({.topic = published.back(),
                .sequence = sequences.back(),
                .accepted_ns = accepted_ns,
                .committed_ns = ++shared.clock_ns});
  }
  // Whatever happened, every trace came to its end; the hand-overs were in this order.
  void check_traces() {
    for (const PublishTrace& trace : traces.traces()) {
      for (const auto& [worker, handed_ns, way] : trace.workers) {
        CHECK(trace.committed_ns < handed_ns);
        CHECK(handed_ns < way.taken_ns);
        CHECK((way.streams > 0) == (way.first_write_ns > way.taken_ns));
        CHECK((way.streams > 1) == (way.last_write_ns > way.first_write_ns));
        happened.followed += way.streams;
      }
    }
  }
  // The number of events up to a sequence.
  std::uint64_t number_of(std::uint64_t sequence) const {
    return static_cast<std::uint64_t>(std::ranges::upper_bound(sequences, sequence) -
                                      sequences.begin());
  }

  std::vector<std::string> any_subscriptions() {
    const std::string user = "user." + std::to_string(below(3));
    switch (random.between(0, 6)) {
      case 0:
      case 1:
        return {user, "all"};
      case 2:
        return {"t." + std::to_string(below(2)), "t." + std::to_string(2 + below(2))};
      case 3:
        return {"t.*"};
      case 4:
        return {"user.*", "all", user};
      case 5:
        return {"*.1", "t.0", ">"};
      default:
        return {kSharedTopics[below(std::size(kSharedTopics))]};
    }
  }
  void open_one(OneWorker& worker) {
    if (worker.readers.size() >= 20) return reopen(worker);
    Reader& reader = worker.readers.emplace_back();
    reader.subscriptions = selectors(any_subscriptions());
    happened.several += reader.subscriptions.size() > 1 ? 1U : 0U;
    happened.patterns += reader.subscriptions[0].is_pattern() ? 1U : 0U;
    const std::uint32_t kind = random.between(0, 5);
    if (kind == 0 && !sequences.empty()) return resume(worker, reader, 1 + below(sequences.size()));
    ResumePlan plan;
    plan.after = shared.log_head;
    reader.seen = number_of(plan.after);
    if (kind <= 2) {
      plan.kind = ResumePlan::Kind::replay;
      plan.from = kind == 1 ? broadcast::ReplayFrom::earliest : broadcast::ReplayFrom::last;
      plan.last_count = random.between(0, 5);
      plan.after = reader.seen = 0;
      reader.log_decides = true;
    }
    worker.open(reader, plan);
  }
  // Resumes with the id of the event of that number.
  void resume(OneWorker& worker, Reader& reader, std::uint64_t number) {
    const std::string id = to_string(EventId{shared.log.epoch(), sequences[number - 1]});
    reader.seen = number;
    reader.told = reader.log_decides = false;
    reader.gap_read_at = reader.optional_through = 0;
    ++happened.resumed;
    worker.open(reader, broadcast::plan_resume(id, shared.log.epoch(), shared.log_head));
  }
  void reopen(OneWorker& worker) {
    for (Reader& reader : worker.readers) {
      if (reader.open) continue;
      read(reader, worker.io[reader.connection].sent);
      ++happened.overflows;
      if (reader.seen > 0) resume(worker, reader, reader.seen);
    }
  }

  void disturb(OneWorker& worker) {
    for (Reader& reader : worker.readers) {
      auto& socket = worker.io[reader.connection];
      if (random.between(0, 3) == 0) socket.room = random.between(0, 300);
      if (random.between(0, 7) == 0) socket.per_write_max = random.between(1, 200);
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
        return open_one(worker);
      case 2:
        return disturb(worker);
      case 3:
        for (Reader& reader : worker.readers) {
          if (reader.open && random.between(0, 1) == 0) worker.unblock(reader);
        }
        return;
      case 4:
        if (random.between(0, 9) > 0) return;
        for (int i = 0; i < 600; ++i) {  // More batches than fit into an inbox.
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
    control->count_subscribers({"all"}, [told](const auto& sums) { told(sums.has_value()); });
  }

  void come_to_rest() {
    for (int rounds = 0;; ++rounds) {
      if (rounds == 100'000) FAIL("no rest");
      shared.now.us += 20'000;
      bool rest = !control_turn();
      for (const auto& worker : workers) {
        reopen(*worker);
        for (Reader& reader : worker->readers) {
          if (reader.open) worker->unblock(reader);
        }
        worker->turn(100);
        rest = rest && worker->at_rest();
        for (const Reader& reader : worker->readers) rest = rest && worker->caught_up(reader);
      }
      read_all();
      const bool followed = std::ranges::all_of(
          traces.traces(), [](const PublishTrace& trace) { return trace.awaited == 0; });
      if (rest && followed && answered == asked) return;
    }
  }
  void read_all() {
    for (const auto& worker : workers) {
      for (Reader& reader : worker->readers) read(reader, worker->io[reader.connection].sent);
    }
  }
  // Takes the complete events out of the bytes sent.
  void read(Reader& reader, std::string& sent) {
    std::size_t from = 0;
    for (std::size_t end = 0; (end = sent.find("\n\n", from)) != std::string::npos;
         from = end + 2) {
      const std::string text = sent.substr(from, end + 1 - from);
      if (text.find("event: crier.gap\n") != std::string::npos) {
        reader.told = true;
        reader.gap_read_at = published.size();
        ++happened.gaps;
      } else if (text.find("event: crier.open\n") != std::string::npos) {
        if (reader.log_decides) reader.optional_through = published.size();
      } else if (const auto at = text.find("\ndata: ");
                 at != std::string::npos && text.find("event: crier.") == std::string::npos) {
        take_event(reader, std::stoull(text.substr(at + 7)));
      }
    }
    sent.erase(0, from);
  }
  void take_event(Reader& reader, std::uint64_t number) {
    if (number <= reader.seen) FAIL("event " << number << " after " << reader.seen);
    if (!wanted(reader, number)) FAIL("event " << number << " of another topic");
    check_none_missing(reader, number);
    reader.seen = number;
    reader.told = false;
    ++happened.events;
  }
  // Requires: every event up to `seen` was read or announced as lost.
  void check_none_missing(const Reader& reader, std::uint64_t before) const {
    for (std::uint64_t missed = reader.seen + 1; missed < before; ++missed) {
      const bool several = reader.subscriptions.size() > 1 || reader.subscriptions[0].is_pattern();
      const bool excused = reader.told || missed <= reader.optional_through ||
                           (several && missed <= reader.gap_read_at);
      if (wanted(reader, missed) && !excused && !superseded(missed))
        FAIL("event " << missed << " is missing before " << before);
    }
  }
  // With the policy conflate a newer event of its topic takes an event's place.
  bool superseded(std::uint64_t number) const {
    if ((*shared.classes)[0].policy != OverflowPolicy::conflate) return false;
    const auto newer = published.begin() + static_cast<std::ptrdiff_t>(number);
    return std::find(newer, published.end(), *std::prev(newer)) != published.end();
  }
  bool wanted(const Reader& reader, std::uint64_t number) const {
    return std::ranges::any_of(reader.subscriptions, [&](const Selector& subscription) {
      return matches(subscription.text, published[number - 1]);
    });
  }

  Happened live() {
    for (int i = 0; i < 600; ++i) step();
    come_to_rest();
    check_traces();
    for (const auto& worker : workers) {
      CHECK(worker->worker_wakes > 0);
      CHECK(worker->control_wakes > 0);
      for (const Reader& reader : worker->readers) {
        if (reader.open) check_none_missing(reader, published.size() + 1);
      }
    }
    return happened;
  }

  Random random;
  const bool holes;  // Sequences have holes, and the first event's is near 2^32.
  Shared shared;
  std::uint64_t next_hole = 0;
  std::vector<std::string> published;    // The topic of each event; the first event has number 1.
  std::vector<std::uint64_t> sequences;  // The sequence of each event.
  Happened happened;
  std::size_t asked = 0;
  std::size_t answered = 0;
  RecordingSink lines;
  RepeatLimit limited{lines, 1};
  ConnectionLog connections{lines, 0};
  PublishTraces traces{[this] { return ++shared.clock_ns; }};
  std::vector<std::unique_ptr<OneWorker>> workers;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Control> control;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Enough steps for each case below, in whatever order a compiler evaluates arguments.
constexpr std::uint64_t kSeeds = 12;

}  // namespace

TEST_CASE("several workers: each stream has its events once, in order, or is told") {
  const std::uint64_t only = number_from("CRIER_SEED", 0);
  const std::uint64_t last = only > 0 ? only : number_from("CRIER_SEEDS", kSeeds);
  Happened all;
  for (std::uint64_t seed = only > 0 ? only : 1; seed <= last; ++seed) {
    INFO("CRIER_SEED=" << seed);
    const Happened one = World(seed).live();
    all.events += one.events;
    all.gaps += one.gaps;
    all.overflows += one.overflows;
    all.resumed += one.resumed;
    all.several += one.several;
    all.patterns += one.patterns;
    all.followed += one.followed;
  }
  if (only > 0 || last < kSeeds) return;
  CHECK(all.events > 10'000);
  CHECK(all.gaps > 0);
  CHECK(all.overflows > 0);
  CHECK(all.resumed > 0);
  CHECK(all.several > 0);
  CHECK(all.patterns > 0);
  CHECK(all.followed > 100);
}

}  // namespace crier::cmd
