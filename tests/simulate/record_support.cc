#include <utility>

#include "tests/simulate/record.h"

namespace crier::broadcast::simulate {

void Record::add(Published event) {
  events_.push_back(std::move(event));
  topics_[events_.back().topic].sequences.push_back(head());
}

bool Record::closed_by(const std::string& topic, std::uint64_t position) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return false;
  const auto& sequences = found->second.sequences;
  const auto later = std::ranges::upper_bound(sequences, position);
  return later != sequences.begin() && (*this)[*std::prev(later)].name == kClosedName;
}

bool Record::superseded(std::uint64_t sequence) const {
  return topics_.at((*this)[sequence].topic).sequences.back() > sequence;
}

std::vector<std::uint64_t> Record::retained_of(const std::string& topic) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return {};
  const Of& of = found->second;
  return {of.sequences.begin() + static_cast<std::ptrdiff_t>(of.gone), of.sequences.end()};
}

void Record::look_at(const Log& log, Instant now, std::uint64_t step) {
  for (auto& [topic, of] : topics_) {
    const auto info = log.topic(topic, now);
    const bool any = info && info->events > 0;
    while (of.gone < of.sequences.size()) {
      const std::uint64_t sequence = of.sequences[of.gone];
      if (any && sequence >= info->oldest_sequence) break;
      events_[sequence - before_ - 1].gone_at_step = step;
      ++of.gone;
    }
  }
}

}  // namespace crier::broadcast::simulate
