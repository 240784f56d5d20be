// Compares the log with a model that keeps every event and marks those that should be gone. A run
// has thousands of random publishes, expiries and reloads, and streams that replay in parts in
// between. Every answer must hold exactly what is retained, and every loss must be told. Half of
// the runs leave numbers out between events, which must not look like a loss.
#include <algorithm>
#include <random>
#include <set>

#include "core/topic.h"
#include "tests/broadcast/log/log_model.h"
#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

const std::vector<std::string> kModelTopics = {"a.x", "a.y",   "b.x", "b.y", "c",
                                               "d",   "e.f.g", "f",   "g.h"};
const std::vector<std::string> kPatterns = {">", "a.*", "b.>", "*", "e.>"};

struct Setup {
  std::string name;
  std::size_t topics_max;
  std::size_t forgotten_max;
  std::uint32_t idle_seconds;
  std::uint32_t events_max;
  std::uint64_t bytes_max;
};

class Run {
 public:
  Run(const Setup& setup, std::uint32_t seed, bool holes)
      : setup_(setup), holes_(holes), random_(seed), limits_{tight(), loose()}, log_(options()) {
    model_.classes = limits_[0];
    model_.bytes_max = setup.bytes_max;
  }

  void step() {
    switch (draw(10)) {
      case 0:
        now_.us += draw(4) * kSecond / 2;
        break;
      case 1:
        expire();
        break;
      case 2:
        if (draw(20) == 0) reload();
        break;
      case 3:
        follow_a_stream();
        break;
      case 4:
        check_frames_after();
        break;
      default:
        append();
    }
    check_topics();
  }

 private:
  std::shared_ptr<const TopicClasses> tight() const {
    return classes({.events_max = setup_.events_max, .age_seconds_max = 20},
                   {topic_class("a.>", {.events_max = 2, .age_seconds_max = 9}),
                    topic_class("b.*", {.events_max = 50, .bytes_max = 400, .age_seconds_max = 9}),
                    topic_class("c", {.events_max = 0})});
  }
  std::shared_ptr<const TopicClasses> loose() const {
    return classes({.events_max = setup_.events_max * 3, .age_seconds_max = 4},
                   {topic_class("*", {.events_max = 1, .age_seconds_max = 1'000})});
  }
  LogOptions options() const {
    LogOptions options = log_options();
    options.classes = limits_[0];
    options.history_bytes_max = setup_.bytes_max;
    options.topics_max = setup_.topics_max;
    options.forgotten_max = setup_.forgotten_max;
    options.idle_topic_seconds = setup_.idle_seconds;
    return options;
  }

  std::uint32_t draw(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[draw(static_cast<std::uint32_t>(from.size()))];
  }

  void append() {
    // Some topics are busy, others rare.
    const std::string& topic = draw(4) == 0 ? pick(kModelTopics) : kModelTopics[draw(3)];
    make_room_in_model(topic);
    const std::string data(draw(120), 'x');
    const std::uint64_t hole = holes_ && draw(3) == 0 ? draw(draw(10) == 0 ? 1'000 : 4) : 0;
    const std::uint64_t before = model_.head();
    model_.append(*broadcast::append(log_, {.topic = topic, .data = data}, now_, nullptr, hole),
                  now_);
    REQUIRE(log_.head() == before + 1 + hole);
  }

  // A topic beyond topics_max makes the log forget a topic without history, or else the stalest
  // topic and its events.
  void make_room_in_model(const std::string& topic) {
    std::size_t listed = 0;
    std::vector<ModelEvent*> stalest;
    for (const std::string& other : kModelTopics) {
      if (!log_.topic(other, now_)) continue;
      if (other == topic) return;
      ++listed;
      const auto own = model_.retained(other);
      if (own.empty()) return;
      if (stalest.empty() || own.back()->sequence < stalest.back()->sequence) stalest = own;
    }
    if (listed < setup_.topics_max) return;
    for (ModelEvent* event : stalest) model_.evict(*event);
  }

  void expire() {
    while (log_.expire(now_)) {
    }
    model_.expire(now_);
  }

  void reload() {
    model_.classes = limits_[draw(2)];
    model_.bytes_max = draw(2) == 0 ? setup_.bytes_max : setup_.bytes_max / 2;
    log_.set_limits(model_.classes, model_.bytes_max);
  }

  void check_topics() {
    std::uint64_t events = 0;
    for (const std::string& name : kModelTopics) {
      INFO(name);
      const auto own = model_.retained(name);
      const auto info = log_.topic(name, now_);
      REQUIRE((info ? info->events : 0) == own.size());
      if (own.empty()) continue;
      REQUIRE(info->bytes == Model::bytes_of(own));
      REQUIRE(info->oldest_sequence == own.front()->sequence);
      REQUIRE(info->newest_sequence == own.back()->sequence);
      events += own.size();
    }
    REQUIRE(log_.stats().history_events.read() == events);
    REQUIRE(log_.stats().history_bytes.read() == Model::bytes_of(model_.retained()));
    const auto all = model_.retained();
    REQUIRE(log_.retained_after() == (all.empty() ? model_.head() : all.front()->sequence - 1));
    REQUIRE(log_.stats().topics.read() <= setup_.topics_max);
    REQUIRE(log_.stats().forgotten_entries.read() <= setup_.forgotten_max);
  }

  std::uint64_t draw_sequence() {
    switch (draw(6)) {
      case 0:
        return 0;
      case 1:
        return model_.head();
      case 2:
        return ~std::uint64_t{0};
      case 3:
        if (const auto all = model_.retained(); !all.empty()) return pick(all)->sequence;
        return 0;
      default:
        return model_.head() -
               draw(static_cast<std::uint32_t>(std::min<std::uint64_t>(model_.head(), 60)) + 1);
    }
  }

  void check_frames_after() {
    const std::uint64_t after = std::min(draw_sequence(), model_.head());
    const std::size_t frames_max = 1 + draw(8);
    const std::size_t bytes_max = 1 + draw(600);
    const MissedFrames missed = log_.frames_after(after, frames_max, bytes_max);
    REQUIRE(missed.through >= after);
    Sequences expected;
    std::set<std::string> lost;
    for (const ModelEvent& event : model_.events) {
      if (event.sequence <= after || event.sequence > missed.through) continue;
      event.eviction == 0 ? expected.push_back(event.sequence) : void(lost.insert(event.topic));
    }
    REQUIRE(sequences(missed.frames) == expected);
    if (!lost.empty()) REQUIRE(missed.lost.has_value());
    if (missed.lost) REQUIRE((holes_ ? lost_after(after) : !lost.empty()));
    if (missed.lost && missed.lost->topics) {
      const std::vector<std::string>& told = *missed.lost->topics;
      REQUIRE(std::set<std::string>(told.begin(), told.end()).size() == told.size());
      for (const std::string& topic : lost) REQUIRE(std::ranges::count(told, topic) == 1);
    }
    const bool full = missed.frames.size() == frames_max || wire_bytes(missed.frames) >= bytes_max;
    REQUIRE((full || missed.through == model_.head()));
    check_bounds(missed.frames, frames_max, bytes_max);
  }

  // With holes in the numbering a loss may be told early, but a loss that is told did happen.
  bool lost_after(std::uint64_t sequence) const {
    return std::ranges::any_of(model_.events, [&](const ModelEvent& event) {
      return event.sequence > sequence && event.eviction > 0;
    });
  }

  static std::size_t wire_bytes(std::span<const FrameRef> frames) {
    std::size_t bytes = 0;
    for (const FrameRef& frame : frames) bytes += frame->wire(Framing::chunked).size();
    return bytes;
  }
  static void check_bounds(std::span<const FrameRef> frames, std::size_t frames_max,
                           std::size_t bytes_max) {
    REQUIRE(frames.size() <= frames_max);
    if (!frames.empty()) REQUIRE(wire_bytes(frames.first(frames.size() - 1)) < bytes_max);
  }

  std::vector<std::string> draw_subscriptions() {
    std::set<std::string> chosen;
    const std::uint32_t count = 1 + draw(3);
    for (std::uint32_t i = 0; i < count; ++i) {
      chosen.insert(draw(4) == 0 ? pick(kPatterns) : pick(kModelTopics));
    }
    if (draw(8) == 0) chosen.insert("never.published");
    return {chosen.begin(), chosen.end()};
  }

  // Follows a stream from its first request until it has reached the head, while events are
  // published.
  void follow_a_stream() {
    ReplayRequest request = ask(draw_subscriptions(), draw_sequence());
    request.from = ReplayFrom(draw(4));
    request.last_count = draw(draw(2) == 0 ? 5 : 30);
    request.connected = draw(2) == 0;
    request.newest_only = draw(3) == 0;
    request.stream = draw(1000);
    request.generation = draw(1000);
    const std::uint64_t begin =
        request.from == ReplayFrom::sequence ? std::min(request.after, model_.head()) : 0;
    const bool all = request.from == ReplayFrom::sequence || request.from == ReplayFrom::restarted;
    std::set<std::uint64_t> given;
    std::uint64_t told = 0;  // A gap has told every eviction up to this one.
    std::uint64_t told_before = 0;
    for (;;) {
      request.frames_max = 1 + draw(6);
      request.bytes_max = 1 + draw(800);
      const ReplayAnswer answer = log_.replay(request, now_);
      model_.expire(now_);
      check_answer(request, answer, told_before);
      for (const std::uint64_t sequence : sequences(answer.frames)) {
        REQUIRE(given.insert(sequence).second);
      }
      told_before = model_.evictions;
      if (answer.gap) told = model_.evictions;
      request.from = ReplayFrom::sequence;
      request.after = answer.through;
      request.evictions_told = answer.evictions_told;
      if (answer.reached_head) break;
      for (std::uint32_t i = draw(6); i > 0; --i) append();
      if (draw(3) == 0) expire();
    }
    if (all) check_nothing_silent(request, begin, given, told);
  }

  void check_nothing_silent(const ReplayRequest& request, std::uint64_t begin,
                            const std::set<std::uint64_t>& given, std::uint64_t told) {
    for (const ModelEvent& event : model_.events) {
      if (event.sequence <= begin || given.contains(event.sequence)) continue;
      if (!model_.wants(request, event)) continue;
      INFO("event " << event.sequence << " of " << event.topic);
      REQUIRE(event.eviction > 0);
      REQUIRE(event.eviction <= told);
    }
  }

  void check_answer(const ReplayRequest& request, const ReplayAnswer& answer, std::uint64_t told) {
    const bool resumes = request.from == ReplayFrom::sequence;
    const std::uint64_t after = resumes ? std::min(request.after, model_.head()) : 0;
    INFO("from " << int(request.from) << " after " << after << " through " << answer.through
                 << " of " << model_.head());
    REQUIRE(answer.stream == request.stream);
    REQUIRE(answer.generation == request.generation);
    REQUIRE(answer.through >= after);
    REQUIRE(answer.reached_head == (answer.through == model_.head()));
    const Sequences expected = request.from == ReplayFrom::last
                                   ? last_of(request, answer.through)
                                   : retained_between(request, after, answer.through);
    REQUIRE(sequences(answer.frames) == expected);
    check_bounds(answer.frames, request.frames_max, request.bytes_max);
    const bool full = answer.frames.size() == request.frames_max ||
                      wire_bytes(answer.frames) >= request.bytes_max;
    REQUIRE((full || answer.reached_head));
    if (resumes) REQUIRE(answer.position == after);
    if (resumes || request.from == ReplayFrom::restarted) {
      check_gap(request, answer, after, told);
    } else {
      REQUIRE_FALSE(answer.gap);
      REQUIRE(answer.position ==
              (answer.frames.empty() ? answer.through : answer.frames.front()->sequence() - 1));
    }
  }

  void check_gap(const ReplayRequest& request, const ReplayAnswer& answer, std::uint64_t after,
                 std::uint64_t told) {
    std::uint64_t lost = 0;
    for (const ModelEvent& event : model_.events) {
      if (event.sequence > after && event.eviction > told && model_.wants(request, event)) {
        ++lost;
      }
    }
    const bool restarted = request.from == ReplayFrom::restarted;
    if (lost > 0 || restarted) {
      REQUIRE(answer.gap);
    } else if (!may_announce_falsely(request.subscriptions)) {
      REQUIRE_FALSE(answer.gap);
    }
    if (!answer.gap) return;
    const Gap& gap = *answer.gap;
    REQUIRE(gap.reason == (restarted           ? GapReason::restarted
                           : request.connected ? GapReason::overflow
                                               : GapReason::evicted));
    REQUIRE(gap.resumed_at >= after);
    REQUIRE(gap.resumed_at <= answer.through);
    if (!answer.frames.empty()) REQUIRE(gap.resumed_at < answer.frames.front()->sequence());
    if (restarted) {
      REQUIRE_FALSE(gap.missed);
    } else if (gap.missed) {
      REQUIRE(*gap.missed == lost);
    } else {
      REQUIRE_FALSE(must_be_exact(request, after));
    }
  }

  // A pattern takes the newest loss of all forgotten topics. When that table is full, it has a
  // floor.
  bool may_announce_falsely(const std::vector<Selector>& subscriptions) {
    const std::uint64_t forgotten = log_.stats().topics_forgotten.read();
    return forgotten > (any_pattern(subscriptions) ? 0 : setup_.forgotten_max);
  }

  bool must_be_exact(const ReplayRequest& request, std::uint64_t after) {
    if (log_.stats().topics_forgotten.read() > 0) return false;
    if (request.newest_only && !any_pattern(request.subscriptions)) return true;
    if (request.subscriptions.size() != 1 || request.evictions_told > 0) return false;
    for (const ModelEvent& event : model_.events) {
      if (event.topic == request.subscriptions[0].text) return after < event.sequence;
    }
    return false;
  }

  Sequences retained_between(const ReplayRequest& request, std::uint64_t after,
                             std::uint64_t through) {
    Sequences found;
    for (const ModelEvent* event : model_.retained()) {
      if (event->sequence > after && event->sequence <= through && model_.wants(request, *event)) {
        found.push_back(event->sequence);
      }
    }
    return found;
  }

  Sequences last_of(const ReplayRequest& request, std::uint64_t through) {
    Sequences found;
    const std::size_t count =
        request.newest_only ? std::min(request.last_count, 1U) : request.last_count;
    for (const auto& [kind, topic] : request.subscriptions) {
      const auto own = model_.retained(topic);
      for (std::size_t i = own.size() - std::min(own.size(), count); i < own.size(); ++i) {
        if (own[i]->sequence <= through) found.push_back(own[i]->sequence);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  Setup setup_;
  bool holes_;
  std::mt19937 random_;
  std::vector<std::shared_ptr<const TopicClasses>> limits_;
  Log log_;
  Model model_;
  Instant now_{5 * kSecond};
};

}  // namespace

TEST_CASE("the log retains what the model retains, and no loss is silent") {
  const Setup setup = GENERATE(values<Setup>({
      {"roomy", 100, 100, 1'000, 20, 1 << 20},
      {"few events", 100, 100, 1'000, 3, 1 << 20},
      {"few bytes", 100, 100, 1'000, 50, 3'000},
      {"no room for one", 100, 100, 1'000, 50, 100},
      {"nothing retained", 100, 100, 1'000, 0, 1 << 20},
      {"idle topics are forgotten", 100, 100, 3, 5, 1 << 20},
      {"few topics", 4, 100, 1'000, 5, 1 << 20},
      {"few topics, two remembered", 4, 2, 1'000, 5, 1 << 20},
      {"one topic, none remembered", 1, 0, 2, 5, 4'000},
  }));
  const std::uint32_t seed = GENERATE(1U, 2U, 3U);
  const bool holes = GENERATE(false, true);
  INFO(setup.name << ", seed " << seed << (holes ? ", holes in the numbering" : ""));
  Run run(setup, seed, holes);
  for (int i = 0; i < 1'000; ++i) run.step();
}

}  // namespace crier::broadcast
