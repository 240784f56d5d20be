#include "cmd/tuning/kernel_state.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

std::string file_of(std::string_view name, const std::string& root) {
  std::string path(name);
  std::ranges::replace(path, '.', '/');
  return root + "/proc/sys/" + path;
}

// The kernel separates numbers with tabs; the goals have blanks.
std::string one_blank_between(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return std::to_string(limit.rlim_max);
}

}  // namespace

bool falls_short(const Examined& examined) {
  return examined.verdict == Verdict::below && examined.parameter->name != config::kOpenFiles;
}

std::vector<Examined> examine(const config::KernelNeed& need, const std::string& root) {
  std::vector<Examined> all;
  for (const config::KernelParameter& parameter : config::kernel_parameters()) {
    Examined one{.parameter = &parameter, .goal = parameter.goal(need), .current = {}};
    one.current = read_parameter(parameter.name, root).value_or("");
    if (!one.goal) {
      one.verdict = Verdict::unneeded;
    } else if (!one.current.empty()) {
      const auto good = config::meets(*one.goal, one.current);
      one.verdict = !good ? Verdict::odd : *good ? Verdict::fine : Verdict::below;
    }
    all.push_back(std::move(one));
  }
  return all;
}

std::optional<std::string> read_parameter(std::string_view name, const std::string& root) {
  if (name == config::kOpenFiles) return open_files();
  std::ifstream file(file_of(name, root));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return one_blank_between(line);
}

Result<void> write_parameter(std::string_view name, const std::string& value,
                             const std::string& root) {
  CRIER_CHECK(name != config::kOpenFiles);
  const std::string path = file_of(name, root);
  const auto failure = [&](int error) {
    return net::os_failure("cannot set " + std::string(name), error);
  };
  const int fd = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) return failure(errno);
  const ssize_t written = ::write(fd, value.data(), value.size());
  const int error = errno;
  ::close(fd);
  if (written != static_cast<ssize_t>(value.size())) return failure(written < 0 ? error : EIO);
  const auto now = read_parameter(name, root);
  if (now != value) {
    return fail(Errc::os, std::string(name) + " is " + now.value_or("gone") +
                              " although crier set it to " + value);
  }
  return {};
}

std::string how_to_change(const Examined& examined) {
  CRIER_CHECK(examined.verdict == Verdict::below);
  const std::string better = config::improved(*examined.goal, examined.current);
  if (examined.parameter->name == config::kOpenFiles) {
    return "LimitNOFILE=" + better + " in crier.service, or ulimit -n " + better;
  }
  const bool fields = better.contains(' ');
  return "sysctl -w " + std::string(examined.parameter->name) + "=" +
         (fields ? "'" + better + "'" : better);
}

std::string sysctl_file(const std::vector<Examined>& all) {
  std::string text =
      "# Kernel parameters that crier needs, written by `crier tune --sysctl`.\n"
      "# Put it into /etc/sysctl.d/60-crier.conf and run: sysctl --system\n";
  for (const Examined& one : all) {
    if (one.verdict != Verdict::below && one.verdict != Verdict::fine) continue;
    if (one.parameter->name == config::kOpenFiles) continue;
    text += "\n# " + std::string(one.parameter->why) + "\n" + std::string(one.parameter->name) +
            " = " + config::improved(*one.goal, one.current) + "\n";
  }
  return text;
}

}  // namespace crier::cmd
