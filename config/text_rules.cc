#include "config/text_rules.h"

#include <algorithm>
#include <cstddef>

#include "config/affinity.h"
#include "config/memory_max.h"
#include "core/text/cpu_list.h"
#include "core/text/decimal.h"
#include "core/text/ip_address.h"
#include "core/topic.h"

namespace crier::config {
namespace {

constexpr std::size_t kHostBytesMax = 253;     // RFC 1035, section 2.3.4, in its text form.
constexpr std::size_t kAccountBytesMax = 256;  // LOGIN_NAME_MAX
constexpr std::size_t kFilePathMax = 4'000;    // Below PATH_MAX, with room for an ending.
constexpr std::size_t kSocketPathMax = 107;    // sockaddr_un::sun_path without its final NUL.

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// 0 is refused: the kernel would choose a different port for each worker.
bool is_port(std::string_view text) {
  return parse_port(text).value_or(0) != 0;
}

bool is_bracketed_ipv6(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' &&
         is_ipv6(text.substr(1, text.size() - 2));
}

bool is_tcp_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return false;
  const std::string_view address = text.substr(0, colon);
  const bool every_address = address.empty() || address == "*";
  return every_address || is_ipv4(address) || is_bracketed_ipv6(address);
}

bool is_file_path(std::string_view text) {
  return text.size() >= 2 && text.size() <= kFilePathMax && text.front() == '/' &&
         text.back() != '/' && std::ranges::none_of(text, is_control);
}

bool is_socket_path(std::string_view text) {
  return text.size() <= kSocketPathMax && is_file_path(text);
}

bool is_file_path_or_empty(std::string_view text) {
  return text.empty() || is_file_path(text);
}

bool is_socket_path_or_empty(std::string_view text) {
  return text.empty() || is_socket_path(text);
}

bool is_admin_endpoint(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return is_socket_path(text.substr(kUnix.size()));
  return is_tcp_endpoint(text);
}

bool is_file_mode(std::string_view text) {
  return text.size() == 4 && text.front() == '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
}

bool is_account(std::string_view text) {
  const auto is_part = [](char c) {
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == '$';
  };
  return !text.empty() && text.size() <= kAccountBytesMax && text.front() != '-' &&
         std::ranges::all_of(text, is_part);
}

bool is_account_or_empty(std::string_view text) {
  return text.empty() || is_account(text);
}

bool is_host_name(std::string_view text) {
  const auto is_part = [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kHostBytesMax && std::ranges::all_of(text, is_part);
}

bool is_host(std::string_view text) {
  return is_host_name(text) || is_bracketed_ipv6(text);
}

bool is_origin(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos || slashes == 0) return false;
  const std::string_view scheme = text.substr(0, slashes);
  const auto is_scheme_part = [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  // Browsers send scheme and host in lower case, and the comparison is of bytes.
  if (!std::ranges::all_of(scheme, is_scheme_part)) return false;
  std::string_view host = text.substr(slashes + 3);
  if (std::ranges::any_of(host, [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return is_host(host);
}

bool is_nats_server(std::string_view text) {
  for (const std::string_view scheme : {"nats://", "tls://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const std::size_t colon = text.rfind(':');
    return colon != std::string_view::npos && is_port(text.substr(colon + 1)) &&
           is_host(text.substr(0, colon));
  }
  return false;
}

bool is_nats_name(std::string_view text) {
  const auto is_part = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, is_part);
}

bool is_address_range(std::string_view text) {
  return parse_ip_range(text).has_value();
}

// TCP_CA_NAME_MAX with its final NUL is 16.
bool is_congestion_control(std::string_view text) {
  const auto is_part = [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; };
  return text.size() <= 15 && std::ranges::all_of(text, is_part);
}

bool is_memory_max(std::string_view text) {
  return parse_memory_max(text).has_value();
}

bool is_affinity(std::string_view text) {
  return text == kAffinityOff || text == kAffinityAuto || parse_cpu_list(text).has_value();
}

}  // namespace

const TextRule kTcpEndpoint{"an address and a port, like \"127.0.0.1:8080\" or \"*:8080\"",
                            is_tcp_endpoint};
const TextRule kAdminEndpoint{
    "an address and a port, like \"127.0.0.1:8081\", or a socket, like "
    "\"unix:/run/crier/admin.sock\"",
    is_admin_endpoint};
const TextRule kSocketPath{"an absolute path of at most 107 bytes, or \"\"",
                           is_socket_path_or_empty};
const TextRule kFilePath{"an absolute path, or \"\"", is_file_path_or_empty};
const TextRule kNatsServers{"nats:// or tls://, a host and a port, like \"nats://127.0.0.1:4222\"",
                            is_nats_server};
const TextRule kNatsName{"1 to 32 letters, digits, \"_\" and \"-\"", is_nats_name};
const TextRule kFileMode{"four octal digits in quotes, like \"0660\"", is_file_mode};
const TextRule kAccount{"a name or a number in quotes, or \"\"", is_account_or_empty};
const TextRule kAccounts{"names or numbers in quotes", is_account};
const TextRule kHosts{"host names or addresses without a port, like \"events.example.com\"",
                      is_host};
const TextRule kOrigins{"origins in lower case, like \"https://www.example.com\"", is_origin};
const TextRule kAddressRanges{"addresses or ranges, like \"10.0.0.0/8\" or \"2001:db8::1\"",
                              is_address_range};
const TextRule kCongestionControl{"a name of at most 15 bytes, like \"bbr\" or \"cubic\", or \"\"",
                                  is_congestion_control};
const TextRule kPattern{"a topic like \"orders.eu\" or a pattern like \"orders.*\" or \"orders.>\"",
                        valid_pattern};
const TextRule kMemoryMax{"\"off\", a share like \"80%\", or bytes like \"1500M\" or \"2G\"",
                          is_memory_max};
const TextRule kAffinity{"\"off\", \"auto\", or processors, each once, like \"0-3,8,10-11\"",
                         is_affinity};

}  // namespace crier::config
