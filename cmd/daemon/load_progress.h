// Says how far the reading of a journal is, once a second, if it takes longer.
//
// Belongs to the control loop, before it turns.
#pragma once

#include <cstdint>

#include "broadcast/log/journal.h"
#include "core/lines_per_second.h"
#include "core/log.h"
#include "net/loop/loop.h"

namespace crier::cmd {

class LoadProgress final : public broadcast::JournalReader {
 public:
  // Both outlive it.
  LoadProgress(broadcast::JournalReader& reader, LogSink& log) : reader_(reader), log_(log) {
    between_lines_.over(net::Loop::now());  // The first line comes after a second.
  }

 private:
  static constexpr std::uint64_t kEventsBetween = 4'096;  // Between two looks at the clock.

  void on_remembered(const broadcast::Remembered& remembered) override {
    reader_.on_remembered(remembered);
  }
  void on_event(const broadcast::Event& event, std::uint64_t sequence, Instant accepted) override {
    reader_.on_event(event, sequence, accepted);
    if (++events_ % kEventsBetween != 0 || !between_lines_.over(net::Loop::now())) return;
    log_.info("reading the journal", {{"events", events_}});
  }
  void on_key(const broadcast::Fingerprint& key, const broadcast::Fingerprint& content,
              const broadcast::FirstAnswer& answer, Instant accepted) override {
    reader_.on_key(key, content, answer, accepted);
  }
  void on_hole(std::uint64_t through) override { reader_.on_hole(through); }
  void on_head(std::uint64_t sequence) override { reader_.on_head(sequence); }

  broadcast::JournalReader& reader_;
  LogSink& log_;
  Period between_lines_{1};
  std::uint64_t events_ = 0;
};

}  // namespace crier::cmd
