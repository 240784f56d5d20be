// The file of a Unix socket and its directory: rules that keep other users from replacing crier's
// socket, and crier from changing another user's file.
//
// Only root and the user of this process may be able to replace a file in the directory. So one of
// the two owns it, and neither its group nor others may write to it unless it is sticky, as /tmp
// is: there only its owner may replace a file. It is not a symbolic link. The directories above it
// are not checked.
//
// Any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/result.h"

namespace crier::net {

// Makes the directory of `socket_path` if it is missing: 0755 as root, whose socket has a mode of
// its own, else 0700. The directory above it must be there.
//
// Errors: invalid_config (no directory, or one that breaks the rules; says what to do), os.
[[nodiscard]] Result<void> prepare_socket_directory(const std::string& socket_path);

struct SocketFileRights {
  mode_t mode = 0600;
  std::optional<uid_t> owner;  // Nothing: unchanged, as for `group`.
  std::optional<gid_t> group;
};

// Sets owner, group and then mode of the socket that this process has bound to `path`. All three
// concern one file, though another process may replace what is at the path meanwhile; a symbolic
// link is not followed.
//
// Errors: os (the kernel refused, or what is there is no socket of this user's).
[[nodiscard]] Result<void> protect_socket_file(const std::string& path,
                                               const SocketFileRights& rights);

}  // namespace crier::net
