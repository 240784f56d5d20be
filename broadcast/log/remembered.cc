#include "broadcast/log/remembered.h"

#include "core/varint.h"

namespace crier::broadcast {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHashBytes = 8;

void append_hash(std::string& out, std::uint64_t hash) {
  for (std::size_t i = 0; i < kHashBytes; ++i) out.push_back(static_cast<char>(hash >> (8 * i)));
}

bool take_hash(std::string_view& bytes, std::uint64_t& hash) {
  if (bytes.size() < kHashBytes) return false;
  hash = 0;
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    hash |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(kHashBytes);
  return true;
}

bool says_more(const Remembered::Topic& topic, std::uint64_t floor) {
  return topic.evicted_through != 0 || floor != 0 || topic.closing;
}

}  // namespace

void append_remembered(std::string& out, const Remembered& remembered) {
  out.push_back(kVersion);
  append_varint(out, remembered.head);
  append_varint(out, remembered.floor);
  for (const Remembered::Topic& topic : remembered.topics) {
    if (!says_more(topic, remembered.floor)) continue;
    out.push_back(topic.closing ? 'c' : 't');
    append_hash(out, topic.hash);
    append_varint(out, topic.evicted_through);
    if (!topic.closing) continue;
    append_varint(out, topic.closing.sequence);
    append_varint(out, topic.closing.before);
  }
}

std::optional<Remembered> read_remembered(std::string_view bytes) {
  Remembered read;
  if (!bytes.starts_with(kVersion)) return std::nullopt;
  bytes.remove_prefix(1);
  if (!take_varint(bytes, read.head) || !take_varint(bytes, read.floor)) return std::nullopt;
  while (bytes.starts_with('t') || bytes.starts_with('c')) {
    const bool closed = bytes.front() == 'c';
    bytes.remove_prefix(1);
    Remembered::Topic& topic = read.topics.emplace_back();
    if (!take_hash(bytes, topic.hash)) return std::nullopt;
    if (!take_varint(bytes, topic.evicted_through)) return std::nullopt;
    if (closed) {
      if (!take_varint(bytes, topic.closing.sequence)) return std::nullopt;
      if (!take_varint(bytes, topic.closing.before)) return std::nullopt;
      if (topic.closing.before >= topic.closing.sequence) return std::nullopt;
    }
    if (!says_more(topic, read.floor)) return std::nullopt;
  }
  if (!bytes.empty()) return std::nullopt;
  return read;
}

}  // namespace crier::broadcast
