#include "config/differences.h"

#include "config/cross_checks.h"
#include "config/knob.h"

namespace crier::config {
namespace {

std::string plain_text(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : to_text(value);
}

}  // namespace

std::vector<Difference> compare(const Config& running, const Config& wanted) {
  std::vector<Difference> found;
  for (const Knob<Config>& knob : knobs()) {
    const Value before = knob.get(running);
    const Value after = knob.get(wanted);
    if (before == after) continue;
    found.push_back(
        {knob.key, plain_text(before), plain_text(after), knob.applies == Applies::live});
  }
  if (running.topics != wanted.topics) {
    found.push_back({kTopicsKey, to_text(running.topics), to_text(wanted.topics),
                     kTopicsApply == Applies::live});
  }
  return found;
}

bool apply_live(Config& running, const Config& wanted) {
  Config next = running;
  for (const Knob<Config>& knob : knobs()) {
    if (knob.applies == Applies::live) knob.set(next, knob.get(wanted));
  }
  if (kTopicsApply == Applies::live) next.topics = wanted.topics;
  if (!contradictions(next).empty()) return false;
  running = std::move(next);
  return true;
}

}  // namespace crier::config
