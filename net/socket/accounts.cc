#include "net/socket/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/text/decimal.h"

namespace crier::net {
namespace {

constexpr std::size_t kDatabaseBytesMax = std::size_t{1} << 20;

// Digits alone are an id, even if the database does not have it. The highest id means "none" to the
// kernel.
std::optional<std::uint32_t> parse_id(const std::string& text) {
  const auto id = parse_decimal<std::uint32_t>(text);
  return id == std::numeric_limits<std::uint32_t>::max() ? std::nullopt : id;
}

// Calls one of the database's `_r` functions with a buffer that grows until the entry fits.
template <typename Entry, typename Ask>
const Entry* look_up(Entry& entry, std::vector<char>& buffer, Ask&& ask) {
  Entry* found = nullptr;
  for (buffer.resize(4'096); buffer.size() <= kDatabaseBytesMax; buffer.resize(buffer.size() * 2)) {
    const int status = ask(&entry, buffer.data(), buffer.size(), &found);
    if (status != ERANGE) return status == 0 ? found : nullptr;
  }
  return nullptr;
}

}  // namespace

std::optional<uid_t> find_user(const std::string& name) {
  if (const auto id = parse_id(name)) return id;
  passwd entry{};
  std::vector<char> buffer;
  const passwd* found =
      look_up(entry, buffer, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
  return found == nullptr ? std::nullopt : std::optional(found->pw_uid);
}

std::optional<gid_t> find_group(const std::string& name) {
  if (const auto id = parse_id(name)) return id;
  group entry{};
  std::vector<char> buffer;
  const group* found =
      look_up(entry, buffer, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

}  // namespace crier::net
