#include "broadcast/log/journal_batch.h"

#include <array>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "core/text/sse_text.h"
#include "core/text/utf8.h"
#include "core/topic.h"
#include "core/varint.h"

namespace crier::broadcast {
namespace {

constexpr char kBatchVersion = 1;
constexpr char kEventRecord = 'e';
constexpr char kKeyRecord = 'k';
constexpr std::size_t kFingerprintBytes = 16;

// The bytes of the lowest weight first, on any machine.
void append_number(std::string& out, std::uint64_t number) {
  std::array<char, sizeof(number)> bytes;
  for (char& byte : bytes) {
    byte = static_cast<char>(number);
    number >>= 8;
  }
  out.append(bytes.data(), bytes.size());
}

std::uint64_t number_at(const char* bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = sizeof(number); i-- > 0;) {
    number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
  }
  return number;
}

void append_fingerprint(std::string& out, const Fingerprint& fingerprint) {
  append_number(out, fingerprint.low);
  append_number(out, fingerprint.high);
}

}  // namespace

// --- writing ---

void BatchWriter::add(const Group& group) {
  const std::uint64_t first = end_;
  for (const PublishEvent& publish : group.events) add_event(publish.event, end_);
  for (const KeyUse& use : group.keys) {
    CRIER_CHECK(use.count > 0);
    CRIER_CHECK(use.first + std::size_t{use.count} <= group.events.size());
    const std::uint64_t at = first + use.first;
    add_key(use.key, use.content, {at, at + use.count - 1, use.count});
  }
}

void BatchWriter::add_event(const Event& event, std::uint64_t offset) {
  CRIER_CHECK(offset >= end_);
  if (body_.empty()) body_.push_back(kBatchVersion);
  body_.push_back(kEventRecord);
  append_varint(body_, offset - end_);
  append_text(event.topic);
  append_text(event.name);
  append_text(event.data);
  end_ = offset + 1;
}

void BatchWriter::add_key(const Fingerprint& key, const Fingerprint& content,
                          const FirstAnswer& answer) {
  CRIER_CHECK(answer.last_sequence >= answer.first_sequence);
  if (body_.empty()) body_.push_back(kBatchVersion);
  body_.push_back(kKeyRecord);
  append_fingerprint(body_, key);
  append_fingerprint(body_, content);
  append_varint(body_, answer.first_sequence);
  append_varint(body_, answer.last_sequence - answer.first_sequence);
  append_varint(body_, answer.accepted);
}

void BatchWriter::append_text(std::string_view text) {
  append_varint(body_, text.size());
  body_.append(text);
}

std::string BatchWriter::take() {
  end_ = 0;
  return std::exchange(body_, {});
}

// --- reading ---

BatchReader::BatchReader(std::string_view body, std::uint64_t first, std::uint64_t last)
    : rest_(body), first_(first), last_(last), next_(first) {
  CRIER_CHECK(first <= last);
  malformed_ = !rest_.starts_with(kBatchVersion);
  if (!malformed_) rest_.remove_prefix(1);
}

BatchPart BatchReader::next() {
  if (malformed_) return BatchPart::malformed;
  if (rest_.empty()) return BatchPart::end;
  const char record = rest_.front();
  rest_.remove_prefix(1);
  if (record == kEventRecord && take_event()) return BatchPart::event;
  if (record == kKeyRecord && take_key()) return BatchPart::key;
  malformed_ = true;
  return BatchPart::malformed;
}

bool BatchReader::take_event() {
  std::uint64_t gap = 0;
  if (!any_may_follow_ || !take_varint(rest_, gap) || gap > last_ - next_) return false;
  sequence_ = next_ + gap;
  any_may_follow_ = sequence_ < last_;
  next_ = any_may_follow_ ? sequence_ + 1 : sequence_;
  return take_text(event_.topic) && take_text(event_.name) && take_text(event_.data);
}

bool BatchReader::take_key() {
  std::uint64_t first = 0;
  std::uint64_t span = 0;
  std::uint64_t count = 0;
  if (!take_fingerprint(key_) || !take_fingerprint(content_)) return false;
  if (!take_varint(rest_, first) || first > last_ - first_) return false;
  if (!take_varint(rest_, span) || span > last_ - first_ - first) return false;
  if (!take_varint(rest_, count) || count == 0 || count - 1 > span || count > UINT32_MAX) {
    return false;
  }
  answer_ = {first_ + first, first_ + first + span, static_cast<std::uint32_t>(count)};
  return true;
}

bool BatchReader::take_text(std::string_view& text) {
  std::uint64_t size = 0;
  if (!take_varint(rest_, size) || size > rest_.size()) return false;
  text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool BatchReader::take_fingerprint(Fingerprint& fingerprint) {
  if (rest_.size() < kFingerprintBytes) return false;
  fingerprint = {number_at(rest_.data()), number_at(rest_.data() + sizeof(std::uint64_t))};
  rest_.remove_prefix(kFingerprintBytes);
  return true;
}

bool valid_batch(std::string_view body, std::uint64_t first, std::uint64_t last) {
  if (first == 0) return false;  // No event has this number.
  BatchReader reader(body, first, last);
  for (;;) {
    switch (reader.next()) {
      case BatchPart::end:
        return true;
      case BatchPart::malformed:
        return false;
      case BatchPart::key:
        break;
      case BatchPart::event:
        const Event& event = reader.event();
        if (!valid_topic(event.topic) || !valid_event_text(event.data)) return false;
        if (!closes_topic(event) && !allowed_event_name(event.name)) return false;
        break;
    }
  }
}

}  // namespace crier::broadcast
