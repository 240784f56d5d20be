// A small HTTP/1.1 client for the commands, one request at a time over one connection that is kept.
//
// Belongs to one thread; calls wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "net/http/response_parser.h"
#include "net/socket/client_socket.h"

namespace crier::cmd {

// Where a server listens: a path, or host and port.
struct ServerAddress {
  std::string path;  // Of a Unix socket; empty: TCP.
  std::string host;
  std::string port;

  std::string text() const;         // For messages: the path, or "host:port".
  std::string host_header() const;  // What the Host field says.
};

// "HOST:PORT", "[IPV6]:PORT", ":PORT" (this machine), "unix:PATH", or a path that begins with a
// slash or a dot. Without a port, `default_port` if that is not empty.
Result<ServerAddress> parse_address(std::string_view text, std::string_view default_port = {});

struct ServerUrl {
  ServerAddress address;
  std::string base;  // A path without the final '/', before the daemon's own: "" or "/sse".
};

// "http://HOST[:PORT][/BASE]"; port 80 if none is given.
Result<ServerUrl> parse_url(std::string_view text);

// Everything but RFC 3986's unreserved characters as %XX.
std::string percent_encoded(std::string_view text);

struct ClientRequest {
  std::string_view method = "GET";
  std::string target;                                            // Percent-encoded, with its query.
  std::vector<std::pair<std::string_view, std::string>> fields;  // Without Host and Content-Length.
  std::string_view body;  // Sent, with its length, unless the method is GET.
};

struct ClientResponse {
  net::ResponseHead head;
  std::string body;
};

// The bytes of a request. Fails with Errc::bad_request if a value holds CR, LF or NUL.
Result<std::string> request_bytes(const ClientRequest& request, const ServerAddress& server);

// How long a command waits for an answer that a daemon gives at once.
inline constexpr std::chrono::milliseconds kAnswerTimeout{10'000};

class HttpClient {
 public:
  // What one answer may hold in memory.
  static constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;

  HttpClient(ServerAddress server, std::chrono::milliseconds timeout)
      : server_(std::move(server)), timeout_(timeout) {}

  const ServerAddress& server() const { return server_; }

  // Sends and waits for the whole answer. Reuses the connection if the server allows it; a request
  // is never sent twice.
  Result<ClientResponse> exchange(const ClientRequest& request);

  // What a streamed answer's receiver returns: go on, or close the connection.
  enum class Then : bool { go_on, stop };
  using OnHead = std::function<Then(const net::ResponseHead&)>;
  using OnBody = std::function<Then(std::string_view)>;

  // Sends and hands the answer on as it comes. The timeout counts up to the head; after it there
  // may be silence of any length. Succeeds when the answer ended in its regular way or a callback
  // said stop. Always on a connection of its own.
  Result<void> stream(const ClientRequest& request, const OnHead& on_head, const OnBody& on_body);

 private:
  Result<net::ClientSocket> connect() const;

  ServerAddress server_;
  std::chrono::milliseconds timeout_;
  std::optional<net::ClientSocket> kept_;
};

// What to print of an answer that is not a success: the daemon's own message and code, if it is its
// JSON, else the status.
std::string describe_failure(const ClientResponse& response);

}  // namespace crier::cmd
