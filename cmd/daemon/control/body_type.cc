#include "cmd/daemon/control/body_type.h"

#include <algorithm>
#include <cstddef>

#include "net/http/head_bytes.h"
#include "net/http/reply.h"

namespace crier::cmd {

// Parses RFC 9110 8.3.1. It ignores every parameter but the charset, which must be UTF-8.
BodyType body_type(std::string_view content_type) {
  constexpr std::string_view kMultipart = "multipart/";
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  const std::string_view type = net::trim_ows(content_type.substr(0, end));
  if (net::equal_ignoring_case(type.substr(0, kMultipart.size()), kMultipart)) {
    return BodyType::form;
  }
  for (std::string_view rest = content_type.substr(end); !rest.empty();) {
    rest.remove_prefix(1);
    const std::size_t next = std::min(rest.find(';'), rest.size());
    const std::string_view parameter = net::trim_ows(rest.substr(0, next));
    rest.remove_prefix(next);
    constexpr std::string_view kCharset = "charset=";
    if (!net::equal_ignoring_case(parameter.substr(0, kCharset.size()), kCharset)) continue;
    std::string_view charset = parameter.substr(kCharset.size());
    if (charset.size() > 1 && charset.front() == '"' && charset.back() == '"') {
      charset = charset.substr(1, charset.size() - 2);
    }
    if (!net::equal_ignoring_case(charset, "utf-8")) return BodyType::other;
  }
  if (net::equal_ignoring_case(type, net::kJsonType)) return BodyType::object;
  return net::equal_ignoring_case(type, "application/x-ndjson") ? BodyType::lines : BodyType::other;
}

bool is_array(std::string_view json) {
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && json[first] == '[';
}

}  // namespace crier::cmd
