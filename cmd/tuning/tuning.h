// Raising kernel parameters, with a record of what was there before, and putting that back.
//
// The record is a JSON file that only root can write. It is written before a parameter is, so that
// after a crash it still says what to restore; who applies again keeps the oldest value in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmd/system/file_lock.h"
#include "cmd/tuning/kernel_state.h"
#include "core/result.h"

namespace crier::cmd {

// In /run, like the values themselves: gone after a reboot. Not in a directory of the daemon's:
// whoever can write it decides what root restores.
inline constexpr const char* kTuningRecord = "/run/crier-tuning.json";

// Who asked for a change: kernel.tuning `apply`, of the unit or the daemon, or somebody who typed
// `crier tune --apply`.
enum class TunedBy : std::uint8_t { configuration, hand };

struct Change {
  std::string parameter;
  std::string before;
  std::string after;
  std::string at;  // UTC, as 2026-11-21T06:40:00Z.
  unsigned uid = 0;
  int pid = 0;
  TunedBy by = TunedBy::configuration;  // Also where an old record does not say.
};

// Where parameters and record are: a test has its own.
struct TuningPlace {
  std::string root;
  std::string record = kTuningRecord;
  unsigned patience_ms = 5'000;  // For the locks beside the record.
};

// What became of each parameter that was to change.
struct TuningOutcome {
  std::vector<Change> changed;
  std::vector<std::string> problems;  // Sentences.
  bool in_use = false;                // Nothing was undone: see use_tuning().
};

// Held by every daemon with kernel.tuning `apply` for as long as it runs, also by one that may
// change nothing itself: another crier that ends meanwhile leaves it the values. Released before
// the daemon undoes them, as the last one should.
//
// The lock is on RECORD.users, which only root can write and so lock for itself alone. Everybody
// can read it, or a unit's daemon could not share it: so anybody on the machine can have the values
// stay until `crier tune --undo`, and no more; nobody else can keep them from being raised, or have
// them restored early. RECORD.lock, which is held while the record is read, acted on and written,
// only root can open.
[[nodiscard]] Result<FileLock> use_tuning(const TuningPlace& place);

// Raises what is below, as far as it may: a failure leaves the others to be tried. Nothing is
// changed when the record cannot be locked and written.
TuningOutcome apply_tuning(const std::vector<Examined>& all, const TuningPlace& place,
                           TunedBy by = TunedBy::hand);

// By hand: restores what the record names, and removes it. By the configuration: only what that has
// changed, and nothing while another crier uses it; a value set by hand on top of it stays, and the
// record says what was there before both.
//
// A parameter that somebody has changed since is left alone and named among the problems; one that
// this crier does not know stays in the record as well. Without a record: nothing to do.
TuningOutcome undo_tuning(const TuningPlace& place, TunedBy by = TunedBy::hand);

// Empty without a record. An error: it is not one, or others than root and we can write it.
[[nodiscard]] Result<std::vector<Change>> read_tuning_record(const std::string& path);

}  // namespace crier::cmd
