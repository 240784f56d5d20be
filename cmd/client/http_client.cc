#include "cmd/client/http_client.h"

#include <algorithm>
#include <array>

#include "config/json_value.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").contains(c);
}

// The characters of names and addresses; resolvers also accept `_`, and `%` before a scope.
bool is_host_character(char c) {
  return (is_unreserved(c) && c != '~') || c == ':' || c == '%';
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Error bad_address(std::string_view text) {
  return {Errc::bad_request,
          "invalid address `" + std::string(text) + "`: use HOST:PORT, [IPV6]:PORT or unix:PATH"};
}

bool breaks_a_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

std::string ServerAddress::text() const {
  return path.empty() ? host_header() : path;
}

std::string ServerAddress::host_header() const {
  if (!path.empty()) return "localhost";
  const bool v6 = host.contains(':');
  return (v6 ? "[" + host + "]" : host) + ":" + port;
}

Result<ServerAddress> parse_address(std::string_view text, std::string_view default_port) {
  if (text.starts_with('/') || text.starts_with('.') ||
      (text.contains('/') && !text.contains(':'))) {
    return ServerAddress{std::string(text), "", ""};
  }
  if (text.starts_with("unix:") && text.size() > 5) {
    return ServerAddress{std::string(text.substr(5)), "", ""};
  }
  std::string_view host = text;
  std::string_view port = default_port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::unexpected(bad_address(text));
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::unexpected(bad_address(text));
    if (!rest.empty()) port = rest.substr(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.contains(':')) return std::unexpected(bad_address(text));  // IPv6 needs its brackets.
    if (host.empty()) host = "localhost";
  }
  const bool port_fits =
      is_digits(port) && port.size() <= 5 && std::stoul(std::string(port)) <= 65535;
  if (host.empty() || !port_fits || !std::ranges::all_of(host, is_host_character)) {
    return std::unexpected(bad_address(text));
  }
  return ServerAddress{"", std::string(host), std::string(port)};
}

Result<ServerUrl> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  constexpr std::string_view kEvents = "/events";
  const Error bad{Errc::bad_request,
                  "invalid URL `" + std::string(text) + "`: use http://HOST:PORT"};
  if (text.starts_with("https://")) {
    text = text.substr(0, text.find_first_of("?#"));
    while (text.ends_with('/')) text.remove_suffix(1);
    if (text.substr(8).ends_with(kEvents)) text.remove_suffix(kEvents.size());
    return fail(
        Errc::bad_request,
        "crier does not support https: use the daemon's own http:// address, or use curl -N "
        "-H 'Accept: text/event-stream' '" +
            std::string(text) + "/events?topic=TOPIC'");
  }
  if (!text.starts_with(kScheme)) return std::unexpected(bad);
  std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view base = rest.substr(slash);
  while (base.ends_with('/')) base.remove_suffix(1);
  if (base.substr(0, base.find('?')).ends_with(kEvents)) {
    return fail(Errc::bad_request, "leave /events and what follows it out of the URL `" +
                                       std::string(text) + "`: topics are given apart from it");
  }
  if (base.find_first_of(" \t\r\n?#") != std::string_view::npos) return std::unexpected(bad);
  const std::string_view authority = rest.substr(0, slash);
  if (authority.starts_with("unix:") || authority.starts_with('.')) return std::unexpected(bad);
  auto address = parse_address(authority, "80");
  if (!address) return std::unexpected(bad);
  return ServerUrl{*std::move(address), std::string(base)};
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Result<std::string> request_bytes(const ClientRequest& request, const ServerAddress& server) {
  std::string bytes;
  bytes.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
  bytes.append(server.host_header()).append("\r\nUser-Agent: crier\r\n");
  for (const auto& [name, value] : request.fields) {
    if (breaks_a_line(value)) {
      return fail(Errc::bad_request, std::string(name) + " must not contain line ends or NUL");
    }
    bytes.append(name).append(": ").append(value).append("\r\n");
  }
  if (request.method != "GET") {
    bytes.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  bytes.append("\r\n");
  if (request.method != "GET") bytes.append(request.body);
  return bytes;
}

Result<net::ClientSocket> HttpClient::connect() const {
  return server_.path.empty() ? net::ClientSocket::connect_tcp(server_.host, server_.port, timeout_)
                              : net::ClientSocket::connect_unix(server_.path, timeout_);
}

Result<ClientResponse> HttpClient::exchange(const ClientRequest& request) {
  const auto bytes = request_bytes(request, server_);
  if (!bytes) return std::unexpected(bytes.error());
  if (kept_ && kept_->stale()) kept_.reset();
  if (!kept_) {
    auto socket = connect();
    if (!socket) return std::unexpected(socket.error());
    kept_.emplace(*std::move(socket));
  }
  net::ClientSocket socket = *std::move(kept_);
  kept_.reset();  // The connection is kept again only after a complete answer.

  // A server may refuse a request while this client is still sending it: it answers and closes. So
  // the client looks for an answer before it reports that sending failed.
  const auto sent = socket.send_all(*bytes, timeout_);
  net::ResponseParser parser;
  ClientResponse response;
  std::array<char, kReceiveBytes> room;
  auto progress = net::ResponseParser::Progress::more;
  bool too_large = false;
  const auto keep_body = [&](std::string_view piece) {
    too_large = too_large || response.body.size() + piece.size() > kBodyBytesMax;
    if (!too_large) response.body.append(piece);
  };
  while (progress == net::ResponseParser::Progress::more) {
    const auto received = socket.receive(room, timeout_);
    if (!received) return std::unexpected(sent ? received.error() : sent.error());
    progress =
        *received == 0 ? parser.finish() : parser.consume({room.data(), *received}, keep_body);
    if (too_large) return fail(Errc::limit_reached, server_.text() + ": the answer is too large");
  }
  if (progress == net::ResponseParser::Progress::refused) {
    if (!sent) return std::unexpected(sent.error());
    return fail(Errc::os, server_.text() + ": " + parser.problem());
  }
  response.head = parser.head();
  if (sent && parser.keep_alive()) kept_.emplace(std::move(socket));
  return response;
}

Result<void> HttpClient::stream(const ClientRequest& request, const OnHead& on_head,
                                const OnBody& on_body, std::chrono::milliseconds silence) {
  const auto bytes = request_bytes(request, server_);
  if (!bytes) return std::unexpected(bytes.error());
  auto socket = connect();
  if (!socket) return std::unexpected(socket.error());
  if (const auto sent = socket->send_all(*bytes, timeout_); !sent) {
    return std::unexpected(sent.error());
  }
  net::ResponseParser parser;
  std::array<char, kReceiveBytes> room;
  bool head_told = false;
  Then then = Then::go_on;
  const auto tell_head = [&] {
    if (!head_told && parser.has_head()) {
      head_told = true;
      then = on_head(parser.head());
    }
  };
  const auto hand_on = [&](std::string_view piece) {
    tell_head();
    if (then == Then::go_on) then = on_body(piece);
  };
  auto progress = net::ResponseParser::Progress::more;
  while (progress == net::ResponseParser::Progress::more && then == Then::go_on) {
    const auto received = socket->receive(room, head_told ? silence : timeout_);
    if (!received) return std::unexpected(received.error());
    progress = *received == 0 ? parser.finish() : parser.consume({room.data(), *received}, hand_on);
    tell_head();
  }
  if (then == Then::go_on && progress == net::ResponseParser::Progress::refused) {
    return fail(Errc::os, server_.text() + ": " + parser.problem());
  }
  return {};
}

std::string unanswered(const Error& error) {
  const bool absent = error.code == Errc::not_found;
  return error.detail + (absent ? "; is `crier serve` running? --admin says where" : "");
}

std::string describe_failure(const ClientResponse& response) {
  const std::string status = "HTTP " + std::to_string(response.head.status);
  const config::Json body = config::read_json(response.body);
  if (!body.is_object()) return "the server answered " + status;
  const auto text = [&](const char* key) {
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string message = text("message");
  const std::string code = text("code");
  if (message.empty()) return "the server answered " + status;
  return message + " (" + (code.empty() ? "" : code + ", ") + status + ")";
}

}  // namespace crier::cmd
