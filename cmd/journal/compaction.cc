#include "cmd/journal/compaction.h"

#include <algorithm>
#include <utility>

#include "broadcast/log/journal_batch.h"
#include "broadcast/log/remembered.h"

namespace crier::cmd {
namespace {

// A batch is written again if at most one byte of so many is left.
constexpr std::size_t kShrinksBy = 4;

}  // namespace

Compaction::Compaction(broadcast::Survey survey, std::uint64_t keys_from_ms)
    : survey_(std::move(survey)), keys_from_ms_(keys_from_ms) {
  append_remembered(remembered_, survey_.remembered);
  survey_.remembered = {};
}

bool Compaction::lives(std::uint64_t sequence) const {
  return std::ranges::binary_search(survey_.live, sequence);
}

bool Compaction::all_live(std::uint64_t first, std::uint64_t last) const {
  const auto from = std::ranges::lower_bound(survey_.live, first);
  const auto to = std::ranges::upper_bound(survey_.live, last);
  return static_cast<std::uint64_t>(to - from) == last - first + 1;
}

std::optional<std::string> Compaction::rewritten(const StoredBatch& batch) const {
  broadcast::BatchWriter kept;
  broadcast::BatchReader parts(batch.body, batch.first, batch.last);
  const bool keys_count = batch.wall_ms >= keys_from_ms_;
  for (auto part = parts.next(); part != broadcast::BatchPart::end; part = parts.next()) {
    if (part == broadcast::BatchPart::event && lives(parts.sequence())) {
      kept.add_event(parts.event(), parts.sequence() - batch.first);
    } else if (part == broadcast::BatchPart::key && keys_count) {
      const broadcast::FirstAnswer& answer = parts.answer();
      kept.add_key(parts.key(), parts.content(),
                   {answer.first_sequence - batch.first, answer.last_sequence - batch.first,
                    answer.accepted});
    }
  }
  if (kept.bytes() * kShrinksBy > batch.body.size()) return std::nullopt;
  return kept.take();
}

}  // namespace crier::cmd
