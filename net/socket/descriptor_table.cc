#include "net/socket/descriptor_table.h"

#include <sched.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include "net/socket/os_error.h"

namespace crier::net {

Result<void> leave_shared_table() {
  if (::unshare(CLONE_FILES) != 0) {
    const int error = errno;
    return fail(Errc::os, "cannot give a worker its own descriptor table (unshare CLONE_FILES): " +
                              errno_text(error) +
                              "; allow the call, or set workers.own_descriptor_table to off");
  }
  return {};
}

Result<void> try_own_table() {
  Result<void> left;
  try {
    std::thread([&left] { left = leave_shared_table(); }).join();
  } catch (const std::system_error& error) {
    return fail(Errc::os, std::string("cannot start a thread: ") + error.what());
  }
  return left;
}

std::vector<int> descriptors_of(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<int> found;
  std::error_code ignored;  // A descriptor may be closed meanwhile, the listing's own always is.
  const std::string real = fs::weakly_canonical(path, ignored).string();
  for (const auto& entry : fs::directory_iterator("/proc/thread-self/fd", ignored)) {
    if (!fs::read_symlink(entry.path(), ignored).string().starts_with(real)) continue;
    found.push_back(std::stoi(entry.path().filename().string()));
  }
  return found;
}

Result<std::size_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return os_failure("getrlimit RLIMIT_NOFILE");
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return os_failure("setrlimit RLIMIT_NOFILE");
    limit = raised;
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace crier::net
