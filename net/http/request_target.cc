#include "net/http/request_target.h"

#include <algorithm>

#include "core/text/decimal.h"
#include "core/text/percent.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"

namespace crier::net {
namespace {

constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 2.3.4.

bool starts_ignoring_case(std::string_view text, std::string_view prefix) {
  return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// Requires: path starts with '/'.
const Refusal* judge_path(std::string_view path) {
  // Most paths have neither an escape nor a segment that begins with a dot.
  if (!path.contains('%') && !path.contains("/.")) return nullptr;
  // The dots of the current segment, escaped or not, and whether it has nothing else.
  std::size_t dots = 0;
  bool only_dots = true;
  for (std::size_t i = 1; i <= path.size(); ++i) {
    if (i == path.size() || path[i] == '/') {
      if (only_dots && (dots == 1 || dots == 2)) return &refusals::kDotSegment;
      dots = 0;
      only_dots = true;
      continue;
    }
    char byte = path[i];
    if (byte == '%') {
      byte = escaped_byte(path.substr(i)).value_or('\0');
      if (byte == '\0' || byte == '\n' || byte == '\r') return &refusals::kBadEscape;
      i += 2;
    }
    only_dots = only_dots && byte == '.';
    ++dots;
  }
  return nullptr;
}

std::size_t host_length(std::string_view host) {
  if (!host.starts_with('[')) return std::min(host.find(':'), host.size());
  const std::size_t bracket = host.find(']');
  return bracket == std::string_view::npos ? host.size() : bracket + 1;
}

}  // namespace

const Refusal* parse_target(std::string_view target, Method method, RequestTarget& parsed) {
  parsed = RequestTarget{};
  if (target == "*" && method == Method::options) {
    parsed.path = target;
    return nullptr;
  }
  if (!target.starts_with('/')) {
    if (starts_ignoring_case(target, "http://")) {
      target.remove_prefix(7);
    } else if (starts_ignoring_case(target, "https://")) {
      target.remove_prefix(8);
    } else {
      return &refusals::kBadTarget;
    }
    parsed.authority = target.substr(0, target.find_first_of("/?"));
    // This also refuses an authority with user information.
    if (!is_valid_host(parsed.authority)) return &refusals::kBadTarget;
    target.remove_prefix(parsed.authority.size());
  }
  const std::size_t question = target.find('?');
  parsed.path = target.substr(0, question);
  if (question != std::string_view::npos) parsed.query = target.substr(question + 1);
  if (parsed.path.empty()) parsed.path = "/";  // As in "http://host?a=b".
  return judge_path(parsed.path);
}

bool is_valid_host(std::string_view host) {
  const std::size_t length = host_length(host);
  const std::string_view name = host.substr(0, length);
  if (name.empty() || name.size() > kHostBytesMax) return false;
  if (length < host.size() && (host[length] != ':' || !parse_port(host.substr(length + 1)))) {
    return false;
  }
  if (name.front() != '[') {
    return std::ranges::all_of(name, [](char byte) { return is_in(byte, kHostByte); });
  }
  if (name.size() < 4 || name.back() != ']') return false;  // "[::]" is the shortest.
  const std::string_view address = name.substr(1, name.size() - 2);
  return std::ranges::all_of(
      address, [](char byte) { return is_in(byte, kHexByte) || byte == ':' || byte == '.'; });
}

std::string_view without_port(std::string_view host) {
  return host.substr(0, host_length(host));
}

}  // namespace crier::net
