#include "cmd/cli/commands.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cmd/cli/report.h"
#include "cmd/client/terminal.h"
#include "cmd/daemon/preflight.h"
#include "cmd/system/machine.h"
#include "cmd/tuning/kernel_state.h"
#include "cmd/tuning/tuning.h"
#include "config/json_value.h"
#include "config/load.h"
#include "core/text/wrap.h"

namespace crier::cmd {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + "  ";
}

std::string wanted(const Examined& one) {
  return one.goal ? config::to_text(*one.goal) : "-";
}

std::string shown(const Examined& one) {
  return one.current.empty() ? "-" : one.current;
}

// Without --all, only rows that this configuration depends on and this kernel has are shown.
bool is_shown(const Examined& one, bool all) {
  return all || (one.verdict != Verdict::unneeded && one.verdict != Verdict::absent);
}

// The reason has lines of its own: beside the values it would make the table 160 columns wide.
std::string reason(const Examined& one) {
  constexpr std::size_t kColumns = 104;
  return wrapped(one.parameter->why, "    ", kColumns);
}

std::string table(const std::vector<Examined>& rows, bool all) {
  std::size_t name = 9;
  std::size_t current = 7;
  std::size_t goal = 6;
  for (const Examined& one : rows) {
    if (!is_shown(one, all)) continue;
    name = std::max(name, one.parameter->name.size());
    current = std::max(current, shown(one).size());
    goal = std::max(goal, wanted(one).size());
  }
  std::string text =
      padded("PARAMETER", name) + padded("CURRENT", current) + padded("WANTED", goal) + "VERDICT\n";
  for (const Examined& one : rows) {
    if (!is_shown(one, all)) continue;
    text += padded(std::string(one.parameter->name), name) + padded(shown(one), current) +
            padded(wanted(one), goal) + std::string(to_string(one.verdict)) + "\n";
    if (all || one.verdict != Verdict::fine) text += reason(one);
  }
  return text;
}

constexpr std::string_view kWhoseFiles =
    "\nOpen files are those of this process, not those of crier.service: LimitNOFILE= there.\n";

std::string advice(const std::vector<Examined>& all) {
  std::string text;
  for (const Examined& one : all) {
    if (one.verdict == Verdict::below) text += "  " + how_to_change(one) + "\n";
  }
  if (text.empty()) return "\nAll parameters meet what this configuration needs.\n";
  return "\nTo change these parameters, run `crier tune --apply` as root (--undo "
         "restores them), or:\n" +
         text;
}

std::string as_json(const std::vector<Examined>& all) {
  config::Json rows = config::Json::array();
  for (const Examined& one : all) {
    config::Json row = {{"parameter", one.parameter->name},
                        {"current", one.current},
                        {"wanted", wanted(one)},
                        {"verdict", to_string(one.verdict)},
                        {"why", one.parameter->why}};
    if (one.verdict == Verdict::below) row["mend"] = how_to_change(one);
    rows.push_back(std::move(row));
  }
  return config::Json{{"parameters", rows}}.dump(2) + "\n";
}

int report(const Arguments& arguments, const TuningOutcome& outcome, bool undone) {
  std::string text;
  for (const Change& change : outcome.changed) {
    text += change.parameter + ": " + (undone ? change.after : change.before) + " -> " +
            (undone ? change.before : change.after) + "\n";
  }
  if (outcome.in_use) {
    text = "another crier process uses the changed parameters: nothing is restored\n";
  }
  if (text.empty() && outcome.problems.empty()) text = "nothing to change\n";
  for (const std::string& problem : outcome.problems) warn(arguments, problem);
  return print_out(text) && outcome.problems.empty() ? kExitOk : kExitFailed;
}

// Returns kernel.keep. If the file has mistakes, warns of them and returns false: they must not
// keep a crier that stops from restoring the parameters.
bool is_kept(const Arguments& arguments, const std::optional<std::string>& file) {
  const auto loaded = config::load(file, arguments.texts("--set"));
  if (loaded) return loaded->kernel.keep;
  for (const config::Problem& problem : loaded.error()) warn(arguments, problem.message);
  return false;
}

}  // namespace

int tune(const Arguments& arguments) {
  const bool apply = arguments.has("--apply");
  const bool undo = arguments.has("--undo");
  const bool if_configured = arguments.has("--if-configured");
  if (apply + undo + arguments.has("--sysctl") + arguments.has("--json") > 1) {
    return misused(arguments, "only one of --apply, --undo, --sysctl and --json can be given");
  }
  if (if_configured && !apply && !undo) {
    return misused(arguments, "--if-configured goes with --apply or --undo");
  }
  const TunedBy by = if_configured ? TunedBy::configuration : TunedBy::hand;
  const TuningPlace place{.root = {}, .record = arguments.text("--record", kTuningRecord)};
  std::optional<std::string> file;
  if (arguments.has("--config")) file = arguments.text("--config");
  if (undo) {  // An undo by hand does not depend on the configuration.
    if (if_configured && is_kept(arguments, file)) {
      return print_result("kernel.keep is true: nothing is restored\n");
    }
    return report(arguments, undo_tuning(place, by), true);
  }
  const auto checked = survey(file, arguments.texts("--set"), this_machine());
  if (!checked) {
    for (const std::string& problem : checked.error()) warn(arguments, problem);
    return kExitMisconfigured;
  }
  for (const std::string& shortage : checked->shortages) warn(arguments, shortage);
  const auto all = examine(checked->kernel_need);
  if (apply) {
    const bool configured = checked->config.kernel.tuning == config::KernelTuning::apply;
    if (if_configured && !configured) {
      return print_result("kernel.tuning is not apply: nothing is changed\n");
    }
    return report(arguments, apply_tuning(all, place, by), false);
  }
  const std::string text = arguments.has("--sysctl") ? sysctl_file(all)
                           : arguments.has("--json") ? as_json(all)
                                                     : table(all, arguments.has("--all")) +
                                                           advice(all) + std::string(kWhoseFiles);
  return print_result(text);
}

}  // namespace crier::cmd
