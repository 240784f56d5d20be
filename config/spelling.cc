#include "config/spelling.h"

#include <algorithm>
#include <cstddef>

#include "config/knob.h"
#include "core/text/edit_distance.h"

namespace crier::config {
namespace {

constexpr std::size_t kKeyBytesMax = 64;  // Longer keys are not typing mistakes.

class Closest {
 public:
  // A candidate with fewer than `least` changes is close enough.
  Closest(std::string_view wanted, std::size_t least) : wanted_(wanted), least_(least) {}

  // `candidate` is compared, `answer` is what is suggested.
  void offer(std::string_view candidate, std::string_view answer) {
    const std::size_t longer = std::max(wanted_.size(), candidate.size());
    if (longer - std::min(wanted_.size(), candidate.size()) >= least_)
      return;  // At least so many changes: not worth counting.
    const std::size_t changes = edit_distance(wanted_, candidate);
    if (changes >= least_) return;
    least_ = changes;
    best_ = answer;
  }
  std::string take() { return std::move(best_); }

 private:
  std::string_view wanted_;
  std::size_t least_;
  std::string best_;
};

}  // namespace

std::string closest_key(std::string_view key) {
  if (key.size() > kKeyBytesMax) return {};
  if (key.starts_with("topics[")) {
    const std::size_t dot = key.find('.');
    if (dot == std::string_view::npos) return {};
    const std::string_view row_key = key.substr(dot + 1);
    Closest closest(row_key, row_key.size() / 3 + 1);
    for (const KnobInfo& knob : topic_knobs()) closest.offer(knob.key, knob.key);
    const std::string name = closest.take();
    return name.empty() ? name : std::string(key.substr(0, dot + 1)) + name;
  }
  Closest closest(key, key.size() / 3 + 1);
  closest.offer(kTopicsKey, kTopicsKey);
  for (const KnobInfo& knob : knobs()) {
    closest.offer(knob.key, knob.key);
    closest.offer(section_of(knob.key), section_of(knob.key));
  }
  std::string whole = closest.take();
  if (!whole.empty()) return whole;
  // The right name in the wrong section, or in none: a short one without a mistake.
  Closest by_name(name_of(key), name_of(key).size() / 4 + 1);
  for (const KnobInfo& knob : knobs()) by_name.offer(name_of(knob.key), knob.key);
  return by_name.take();
}

}  // namespace crier::config
