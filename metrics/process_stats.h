// Memory, CPU time, threads and descriptors of the process, under the names that every Prometheus
// client library uses.
//
// The numbers come from /proc, getrusage() and getrlimit(), and are read at most twice a second. A
// number that cannot be read is left out. Where each worker has a descriptor table of its own, the
// open descriptors are those of the control loop, which is the main thread. Any thread.
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
  std::optional<double> cpu_seconds;  // User and system time.
  std::optional<double> open_fds;     // See count_open_fds.
  std::optional<double> max_fds;
  std::optional<double> started_ticks;  // Clock ticks from boot to the start of the process.
};

ProcessStats read_process_stats();

// Reads resident_bytes, virtual_bytes, threads and started_ticks from a line of /proc/<pid>/stat.
// They are unset if the text is not such a line. The program's name in it may contain spaces and
// brackets.
ProcessStats parse_proc_stat(std::string_view text);

// Returns how many descriptors are open. Since Linux 6.2 the kernel reports the number. On older
// kernels the function counts the directory, but at most `count_max` entries, because each takes a
// microsecond of the control loop. Beyond that it returns the lowest free number: at least so many
// descriptors are open, and rarely more.
std::optional<double> count_open_fds(std::uint64_t count_max);

// Adds the families process_* to the catalogue.
void add_process_stats(Catalogue& catalogue);

}  // namespace crier::metrics
