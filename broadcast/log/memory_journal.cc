#include "broadcast/log/memory_journal.h"

#include <cstddef>

#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kSequencesKept = 8'192;

}  // namespace

std::optional<Appended> MemoryJournal::append(std::span<const PublishEvent> group,
                                              Instant accepted) {
  CRIER_CHECK(client_ != nullptr);
  CRIER_CHECK(!group.empty());
  sequences_.clear();
  if (sequences_.capacity() > kSequencesKept) sequences_.shrink_to_fit();
  for (const PublishEvent& publish : group) {
    sequences_.push_back(++last_);
    client_->on_committed(publish.event, last_, accepted);
  }
  return sequences_;
}

}  // namespace crier::broadcast
