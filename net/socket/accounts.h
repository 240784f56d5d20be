// Users and groups by the names that a configuration has for them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace crier::net {

// All may block on the name service. Any thread.

// A name of the system's database, or a decimal id, known to it or not; 4294967295 is none, as it
// is to chown(2).
std::optional<uid_t> find_user(const std::string& name);
std::optional<gid_t> find_group(const std::string& name);

// The groups the database has a user in; none where it does not know the user.
std::vector<gid_t> groups_of(uid_t user);

}  // namespace crier::net
