// Users and groups by the names that a configuration has for them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace crier::net {

// All may block on the name service. Any thread.

// A name of the system's database, or a decimal id, known to it or not; 4294967295 is none, as it
// is to chown(2).
std::optional<uid_t> find_user(const std::string& name);
std::optional<gid_t> find_group(const std::string& name);

}  // namespace crier::net
