#include "cmd/tuning/kernel_tuner.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace crier::cmd {

void KernelTuner::start() {
  look();
  if (settings_.tuning == config::KernelTuning::off) return;
  if (settings_.tuning == config::KernelTuning::apply) raise();
  say_what_is_below();
}

void KernelTuner::raise() {
  // This fails only if no process has raised anything yet: the first one makes the file.
  if (auto used = use_tuning(place_)) use_ = std::move(*used);
  const TuningOutcome outcome = apply_tuning(all_, place_, TunedBy::configuration);
  may_undo_ = !outcome.changed.empty() || ::geteuid() == 0;
  for (const Change& change : outcome.changed) {
    log_.info("kernel parameter " + change.parameter + " changed",
              {{"from", change.before}, {"to", change.after}});
  }
  for (const std::string& problem : outcome.problems) {
    log_.warning("kernel.tuning is apply, but " + problem);
  }
  look();
}

void KernelTuner::say_what_is_below() {
  // Without open files: the preflight warns of those, and says what it means for streams.
  std::string names;
  std::size_t count = 0;
  for (const Examined& one : all_) {
    if (!falls_short(one)) continue;
    names.append(names.empty() ? "" : " ").append(one.parameter->name);
    ++count;
  }
  if (count == 0) return;
  // crier runs with the values of any distribution, and some always differ: this is a warning only
  // if they were to be raised.
  const bool should_be_raised = settings_.tuning == config::KernelTuning::apply;
  const Field fields[] = {{"count", count}, {"parameters", names}};
  log_.write(
      should_be_raised ? Level::warning : Level::info,
      "kernel parameters do not meet what this configuration needs; `crier tune` shows why, and "
      "how to change them",
      fields);
}

void KernelTuner::finish() {
  use_.release();
  if (settings_.keep || !std::exchange(may_undo_, false)) return;
  const TuningOutcome outcome = undo_tuning(place_, TunedBy::configuration);
  for (const Change& change : outcome.changed) {
    log_.info("kernel parameter " + change.parameter + " restored",
              {{"from", change.after}, {"to", change.before}});
  }
  for (const std::string& problem : outcome.problems) log_.warning(problem);
  if (outcome.in_use) log_.info("kernel parameters stay as they are: another crier uses them");
}

std::optional<double> KernelTuner::value(std::size_t row, std::size_t field) const {
  return config::field_of(all_.at(row).current, field);
}

std::size_t KernelTuner::below() const {
  return static_cast<std::size_t>(std::ranges::count(all_, Verdict::below, &Examined::verdict));
}

}  // namespace crier::cmd
