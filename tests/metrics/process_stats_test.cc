#include "metrics/process_stats.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "metrics/exporter.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

namespace crier::metrics {
namespace {

using Catch::Matchers::ContainsSubstring;

// The fields of proc(5) after the name, beginning with the third. The value of each is its number.
std::string stat_line(const std::string& name, int last_field) {
  std::string line = "4711 (" + name + ") S";
  for (int field = 4; field <= last_field; ++field) line += " " + std::to_string(field);
  return line + "\n";
}

TEST_CASE("a line of /proc/<pid>/stat is read with any name of the program") {
  const auto name = GENERATE("crier", "a b", ") 1 2 (", "))");
  CAPTURE(name);
  const ProcessStats stats = parse_proc_stat(stat_line(name, 52));
  CHECK(stats.threads == 20);
  CHECK(stats.started_ticks == 22);
  CHECK(stats.virtual_bytes == 23);
  CHECK(stats.resident_bytes == 24.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

TEST_CASE("a value that a line does not have is unset") {
  CHECK_FALSE(parse_proc_stat("").threads);
  CHECK_FALSE(parse_proc_stat("4711 crier S 1 2 3").threads);
  const ProcessStats cut = parse_proc_stat(stat_line("crier", 23));
  CHECK(cut.virtual_bytes == 23);
  CHECK_FALSE(cut.resident_bytes);
  CHECK_FALSE(parse_proc_stat("1 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 -20").threads);
}

TEST_CASE("descriptors are counted up to a bound, and beyond it by the lowest free number") {
  const auto count_max = GENERATE(std::uint64_t{100'000}, std::uint64_t{8});
  const auto before = count_open_fds(count_max);
  REQUIRE(before);
  std::vector<int> opened;
  for (int i = 0; i < 20; ++i) opened.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto after = count_open_fds(count_max);
  for (const int fd : opened) ::close(fd);
  REQUIRE(after);
  if (count_max > 8) {
    CHECK(*after == *before + 20);
    CHECK(count_open_fds(count_max) == before);
  } else {
    CHECK(*after >= 20);
  }
}

TEST_CASE("the figures of this process are plausible") {
  const ProcessStats stats = read_process_stats();
  REQUIRE(stats.resident_bytes);
  REQUIRE(stats.virtual_bytes);
  CHECK(*stats.resident_bytes > 1e5);
  CHECK(*stats.virtual_bytes >= *stats.resident_bytes);
  CHECK(stats.threads >= 1);
  CHECK(stats.cpu_seconds > 0);
  CHECK(stats.open_fds >= 1);
  CHECK(stats.max_fds >= stats.open_fds);
}

TEST_CASE("a figure that cannot be read is left out") {
  const int error = GENERATE(EIO, ENOMEM);
  ProcessStats stats;
  if (!tests::while_failing({SYS_read, error}, [&] { stats = read_process_stats(); })) return;
  CHECK_FALSE(stats.threads);
  CHECK(stats.max_fds > 0);
}

TEST_CASE("the start of the process is in the last hour") {
  Catalogue catalogue;
  add_process_stats(catalogue);
  catalogue.refresh({});
  const std::string text = render(catalogue);
  const std::string name = "\nprocess_start_time_seconds ";
  const std::size_t at = text.find(name);
  REQUIRE(at != std::string::npos);
  const double started = std::stod(text.substr(at + name.size()));
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(started < now + 2);
  CHECK(started > now - 3'600);
  CHECK_THAT(text, ContainsSubstring("# TYPE process_cpu_seconds_total counter\n"));
}

}  // namespace
}  // namespace crier::metrics
