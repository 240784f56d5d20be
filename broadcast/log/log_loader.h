// Fills the log, and the idempotency keys, with what a journal has kept.
//
// Belongs to the control loop, before anything else uses the log.
#pragma once

#include <cstdint>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/journal.h"
#include "broadcast/log/log.h"

namespace crier::broadcast {

class LogLoader final : public JournalReader {
 public:
  // All must outlive it. They are as new: without events and keys.
  LogLoader(Log& log, EventEncoder& encoder, IdempotencyKeys& keys)
      : log_(log), encoder_(encoder), keys_(keys) {}

  std::uint64_t events() const { return events_; }  // Retained or not.
  std::uint64_t keys() const { return key_count_; }

 private:
  void on_remembered(const Remembered& remembered) override { log_.restore(remembered); }
  void on_event(const Event& event, std::uint64_t sequence, Instant accepted) override {
    log_.restore(encoder_.encode(event, sequence, accepted));
    ++events_;
  }
  void on_key(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
              Instant accepted) override {
    keys_.restore(key, content, answer, accepted);
    ++key_count_;
  }
  void on_hole(std::uint64_t through) override { log_.lose_through(through); }
  void on_head(std::uint64_t sequence) override { log_.end_restore(sequence); }

  Log& log_;
  EventEncoder& encoder_;
  IdempotencyKeys& keys_;
  std::uint64_t events_ = 0;
  std::uint64_t key_count_ = 0;
};

}  // namespace crier::broadcast
