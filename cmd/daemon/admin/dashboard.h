// The files of the dashboard, which the admin endpoint serves at `/`. CMake embeds the folder
// dashboard/ as it is. Constants; any thread.
#pragma once

#include <string_view>

namespace crier::cmd {

struct DashboardFile {
  std::string_view path;  // As requested: "/", "/dashboard.css".
  std::string_view content_type;
  std::string_view text;
};

// The page runs no script but its own, and talks to this endpoint alone.
inline constexpr std::string_view kDashboardPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

// Null: there is no such file.
const DashboardFile* dashboard_file(std::string_view path);

}  // namespace crier::cmd
