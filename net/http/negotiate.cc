#include "net/http/negotiate.h"

#include <algorithm>
#include <cstddef>

#include "core/text/ip_address.h"
#include "net/http/head_bytes.h"
#include "net/http/request_target.h"

namespace crier::net {
namespace {

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::size_t kTraceIdBytesMax = 64;

// Whether the weight is "0", "0." or "0.000". An invalid weight is not zero: the type is wanted.
bool is_zero_weight(std::string_view weight) {
  if (!weight.starts_with('0')) return false;
  weight.remove_prefix(1);
  return weight.empty() ||
         (weight.front() == '.' && weight.find_first_not_of('0', 1) == std::string_view::npos);
}

struct MediaRange {
  std::string_view name;  // "type/subtype"
  bool wanted = true;
};

// Ignores parameters other than the weight: there is only one kind of event stream.
MediaRange parse_range(std::string_view element) {
  MediaRange range;
  std::size_t end = std::min(element.find(';'), element.size());
  range.name = trim_ows(element.substr(0, end));
  while (end < element.size()) {
    element.remove_prefix(end + 1);
    end = std::min(element.find(';'), element.size());
    const std::string_view parameter = trim_ows(element.substr(0, end));
    if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
      range.wanted = !is_zero_weight(parameter.substr(2));
    }
  }
  return range;
}

int specificity(std::string_view name) {
  if (equal_ignoring_case(name, kEventStream)) return 3;
  if (equal_ignoring_case(name, "text/*")) return 2;
  return name == "*/*" ? 1 : 0;
}

bool is_fit_trace_id(std::string_view text) {
  if (text.empty() || text.size() > kTraceIdBytesMax) return false;
  return std::ranges::all_of(text, [](char byte) { return is_in(byte, kHostByte); });
}

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); });
}

// The format is "00-<32 digits>-<16 digits>-<2 digits>"; later versions may append to it (W3C Trace
// Context 3.2, 4.3).
std::string_view trace_id_in(std::string_view traceparent) {
  constexpr std::size_t kBytes = 55;
  if (traceparent.size() < kBytes) return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace_id = traceparent.substr(3, 32);
  const bool dashed = traceparent[2] == '-' && traceparent[35] == '-' && traceparent[52] == '-';
  if (!dashed || !is_lower_hex(version) || version == "ff") return {};
  if (version == "00" && traceparent.size() != kBytes) return {};
  if (!is_lower_hex(trace_id) || trace_id.find_first_not_of('0') == std::string_view::npos)
    return {};
  return trace_id;
}

}  // namespace

bool accepts_event_stream(const Request& request) {
  int best = 0;
  bool wanted = false;
  bool empty = true;
  for_each_in_list(request.accept, [&](std::string_view element) {
    empty = false;
    const MediaRange range = parse_range(element);
    const int rank = specificity(range.name);
    if (rank == 0 || rank < best) return;
    wanted = range.wanted || (rank == best && wanted);
    best = rank;
  });
  return empty || wanted;
}

bool names_event_stream(const Request& request) {
  bool named = false;
  for_each_in_list(request.accept, [&named](std::string_view element) {
    named = named || equal_ignoring_case(parse_range(element).name, kEventStream);
  });
  return named;
}

OriginVerdict judge_origin(const Request& request, const std::vector<std::string>& origins) {
  if (!request.has_origin) return OriginVerdict::none;
  std::string_view origin = request.origin;
  if (origin.empty() || origin == "null") return OriginVerdict::refused;
  // The list is checked before Host: http://host and https://host are two origins with one Host.
  if (std::ranges::find(origins, origin) != origins.end() && origin != "*") {
    return OriginVerdict::listed;
  }
  const std::size_t scheme = origin.find("://");
  if (scheme != std::string_view::npos) {
    const std::string_view name = origin.substr(0, scheme);
    const bool web = name == "http" || name == "https";
    if (web && !request.host.empty() &&
        equal_ignoring_case(origin.substr(scheme + 3), request.host)) {
      return OriginVerdict::same_host;
    }
  }
  const bool open = std::ranges::find(origins, "*") != origins.end();
  return open ? OriginVerdict::any : OriginVerdict::refused;
}

bool host_allowed(std::string_view host, const std::vector<std::string>& hosts) {
  if (!is_valid_host(host)) return false;
  const std::string_view name = without_port(host);
  if (name.front() == '[' || is_ipv4(name) || equal_ignoring_case(name, "localhost")) return true;
  return std::ranges::any_of(hosts, [name](std::string_view allowed) {
    return equal_ignoring_case(without_port(allowed), name);
  });
}

bool is_preflight(const Request& request) {
  return request.method == Method::options && request.has_origin &&
         !request.access_control_request_method.empty();
}

std::string_view trace_id_of(const Request& request) {
  if (is_fit_trace_id(request.trace_id)) return request.trace_id;
  return trace_id_in(request.traceparent);
}

}  // namespace crier::net
