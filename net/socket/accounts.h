// Finds the ids of users and groups that the configuration names.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace crier::net {

// Any thread. Both may block on the name service.

// `name` is a name in the system's database, or a decimal id, which need not be in it. Returns
// nothing for an unknown name, and for 4294967295, which chown(2) reads as "no id".
std::optional<uid_t> find_user(const std::string& name);
std::optional<gid_t> find_group(const std::string& name);

}  // namespace crier::net
