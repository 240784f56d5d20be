// A server on a Unix socket in a fresh directory, with a handler that tests script.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/http_server.h"
#include "net/loop/signals.h"
#include "net/socket/unix_socket.h"
#include "tests/net/http/http_client.h"
#include "tests/support/catch.h"

namespace crier::net::http_test {

inline std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}

inline std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

// The handler's answer to a request, unless the test sets another.
inline std::string answer_to(std::string_view path, std::string_view body = "") {
  const std::string content = std::string(path) + "=" + std::string(body);
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" +
         content;
}

inline std::string refusal_with(int status) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
}

struct Pending {
  std::string path;
  Responder responder;
};

class ScriptedHandler : public HttpHandler {
 public:
  void on_http_request(const HttpRequest& request, Responder responder) override {
    ++requests;
    peer = request.peer;
    body_bytes += request.body.size();
    const std::string path(request.head.path);
    if (on_request) return on_request(request, responder);
    if (later) {
      pending.push_back({path, responder});
    } else {
      responder.reply(answer_to(path, request.body), false);
    }
  }
  std::string on_http_refused(const Refusal& refusal, const HttpPeer&) override {
    refused.push_back(refusal.status);
    return refusal_with(refusal.status);
  }

  std::function<void(const HttpRequest&, Responder)> on_request;
  bool later = false;  // Keep requests in `pending` instead of answering them.
  std::vector<Pending> pending;
  std::vector<int> refused;
  HttpPeer peer;
  int requests = 0;
  std::size_t body_bytes = 0;
};

// An empty directory, removed with its content at the end.
class Directory {
 public:
  Directory() {
    std::string name = "/tmp/crier-test-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string path;
};

struct Served {
  explicit Served(const HttpServerOptions& options = {}) {
    ignore_broken_pipes();
    server = std::make_unique<HttpServer>(loop, handler, options);
    auto opened = UnixListener::open({.path = path});
    REQUIRE(opened.has_value());
    listener = std::make_unique<UnixListener>(std::move(*opened));
    REQUIRE(server->listen(listener->fd()).has_value());
  }

  bool turn_until_connections(std::size_t count) {
    return turn_until(loop, [&] { return server->connections() == count; });
  }

  Directory directory;
  std::string path = directory.path + "/s.sock";
  Loop loop;
  ScriptedHandler handler;
  std::unique_ptr<UnixListener> listener;
  std::unique_ptr<HttpServer> server;  // Destroyed before the listener and the loop.
};

// Sends the requests in two parts, cut at every byte in turn, each time on a connection of its own.
inline void require_answers_wherever_cut(const std::string& requests, const std::string& answers) {
  Served served;
  for (std::size_t cut = 1; cut < requests.size(); ++cut) {
    INFO("cut after " << cut << " bytes");
    Client client(served.loop, served.path);
    REQUIRE(client.send(requests.substr(0, cut)));
    for (int i = 0; i < 3; ++i) served.loop.settle();
    REQUIRE(client.send(requests.substr(cut)));
    REQUIRE(client.receive(answers.size()) == answers);
  }
}

}  // namespace crier::net::http_test
