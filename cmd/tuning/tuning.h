// Raises kernel parameters, records their values before that, and restores them.
//
// The record is a JSON file that only root can write. It is written before a parameter is, so that
// it is complete even after a crash. If a parameter is raised again, the record keeps the oldest
// value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmd/system/file_lock.h"
#include "cmd/tuning/kernel_state.h"
#include "core/result.h"

namespace crier::cmd {

// In /run, because a reboot resets the parameters, too. Not in a directory of the daemon's user,
// because who can write the record decides what root restores.
inline constexpr const char* kTuningRecord = "/run/crier-tuning.json";

// The origin of a change: kernel.tuning `apply`, of the unit or the daemon, or an operator's `crier
// tune --apply`.
enum class TunedBy : std::uint8_t { configuration, hand };

struct Change {
  std::string parameter;
  std::string before;
  std::string after;
  std::string at;  // UTC, as 2026-11-21T06:40:00Z.
  unsigned uid = 0;
  int pid = 0;
  TunedBy by = TunedBy::configuration;  // Also if an old record has no such field.
};

// Where parameters and record are: a test has its own.
struct TuningPlace {
  std::string root;
  std::string record = kTuningRecord;
  unsigned patience_ms = 5'000;  // The longest wait for a lock.
};

// The result of apply_tuning() or undo_tuning().
struct TuningOutcome {
  std::vector<Change> changed;
  std::vector<std::string> problems;  // Sentences.
  bool in_use = false;                // Nothing was undone: see use_tuning().
};

// Marks the parameters as used while the lock is held: another crier that ends meanwhile does not
// restore them. Every daemon with kernel.tuning `apply` holds it while it runs, even if it may not
// change parameters itself, and releases it before it restores them.
//
// The lock is on RECORD.users. Only root can write that file, so only root can lock it exclusively.
// All users can read it, because a unit's daemon must be able to share the lock. So any user can
// keep the values raised until `crier tune --undo`, but cannot prevent that they are raised, or
// have them restored early. RECORD.lock is held while the record is read, acted on and written;
// only root can open it.
[[nodiscard]] Result<FileLock> use_tuning(const TuningPlace& place);

// Raises the parameters that are below. After a failure it goes on with the next one. Changes
// nothing if the record cannot be locked and written.
TuningOutcome apply_tuning(const std::vector<Examined>& all, const TuningPlace& place,
                           TunedBy by = TunedBy::hand);

// By hand: restores all parameters in the record, and removes it. By the configuration: restores
// only what the configuration has changed, and nothing while another crier uses it. A value that
// was set by hand on top stays, and the record keeps the value before both.
//
// A parameter that another program has changed since is left alone and named in `problems`. So is
// one that this version does not know, which also stays in the record. Does nothing without a
// record.
TuningOutcome undo_tuning(const TuningPlace& place, TunedBy by = TunedBy::hand);

// Empty if there is no record. Errors: os, if the file is no record, or if others than root and
// this user can write it.
[[nodiscard]] Result<std::vector<Change>> read_tuning_record(const std::string& path);

}  // namespace crier::cmd
