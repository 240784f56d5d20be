#include "net/socket/socket_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/socket/fd.h"
#include "net/socket/os_error.h"

namespace crier::net {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  const std::size_t last = path.find_last_not_of('/', slash);
  return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

// What is wrong with the directory and how to mend it; empty if it is right.
std::string problem_of(const struct stat& info) {
  const uid_t uid = ::geteuid();
  if (S_ISLNK(info.st_mode)) return "is a symbolic link; name the directory it leads to";
  if (!S_ISDIR(info.st_mode)) return "is not a directory; use another path";
  if (info.st_uid != uid && info.st_uid != 0) {
    return "belongs to another user (uid " + std::to_string(info.st_uid) +
           "), who could replace the socket; give it to root or to uid " + std::to_string(uid) +
           ", or use another path";
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (info.st_mode & S_ISVTX) != 0) return {};
  const bool everybody = (info.st_mode & S_IWOTH) != 0;
  return std::string("may be written to by ") + (everybody ? "everybody" : "its group") +
         ", who could replace the socket; chmod " + (everybody ? "go-w" : "g-w") +
         " it, or use another path";
}

}  // namespace

Result<void> prepare_socket_directory(const std::string& socket_path) {
  const std::string directory = directory_of(socket_path);
  const mode_t mode = ::geteuid() == 0 ? 0755 : 0700;
  if (::mkdir(directory.c_str(), mode) != 0 && errno != EEXIST) {
    const int error = errno;
    const std::string what = "cannot make the directory " + directory + " of the socket";
    if (error != ENOENT) return os_failure(what, error);
    return fail(Errc::invalid_config, what + ": the one above it does not exist; create that");
  }
  struct stat info{};
  if (::lstat(directory.c_str(), &info) != 0) return os_failure("cannot look at " + directory);
  const std::string problem = problem_of(info);
  if (problem.empty()) return {};
  return fail(Errc::invalid_config, "the directory " + directory + " of the socket " + problem);
}

Result<void> protect_socket_file(const std::string& path, const SocketFileRights& rights) {
  const Fd file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return os_failure("cannot open " + path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return os_failure("cannot look at " + path);
  if (!S_ISSOCK(info.st_mode) || info.st_uid != ::geteuid()) {
    return fail(Errc::os, "another process has replaced the socket " + path);
  }
  // Called only if needed, because a sandbox may forbid the call.
  if (rights.owner || rights.group) {
    const uid_t owner = rights.owner.value_or(static_cast<uid_t>(-1));
    const gid_t group = rights.group.value_or(static_cast<gid_t>(-1));
    if (::fchownat(file.get(), "", owner, group, AT_EMPTY_PATH) != 0) {
      return os_failure("cannot give " + path + " the owner or group that is configured");
    }
  }
  // fchmod() refuses a descriptor of O_PATH. The kernel resolves this path to its file; `self`
  // would be the main thread, which may have another descriptor table.
  const std::string opened = "/proc/thread-self/fd/" + std::to_string(file.get());
  if (::chmod(opened.c_str(), rights.mode) != 0) {
    return os_failure("cannot set the mode of " + path + " (through /proc)");
  }
  return {};
}

}  // namespace crier::net
