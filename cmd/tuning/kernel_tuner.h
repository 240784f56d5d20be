// The daemon's use of kernel.tuning: at its start it names the kernel parameters that fall short,
// or raises them; at its end it restores those that it raised.
//
// Belongs to the control loop. Blocking: a few dozen small files of /proc at the start, at the end
// and when metrics are read, once in 15 seconds at most.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "cmd/tuning/kernel_state.h"
#include "cmd/tuning/tuning.h"
#include "config/config.h"
#include "config/kernel.h"
#include "core/log.h"

namespace crier::cmd {

class KernelTuner {
 public:
  // `log` must outlive it.
  KernelTuner(config::Kernel settings, config::KernelNeed need, LogSink& log,
              TuningPlace place = {})
      : settings_(settings), need_(need), log_(log), place_(std::move(place)) {}

  void start();
  // Restores what this run has raised and, as root, what an earlier run that crashed has. Does
  // nothing without a start(), or while another crier runs with kernel.tuning `apply`. For
  // crier.service, which does not run as root, ExecStartPre= raises and ExecStopPost= restores.
  void finish();

  // Reads the parameters again, for metrics.
  void look() { all_ = examine(need_, place_.root); }
  // One for each row of the table, as read last.
  const std::vector<Examined>& all() const { return all_; }
  // Returns the number at position `field`, from 0, of a row, if it has so many numbers.
  std::optional<double> value(std::size_t row, std::size_t field) const;
  std::size_t below() const;

 private:
  void raise();
  void say_what_is_below();

  config::Kernel settings_;
  config::KernelNeed need_;
  LogSink& log_;
  TuningPlace place_;
  std::vector<Examined> all_;
  FileLock use_;
  bool may_undo_ = false;
};

}  // namespace crier::cmd
