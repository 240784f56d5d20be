#include "broadcast/log/memory_journal.h"

#include <cstddef>

#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kSequencesKept = 8'192;

}  // namespace

Result<void> MemoryJournal::load(JournalReader& reader) {
  reader.on_remembered({});
  reader.on_head(0);
  return {};
}

std::optional<Appended> MemoryJournal::append(const Group& group) {
  CRIER_CHECK(client_ != nullptr);
  CRIER_CHECK(!group.events.empty());
  sequences_.clear();
  if (sequences_.capacity() > kSequencesKept) sequences_.shrink_to_fit();
  for (const PublishEvent& publish : group.events) {
    sequences_.push_back(++last_);
    client_->on_committed(publish.event, last_, group.accepted);
  }
  return sequences_;
}

}  // namespace crier::broadcast
