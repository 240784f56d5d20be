// The bytes of a batch: the events and the keys of the groups that a journal commits at once.
//
//   version  record…
//   'e'  gap  topic size, topic  name size, name  data size, data     an event
//   'k'  key (16 bytes)  content (16 bytes)  first  span  count       an idempotency key
//
// Numbers are varints (core/varint.h). Sequences are counted from the batch's first one, so that a
// batch can be numbered after it was written: an event's is one more than that of the event before
// it, plus its gap. A key's events are [first, first + span]. A batch that was written again
// without its dead events keeps its first sequence, and so all numbers in it.
//
// Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broadcast/log/event.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/journal.h"

namespace crier::broadcast {

class BatchWriter {
 public:
  // Adds a group. Its events get the next sequences, without a gap.
  void add(const Group& group);

  // Add what is kept of a batch. `offset` is an event's sequence less the batch's first, and is
  // greater than that of any event before it; answers are relative likewise.
  void add_event(const Event& event, std::uint64_t offset);
  void add_key(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer);

  bool empty() const { return body_.empty(); }
  std::size_t bytes() const { return body_.size(); }
  // One more than the offset of the last event. Of a batch of groups: the number of its events.
  std::uint64_t end() const { return end_; }

  // Returns the bytes, and is empty afterwards.
  std::string take();

 private:
  void append_text(std::string_view text);

  std::string body_;
  std::uint64_t end_ = 0;
};

enum class BatchPart : std::uint8_t { event, key, end, malformed };

// Walks the records of a batch. Copies nothing: the views are valid as long as the body.
class BatchReader {
 public:
  // The sequences of the batch are `first` to `last`. Requires: first <= last.
  BatchReader(std::string_view body, std::uint64_t first, std::uint64_t last);

  // Reads the next record. After `end` or `malformed` it must not be called again. Nothing of a
  // record that is malformed is to be used, nor of those before it: see valid_batch().
  BatchPart next();

  // The last record, if it was an event.
  const Event& event() const { return event_; }
  std::uint64_t sequence() const { return sequence_; }
  // The last record, if it was a key.
  const Fingerprint& key() const { return key_; }
  const Fingerprint& content() const { return content_; }
  const FirstAnswer& answer() const { return answer_; }

 private:
  bool take_text(std::string_view& text);
  bool take_fingerprint(Fingerprint& fingerprint);
  bool take_event();
  bool take_key();

  std::string_view rest_;
  std::uint64_t first_;
  std::uint64_t last_;
  std::uint64_t next_;          // The lowest sequence that the next event may have.
  bool any_may_follow_ = true;  // False: the last event had the last sequence.
  bool malformed_ = false;
  Event event_;
  std::uint64_t sequence_ = 0;
  Fingerprint key_;
  Fingerprint content_;
  FirstAnswer answer_;
};

// Returns true if BatchReader reads the whole body, and if every event is as event.h requires. For
// bytes from a file, before any of them is used.
bool valid_batch(std::string_view body, std::uint64_t first, std::uint64_t last);

}  // namespace crier::broadcast
