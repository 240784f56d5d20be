#include "cmd/system/socket_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace crier::cmd {
namespace {

constexpr const char* kTail = "/crier/publish.sock";
constexpr const char* kTailOfUnit = "/crier-publish/publish.sock";  // crier-publish.socket's.

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string own_path_in_tmp(const SocketSurroundings& where) {
  return where.tmp + "/crier-" + std::to_string(where.uid) + "/publish.sock";
}

bool has_runtime_dir(const SocketSurroundings& where) {
  return where.xdg_runtime_dir.starts_with('/');
}

bool is_socket(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

// Any user can make a directory of that name in /tmp first.
bool directory_is_ours(const std::string& socket_path, uid_t uid) {
  const std::string directory = socket_path.substr(0, socket_path.rfind('/'));
  struct stat status{};
  return ::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == uid;
}

}  // namespace

SocketSurroundings SocketSurroundings::of_process() {
  return {.uid = ::geteuid(),
          .crier_socket = environment("CRIER_SOCKET"),
          .xdg_runtime_dir = environment("XDG_RUNTIME_DIR")};
}

std::string default_publish_socket(const SocketSurroundings& where) {
  if (!where.crier_socket.empty()) return where.crier_socket;
  if (where.uid == 0) return where.run + kTail;
  if (has_runtime_dir(where)) return where.xdg_runtime_dir + kTail;
  return own_path_in_tmp(where);
}

std::string find_publish_socket(const SocketSurroundings& where) {
  if (!where.crier_socket.empty()) return where.crier_socket;
  if (has_runtime_dir(where)) {
    if (std::string own = where.xdg_runtime_dir + kTail; is_socket(own)) return own;
  }
  std::string of_system = where.run + kTail;
  if (is_socket(of_system)) return of_system;
  if (std::string of_unit = where.run + kTailOfUnit; is_socket(of_unit)) return of_unit;
  if (std::string own = own_path_in_tmp(where);
      is_socket(own) && directory_is_ours(own, where.uid)) {
    return own;
  }
  return of_system;
}

}  // namespace crier::cmd
