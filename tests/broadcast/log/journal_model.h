// A model of a journal and its log over restarts: groups are appended at random, the process ends
// at random moments, with and without a crash. After each restart
//
//   * every event whose group was answered is there, once, in order, with its sequence; of groups
//     without an answer the oldest may be there, each whole, unless the journal takes parts;
//   * sequences are never given again;
//   * the new log retains what the old one did, and no loss is silent;
//   * an answered key gets its first answer.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/journal.h"
#include "broadcast/log/log_loader.h"
#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {

// A journal of any kind, over the lives of a process.
class JournalWorld {
 public:
  virtual ~JournalWorld() = default;

  // The present journal. Its kind may keep events over a restart.
  virtual Journal& journal() = 0;
  virtual bool keeps_events() const = 0;
  // Of the last group before a crash, a part may be there.
  virtual bool takes_parts() const { return false; }
  // A turn of the loop: the journal may answer.
  virtual void turn() = 0;
  // Ends the process: a crash, or in good order after Journal::finish(). Afterwards journal() is
  // another one, which is not loaded yet.
  virtual void restart(bool crash) = 0;
  // Never goes back, not even over a restart.
  virtual Instant now() = 0;
};

class JournalModel final : private JournalClient, private JournalReader {
 public:
  JournalModel(JournalWorld& world, std::uint32_t seed, HistoryLimits limits)
      : world_(world), limits_(limits), random_(seed) {
    begin();
  }

  // `compact`: a survey is made now and then, whether the journal wants one or not.
  void step(bool compact = true) {
    const std::uint32_t what = draw(40);
    if (what == 0) return restart(true);
    if (what == 1 && draw(3) == 0) return restart(false);
    if (what == 2 && compact) return survey();
    if (what < 30) return append();
    world_.journal().flush();
    world_.turn();
    life_->log.expire(world_.now());
  }
  // Ends in good order: every group is answered, and everything is there again.
  void end() {
    restart(false);
    if (world_.keeps_events()) CHECK(compared_ > 0);
  }

  std::uint64_t head() const { return life_->log.head(); }
  std::size_t events() const { return committed_.size(); }

 private:
  struct Sent {
    std::string topic;
    std::string data;
    std::string name;
    friend bool operator==(const Sent&, const Sent&) = default;
  };
  struct SentGroup {
    std::vector<Sent> events;
    std::vector<KeyUse> keys;
    Instant accepted;
  };
  // What a process has in memory.
  struct Life {
    Life(const JournalIdentity& identity, HistoryLimits limits)
        : log(options(identity, limits)),
          encoder(identity.epoch, identity.topic_key, nullptr),
          keys(identity.idempotency_key, 1'000'000, 1'000'000) {}
    static LogOptions options(const JournalIdentity& identity, HistoryLimits limits) {
      LogOptions options = log_options(limits);
      options.epoch = identity.epoch;
      options.topic_key = identity.topic_key;
      options.topics_max = 8;  // Of ten: topics are forgotten, too.
      options.forgotten_max = 3;
      return options;
    }
    Log log;
    EventEncoder encoder;
    IdempotencyKeys keys;
  };

  std::uint32_t draw(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  static std::string topic_name(std::uint32_t number) { return "t." + std::to_string(number); }

  void append() {
    SentGroup group{.events = {}, .keys = {}, .accepted = world_.now()};
    for (std::uint32_t i = 1 + draw(draw(10) == 0 ? 40 : 3); i > 0; --i) {
      const std::string topic = topic_name(draw(draw(3) == 0 ? 10 : 3));
      const std::string data = std::to_string(++sent_) + std::string(draw(100), 'x');
      group.events.push_back({topic, data, draw(3) == 0 ? "named" : ""});
    }
    if (draw(30) == 0) {
      const std::string topic = topic_name(draw(10));
      group.events = {{topic, closed_data(topic), std::string(kClosedName)}};
    }
    if (draw(2) == 0) {
      group.keys.push_back({life_->keys.scoped(1, std::to_string(sent_)),
                            {sent_, 7},
                            0,
                            static_cast<std::uint32_t>(group.events.size())});
    }
    std::vector<PublishEvent> events;
    for (const Sent& sent : group.events) {
      events.push_back({{.topic = sent.topic, .data = sent.data, .name = sent.name}, {}, 0});
    }
    open_.push_back(group);
    const auto appended = world_.journal().append({events, group.keys, group.accepted});
    if (appended) on_appended(*appended);
  }

  // --- what the journal answers ---

  void on_committed(const Event& event, std::uint64_t sequence, Instant accepted) override {
    REQUIRE(!open_.empty());
    REQUIRE(visible_ < open_.front().events.size());
    const Sent sent{std::string(event.topic), std::string(event.data), std::string(event.name)};
    REQUIRE(sent == open_.front().events[visible_]);
    REQUIRE(sequence > highest_);
    ++visible_;
    highest_ = sequence;
    committed_.emplace(sequence, sent);
    sequences_.push_back(sequence);
    life_->log.append(life_->encoder.encode(event, sequence, accepted));
    if (visible_ == open_.front().events.size()) next_group_is_visible();
  }
  // Events of several groups may be committed before the first is answered.
  void next_group_is_visible() {
    unanswered_.push_back({std::move(open_.front()), std::exchange(sequences_, {})});
    open_.pop_front();
    visible_ = 0;
  }
  void on_appended(const Appended& appended) override {
    REQUIRE(appended.has_value());
    REQUIRE(!unanswered_.empty());
    const auto [group, sequences] = std::move(unanswered_.front());
    unanswered_.pop_front();
    REQUIRE(std::ranges::equal(*appended, sequences));
    for (const KeyUse& use : group.keys) {
      answered_.push_back({use, use.answer(sequences)});
      life_->keys.remember(use.key, use.content, use.answer(sequences), group.accepted);
    }
  }
  void on_recovered_key(const Fingerprint& key, const Fingerprint& content,
                        const FirstAnswer& answer, Instant accepted) override {
    life_->keys.restore(key, content, answer, accepted);
  }
  void on_dropped(std::uint64_t through) override { life_->log.drop_through(through); }

  void survey() {
    LogSurvey survey(life_->log);
    while (!survey.step()) {
      if (draw(4) == 0) append();
      if (draw(4) == 0) world_.turn();
    }
    world_.journal().compact(survey.take());
  }

  // --- restarts ---

  void restart(bool crash) {
    if (!crash) {
      world_.journal().finish();
      REQUIRE(open_.empty());
      REQUIRE(unanswered_.empty());
    }
    const JournalIdentity before = world_.journal().identity();
    before_ = std::move(life_);
    world_.restart(crash);
    if (world_.keeps_events()) {
      REQUIRE(world_.journal().identity().epoch == before.epoch);
    } else {
      committed_.clear();
      answered_.clear();
      open_.clear();
      highest_ = 0;
      before_.reset();
    }
    begin();
    if (before_) check_retained();
    for (const auto& [use, answer] : answered_) {
      const KeyLookup known = life_->keys.find(use.key, use.content, world_.now());
      REQUIRE(known.status == KeyStatus::same);
      REQUIRE(known.answer == answer);
    }
    for (std::uint32_t topic = 0; topic < 10; ++topic) check_nothing_silent(topic_name(topic));
    before_.reset();
  }

  void begin() {
    life_ = std::make_unique<Life>(world_.journal().identity(), limits_);
    loader_.emplace(life_->log, life_->encoder, life_->keys);
    loaded_ = 0;
    sequences_.clear();
    unanswered_.clear();
    const Result<void> loaded = world_.journal().load(*this);
    INFO((loaded ? "" : loaded.error().detail));
    REQUIRE(loaded.has_value());
    open_.clear();  // Their publishers got no answer.
    visible_ = 0;
    world_.journal().connect(*this);
  }

  JournalReader& loader() { return *loader_; }
  void on_remembered(const Remembered& remembered) override { loader().on_remembered(remembered); }
  void on_event(const Event& event, std::uint64_t sequence, Instant accepted) override {
    const Sent sent{std::string(event.topic), std::string(event.data), std::string(event.name)};
    REQUIRE(sequence > loaded_);
    REQUIRE(accepted <= world_.now());
    loaded_ = sequence;
    if (const auto known = committed_.find(sequence); known != committed_.end()) {
      REQUIRE(known->second == sent);
    } else {  // The next one of the oldest group that was not visible.
      REQUIRE(sequence > highest_);
      REQUIRE(!open_.empty());
      REQUIRE(sent == open_.front().events[visible_]);
      committed_.emplace(sequence, sent);
      highest_ = sequence;
      if (++visible_ == open_.front().events.size()) {
        open_.pop_front();
        visible_ = 0;
      }
    }
    loader().on_event(event, sequence, accepted);
  }
  void on_key(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
              Instant accepted) override {
    loader().on_key(key, content, answer, accepted);
  }
  void on_hole(std::uint64_t /*through*/) override { FAIL("nothing was damaged"); }
  void on_head(std::uint64_t sequence) override {
    if (!world_.takes_parts()) REQUIRE(visible_ == 0);  // Each group is there as a whole.
    REQUIRE(sequence >= highest_);
    highest_ = sequence;
    loader().on_head(sequence);
  }

  // What the log before retained, the log after retains, too, if no event is new.
  void check_retained() {
    if (life_->log.head() != before_->log.head()) return;
    for (std::uint32_t topic = 0; topic < 10; ++topic) {
      const std::string name = topic_name(topic);
      INFO(name);
      const auto old = sequences(before_->log.replay(ask({name}), world_.now()).frames);
      const auto now = sequences(life_->log.replay(ask({name}), world_.now()).frames);
      REQUIRE(std::ranges::includes(now, old));
      const Closing closing = before_->log.closing_of(name);
      if (closing) REQUIRE(life_->log.closing_of(name).sequence == closing.sequence);
      ++compared_;
    }
  }

  // From wherever a stream resumes, it gets each later event or is told of a gap. The event that
  // closed the topic is the newest.
  void check_nothing_silent(const std::string& topic) {
    const std::uint64_t head = life_->log.head();
    const Closing closing = life_->log.closing_of(topic);
    for (int i = 0; i < 6; ++i) {
      const std::uint64_t after = i == 0 ? 0 : head - std::min<std::uint64_t>(head, draw(60));
      INFO(topic << " after " << after << " of " << head);
      const ReplayAnswer answer = life_->log.replay(ask({topic}, after), world_.now());
      REQUIRE(answer.reached_head);
      const auto given = sequences(answer.frames);
      for (auto at = committed_.upper_bound(after); at != committed_.end(); ++at) {
        if (at->second.topic != topic) continue;
        INFO(at->first);
        REQUIRE((!closing || at->first <= closing.sequence));
        REQUIRE((answer.gap || std::ranges::binary_search(given, at->first)));
      }
    }
  }

  JournalWorld& world_;
  HistoryLimits limits_;
  std::mt19937 random_;
  std::unique_ptr<Life> life_;
  std::unique_ptr<Life> before_;
  std::optional<LogLoader> loader_;

  std::uint64_t sent_ = 0;
  std::deque<SentGroup> open_;            // In the journal, not committed.
  std::size_t visible_ = 0;               // Events of the oldest open group that are committed.
  std::vector<std::uint64_t> sequences_;  // Theirs.
  std::deque<std::pair<SentGroup, std::vector<std::uint64_t>>> unanswered_;
  std::map<std::uint64_t, Sent> committed_;
  std::vector<std::pair<KeyUse, FirstAnswer>> answered_;
  std::uint64_t highest_ = 0;  // The highest sequence that was seen.
  std::uint64_t loaded_ = 0;
  std::size_t compared_ = 0;  // Topics of an old log and a new one.
};

}  // namespace crier::broadcast
