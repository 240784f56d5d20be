// A journal that answers when the test tells it to: late, in order, with holes in the numbering, or
// never.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/journal.h"
#include "core/check.h"

namespace crier::cmd {

class ScriptedJournal final : public broadcast::Journal {
 public:
  const broadcast::JournalIdentity& identity() const override { return identity_; }
  Result<void> load(broadcast::JournalReader& /*reader*/) override { return {}; }
  void connect(broadcast::JournalClient& client) override { client_ = &client; }

  std::optional<broadcast::Appended> append(const broadcast::Group& group) override {
    if (fails_at_once) return std::unexpected(*fails_at_once);
    Copies& copy = open_.emplace_back();
    copy.accepted = group.accepted;
    copy.keys.assign(group.keys.begin(), group.keys.end());
    for (const broadcast::PublishEvent& publish : group.events) {
      const broadcast::Event& event = publish.event;
      copy.events.push_back(
          {std::string(event.topic), std::string(event.data), std::string(event.name)});
    }
    return std::nullopt;
  }
  void flush() override {}
  bool wants_survey() const override { return false; }
  void compact(broadcast::Survey /*survey*/) override {}
  std::optional<broadcast::JournalFailure> failing() const override { return fails_at_once; }
  void finish() override { commit(open_.size()); }

  // Commits the oldest open groups. Leaves out `hole` numbers before each event.
  void commit(std::size_t groups = 1, std::uint64_t hole = 0) {
    for (; groups > 0; --groups) {
      const Copies group = pop();
      const std::vector<std::uint64_t> sequences = commit_events(group, hole);
      client_->on_appended(sequences);
    }
  }
  void fail(broadcast::AppendFailure failure) {
    failed_.push_back(pop());
    client_->on_appended(std::unexpected(failure));
  }
  // The groups that failed since the last call turn out to be in the journal. Requires: none is
  // open.
  void recover() {
    for (const Copies& group : std::exchange(failed_, {})) {
      const std::vector<std::uint64_t> sequences = commit_events(group, 0);
      for (const broadcast::KeyUse& use : group.keys) {
        client_->on_recovered_key(use.key, use.content, use.answer(sequences), group.accepted);
      }
    }
  }
  // They are not.
  void forget_failed() { failed_.clear(); }
  void drop(std::uint64_t through) { client_->on_dropped(through); }

  std::size_t open() const { return open_.size(); }
  const std::vector<broadcast::KeyUse>& keys_of_newest() const { return open_.back().keys; }
  // The number of events in the newest open group.
  std::size_t events_of_newest() const { return open_.back().events.size(); }

  std::optional<broadcast::JournalFailure> fails_at_once;

 private:
  struct Copy {
    std::string topic;
    std::string data;
    std::string name;
  };
  struct Copies {
    std::vector<Copy> events;
    std::vector<broadcast::KeyUse> keys;
    Instant accepted;
  };

  std::vector<std::uint64_t> commit_events(const Copies& group, std::uint64_t hole) {
    std::vector<std::uint64_t> sequences;
    for (const Copy& event : group.events) {
      last_ += 1 + hole;
      sequences.push_back(last_);
      client_->on_committed({event.topic, event.data, event.name}, last_, group.accepted);
    }
    return sequences;
  }

  Copies pop() {
    CRIER_CHECK(!open_.empty());
    Copies group = std::move(open_.front());
    open_.pop_front();
    return group;
  }

  broadcast::JournalClient* client_ = nullptr;
  broadcast::JournalIdentity identity_;
  std::deque<Copies> open_;
  std::vector<Copies> failed_;
  std::uint64_t last_ = 0;
};

}  // namespace crier::cmd
