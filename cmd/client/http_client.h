// A small HTTP/1.1 client for the commands: one request at a time, over a connection that it keeps.
//
// Errors are sentences for the person who runs the command: they name the server and the reason.
// Belongs to one thread; calls block.
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

// The address of a server: the path of a Unix socket, or host and port.
struct ServerAddress {
  std::string path;  // The path of a Unix socket; empty for TCP.
  std::string host;
  std::string port;

  std::string text() const;         // For messages: the path, or "host:port".
  std::string host_header() const;  // The value of the Host field.
};

// Parses "HOST:PORT", "[IPV6]:PORT", ":PORT" (this machine), "unix:PATH", or a path: it begins with
// a slash or a dot, or has a slash and no colon. An address without a port gets `default_port`, if
// that is not empty. Fails with Errc::bad_request.
Result<ServerAddress> parse_address(std::string_view text, std::string_view default_port = {});

struct ServerUrl {
  ServerAddress address;
  std::string base;  // The path before the daemon's own, without the final '/': "" or "/sse".
};

// Parses "http://HOST[:PORT][/BASE]"; the port is 80 if none is given. Fails with
// Errc::bad_request.
Result<ServerUrl> parse_url(std::string_view text);

// `text` with every character as %XX but the unreserved ones of RFC 3986.
std::string percent_encoded(std::string_view text);

struct ClientRequest {
  std::string_view method = "GET";
  std::string target;                                            // Percent-encoded, with its query.
  std::vector<std::pair<std::string_view, std::string>> fields;  // Without Host and Content-Length.
  std::string_view body;  // Sent with its length; ignored for GET.
};

struct ClientResponse {
  net::ResponseHead head;
  std::string body;
};

// The bytes of a request. Fails with Errc::bad_request if a value holds CR, LF or NUL.
Result<std::string> request_bytes(const ClientRequest& request, const ServerAddress& server);

// How long a command waits for an answer that the daemon gives without waiting itself.
inline constexpr std::chrono::milliseconds kAnswerTimeout{10'000};

class HttpClient {
 public:
  // The largest body that exchange() accepts, in bytes.
  static constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;

  HttpClient(ServerAddress server, std::chrono::milliseconds timeout)
      : server_(std::move(server)), timeout_(timeout) {}

  const ServerAddress& server() const { return server_; }

  // Sends a request and waits for the whole answer. Reuses the connection if the server allows it.
  // Never sends a request twice. Fails with Errc::not_found if nothing listens at the address.
  Result<ClientResponse> exchange(const ClientRequest& request);

  // The result of a callback of stream(): continue, or close the connection.
  enum class Then : bool { go_on, stop };
  using OnHead = std::function<Then(const net::ResponseHead&)>;
  using OnBody = std::function<Then(std::string_view)>;

  // Sends a request over a new connection and hands the answer on as it arrives. The timeout
  // applies up to the end of the head; the body may be silent for `silence`. Succeeds if the answer
  // ends regularly or a callback returns `stop`.
  Result<void> stream(const ClientRequest& request, const OnHead& on_head, const OnBody& on_body,
                      std::chrono::milliseconds silence = net::kForever);

 private:
  Result<net::ClientSocket> connect() const;

  ServerAddress server_;
  std::chrono::milliseconds timeout_;
  std::optional<net::ClientSocket> kept_;
};

// Why the admin endpoint did not answer, with advice if nothing listens there.
std::string unanswered(const Error& error);

// A sentence about an answer that is not a success: the message and code of the daemon's JSON, or
// the status if the body is not such JSON.
std::string describe_failure(const ClientResponse& response);

}  // namespace crier::cmd
