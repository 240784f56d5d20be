// A journal that keeps a row for each batch in memory that outlives it: a journal on a disk without
// the disk. It answers when the test tells it to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/journal.h"
#include "broadcast/log/journal_batch.h"
#include "core/check.h"

namespace crier::broadcast {

// What outlives the process.
struct Rows {
  struct Row {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    Instant accepted;
    std::string body;
    bool damaged = false;
  };
  JournalIdentity identity{Epoch::from_random(3), {1, 2}, {3, 4}};
  std::vector<Row> rows;
  std::string remembered;
  std::uint64_t dropped_through = 0;
  std::uint64_t last = 0;
};

class RowJournal final : public Journal {
 public:
  explicit RowJournal(Rows& disk) : disk_(disk) {}

  const JournalIdentity& identity() const override { return disk_.identity; }
  void connect(JournalClient& client) override { client_ = &client; }
  void flush() override {}
  bool wants_survey() const override { return false; }
  std::optional<JournalFailure> failing() const override { return std::nullopt; }

  Result<void> load(JournalReader& reader) override {
    const auto remembered = read_remembered(disk_.remembered);
    reader.on_remembered(remembered.value_or(Remembered{}));
    if (disk_.dropped_through > 0) reader.on_hole(disk_.dropped_through);
    for (const Rows::Row& row : disk_.rows) {
      if (row.damaged) {
        reader.on_hole(row.last);
        continue;
      }
      CRIER_CHECK(valid_batch(row.body, row.first, row.last));
      BatchReader parts(row.body, row.first, row.last);
      for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
        if (part == BatchPart::event) {
          reader.on_event(parts.event(), parts.sequence(), row.accepted);
        } else {
          reader.on_key(parts.key(), parts.content(), parts.answer(), row.accepted);
        }
      }
    }
    reader.on_head(disk_.last);
    return {};
  }

  std::optional<Appended> append(const Group& group) override {
    if (batch_.empty()) accepted_ = group.accepted;
    batch_.add(group);
    open_.push_back({group.events.size(), group.accepted});
    return std::nullopt;
  }

  // Keeps what is open. The client does not know yet.
  void write() {
    if (batch_.empty()) return;
    const std::uint64_t first = disk_.last + 1;
    disk_.last += batch_.end();
    disk_.rows.push_back({first, disk_.last, accepted_, batch_.take()});
    written_.push_back({disk_.rows.back(), std::exchange(open_, {})});
  }
  // Tells the client of what is kept.
  void answer() {
    for (const auto& [row, groups] : std::exchange(written_, {})) {
      BatchReader parts(row.body, row.first, row.last);
      std::size_t group = 0;
      std::size_t of_group = 0;
      for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
        if (part != BatchPart::event) continue;
        if (of_group == groups[group].events) {
          ++group;
          of_group = 0;
        }
        ++of_group;
        client_->on_committed(parts.event(), parts.sequence(), groups[group].accepted);
      }
      std::uint64_t next = row.first;
      for (const Open& answered : groups) {
        std::vector<std::uint64_t> sequences(answered.events);
        for (std::uint64_t& sequence : sequences) sequence = next++;
        client_->on_appended(sequences);
      }
    }
  }
  void finish() override {
    write();
    answer();
  }

  // Keeps of each row what lives, and all keys.
  void compact(Survey survey) override {
    disk_.remembered.clear();
    append_remembered(disk_.remembered, survey.remembered);
    for (Rows::Row& row : disk_.rows) {
      if (row.last > survey.through) continue;
      BatchReader parts(row.body, row.first, row.last);
      BatchWriter kept;
      for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
        if (part == BatchPart::key) {
          const FirstAnswer& answer = parts.answer();
          kept.add_key(parts.key(), parts.content(),
                       {answer.first_sequence - row.first, answer.last_sequence - row.first,
                        answer.accepted});
        } else if (std::ranges::binary_search(survey.live, parts.sequence())) {
          kept.add_event(parts.event(), parts.sequence() - row.first);
        }
      }
      row.body = kept.take();
    }
    std::erase_if(disk_.rows, [](const Rows::Row& row) { return row.body.empty(); });
  }

  void drop_oldest_row() {
    if (disk_.rows.empty()) return;
    disk_.dropped_through = disk_.rows.front().last;
    disk_.rows.erase(disk_.rows.begin());
    client_->on_dropped(disk_.dropped_through);
  }

 private:
  struct Open {
    std::size_t events = 0;
    Instant accepted;
  };

  Rows& disk_;
  JournalClient* client_ = nullptr;
  BatchWriter batch_;
  Instant accepted_;
  std::vector<Open> open_;
  std::vector<std::pair<Rows::Row, std::vector<Open>>> written_;
};

}  // namespace crier::broadcast
