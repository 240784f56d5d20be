// What the process costs the machine, under the names that every Prometheus client uses.
//
// Read from /proc and the kernel's counters, twice a second at most; what cannot be read is left
// out. Where each worker has a descriptor table of its own, the open descriptors are those of the
// thread that leads the process, the control loop. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::metrics {

struct ProcessStats {
  std::optional<double> resident_bytes;
  std::optional<double> virtual_bytes;
  std::optional<double> threads;
  std::optional<double> cpu_seconds;  // User and system.
  std::optional<double> open_fds;     // See count_open_fds.
  std::optional<double> max_fds;
  std::optional<double> started_ticks;  // Clock ticks from boot to the start of the process.
};

ProcessStats read_process_stats();

// From /proc/<pid>/stat: resident, virtual, threads, started. Nothing where the text is not such a
// line. The program's name in it may hold spaces and brackets.
ProcessStats parse_proc_stat(std::string_view text);

// How many descriptors are open. Linux tells since 6.2; before, the directory is counted, but only
// up to `count_max` entries (a microsecond each, on the control loop), and beyond that the answer
// is the lowest number that is free: so many at least are open, and rarely more.
std::optional<double> count_open_fds(std::uint64_t count_max);

// Adds the families process_*.
void add_process_stats(Catalogue& catalogue);

}  // namespace crier::metrics
