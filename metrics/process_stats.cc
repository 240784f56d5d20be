#include "metrics/process_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "core/text/decimal.h"

namespace crier::metrics {
namespace {

constexpr std::uint64_t kCountedFdsMax = 4'096;
constexpr std::uint64_t kReadMicros = 500'000;
constexpr const char* kFdDirectory = "/proc/self/fd";

std::string contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::getline(file, text, '\0');  // An istreambuf_iterator throws if reading fails.
  return text;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \n"));
  text.remove_prefix(word.size());
  return word;
}

std::optional<double> number(std::string_view word) {
  const auto value = parse_decimal<std::uint64_t>(word);
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

std::optional<double> times(std::optional<double> value, double factor) {
  return value ? std::optional(*value * factor) : std::nullopt;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Returns when the machine was booted, in seconds since 1970.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("btime ")) return number(std::string_view(line).substr(6));
  }
  return std::nullopt;
}

std::optional<double> start_time(std::optional<double> started_ticks) {
  const auto boot = boot_time();
  const long hertz = ::sysconf(_SC_CLK_TCK);
  if (!boot || !started_ticks || hertz <= 0) return std::nullopt;
  return *boot + *started_ticks / static_cast<double>(hertz);
}

// Counts the entries of a directory, without "." and "..". Returns nothing if there are more than
// `count_max`.
std::optional<std::uint64_t> count_entries(DIR* directory, std::uint64_t count_max) {
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    if (++count > count_max) return std::nullopt;
  }
  return count;
}

}  // namespace

ProcessStats parse_proc_stat(std::string_view text) {
  ProcessStats stats;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return stats;
  text.remove_prefix(name_end + 1);
  // The fields are numbered as in proc(5). The name is the second one.
  for (int field = 3; field <= 24; ++field) {
    const auto value = number(take_word(text));
    if (field == 20) stats.threads = value;
    if (field == 22) stats.started_ticks = value;
    if (field == 23) stats.virtual_bytes = value;
    if (field == 24)
      stats.resident_bytes = times(value, static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
  return stats;
}

std::optional<double> count_open_fds(std::uint64_t count_max) {
  struct stat status{};
  if (::stat(kFdDirectory, &status) == 0 && status.st_size > 0) {
    return static_cast<double>(status.st_size);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(kFdDirectory), &::closedir);
  if (directory == nullptr) return std::nullopt;
  if (const auto count = count_entries(directory.get(), count_max)) {
    return static_cast<double>(*count - 1);  // Without the descriptor of `directory` itself.
  }
  const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (lowest < 0) return std::nullopt;
  ::close(lowest);
  return static_cast<double>(std::max<std::uint64_t>(static_cast<unsigned>(lowest), count_max));
}

ProcessStats read_process_stats() {
  ProcessStats stats = parse_proc_stat(contents("/proc/self/stat"));
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    stats.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);
  stats.open_fds = count_open_fds(kCountedFdsMax);
  return stats;
}

void add_process_stats(Catalogue& catalogue) {
  const auto now = std::make_shared<ProcessStats>();
  catalogue.before_reading(kReadMicros, [now] { *now = read_process_stats(); });
  const auto member = [now](std::optional<double> ProcessStats::* what) {
    return [now, what] { return (*now).*what; };
  };
  catalogue.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .add(member(&ProcessStats::resident_bytes));
  catalogue.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
      .add(member(&ProcessStats::virtual_bytes));
  catalogue.counter("process_cpu_seconds_total", "User and system CPU time spent in seconds.")
      .add(member(&ProcessStats::cpu_seconds));
  catalogue.gauge("process_open_fds", "Number of open file descriptors.")
      .add(member(&ProcessStats::open_fds));
  catalogue.gauge("process_max_fds", "Maximum number of open file descriptors.")
      .add(member(&ProcessStats::max_fds));
  catalogue.gauge("process_threads", "Number of threads of the process.")
      .add(member(&ProcessStats::threads));
  // Read once: each read of /proc/stat makes the kernel sum up every interrupt.
  const auto started = start_time(read_process_stats().started_ticks);
  catalogue.gauge("process_start_time_seconds", "Start time of the process, in seconds since 1970.")
      .add([started] { return started; });
}

}  // namespace crier::metrics
