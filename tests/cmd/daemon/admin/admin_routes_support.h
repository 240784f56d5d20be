// The admin endpoint's routes behind a real server, with workers that answer when a test says so.
#pragma once

#include "cmd/daemon/admin/admin_routes.h"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/daemon/settings.h"
#include "net/http/http_server.h"
#include "net/http/reply.h"
#include "net/loop/signals.h"
#include "net/socket/unix_socket.h"
#include "tests/cmd/command_support.h"
#include "tests/net/http/http_client.h"
#include "tests/support/catch.h"

namespace crier::cmd {

// Keeps questions until the test answers them.
class FakeQueries : public WorkerQueries {
 public:
  void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) override {
    asked_topics = std::move(topics);
    counted = std::move(done);
  }
  void list_streams(std::uint64_t cursor, std::size_t limit,
                    std::function<void(std::optional<StreamPage>)> done) override {
    asked_cursor = cursor;
    asked_limit = limit;
    listed = std::move(done);
  }
  void list_lagging(std::size_t limit,
                    std::function<void(std::optional<std::vector<LaggingStream>>)> done) override {
    asked_limit = limit;
    lagged = std::move(done);
  }
  void await_orders(std::function<void(bool)> done) override { done(in_force); }

  std::vector<WorkerRow> list_workers() const override { return workers; }

  bool in_force = true;
  std::vector<WorkerRow> workers;
  std::vector<std::string> asked_topics;
  std::uint64_t asked_cursor = 0;
  std::size_t asked_limit = 0;
  std::function<void(std::optional<std::vector<std::uint64_t>>)> counted;
  std::function<void(std::optional<StreamPage>)> listed;
  std::function<void(std::optional<std::vector<LaggingStream>>)> lagged;
};

inline broadcast::LogOptions log_options() {
  return {.epoch = Epoch::from_random(7),
          .topic_key = {},
          .classes = std::make_shared<const broadcast::TopicClasses>(broadcast::TopicClass{})};
}

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
};

// The routes behind a real server on a Unix socket.
struct Served {
  Served() {
    net::ignore_broken_pipes();
    catalogue.counter("things_total", "Things.").add(things);
    server = std::make_unique<net::HttpServer>(loop, routes, admin_server_options(config));
    const std::string name =
        "crier-admin-" + std::to_string(::getpid()) + "-" + std::to_string(++served);
    path = std::filesystem::temp_directory_path() / name;
    auto opened = net::UnixListener::open({.path = path});
    REQUIRE(opened.has_value());
    listener = std::make_unique<net::UnixListener>(std::move(*opened));
    REQUIRE(server->listen(listener->fd()).has_value());
  }
  ~Served() {
    server.reset();
    listener.reset();
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    std::filesystem::remove(path + ".lock", ignored);
  }

  void send(net::http_test::Client& client, std::string_view target,
            std::string_view method = "GET", std::string_view fields = "Host: localhost\r\n") {
    client.send(std::string(method) + " " + std::string(target) +
                " HTTP/1.1\r\nConnection: close\r\n" + std::string(fields) + "\r\n");
  }

  static Reply read(net::http_test::Client& client) {
    const std::string text = client.receive_all();
    REQUIRE_THAT(text, Catch::Matchers::StartsWith("HTTP/1.1 "));
    const std::size_t end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    return {std::stoi(text.substr(9, 3)), text.substr(0, end + 2), text.substr(end + 4)};
  }

  Reply get(std::string_view target, std::string_view method = "GET",
            std::string_view fields = "Host: localhost\r\n") {
    net::http_test::Client client(loop, path);
    send(client, target, method, fields);
    return read(client);
  }

  static inline int served = 0;
  Instant now{1'000'000};
  Counter things;
  config::Config config;
  metrics::Catalogue catalogue;
  std::string why_not_ready;
  broadcast::Log log{log_options()};
  FakeQueries queries;
  RecordingSink lines;
  std::size_t orders = 0;
  std::vector<std::string> published;
  DebugSwitch debug_switch{lines, [this](const DebugRules&) { ++orders; }};
  PublishTraces traces{[this] { return now.us * 1'000; }};
  net::Loop loop;
  BatchWatchers batches;
  StatsViewers viewers{{.loop = loop,
                        .config = config,
                        .catalogue = catalogue,
                        .log = log,
                        .batches = batches,
                        .workers = queries,
                        .why_not_ready = [this] { return std::string_view(why_not_ready); },
                        .now = [this] { return now; },
                        .sample_ms = 2}};
  TopicTails tails{{.loop = loop,
                    .config = config,
                    .batches = batches,
                    .now = [this] { return now; },
                    .tick_ms = 2}};
  AdminRoutes routes{{.config = config,
                      .catalogue = catalogue,
                      .why_not_ready =
                          [this](ReadyChecks except) {
                            const bool looks = !except.has(ReadyCheck::journal);
                            return looks ? std::string_view(why_not_ready) : std::string_view();
                          },
                      .log = log,
                      .workers = queries,
                      .debug_switch = debug_switch,
                      .publishes = traces,
                      .viewers = viewers,
                      .tails = tails,
                      .refusals = lines,
                      .publish =
                          [this](const net::HttpRequest& request, const net::Responder& responder) {
                            published.emplace_back(request.body);
                            responder.reply(net::text_reply(202, net::kJsonType, "{}"), true);
                          },
                      .now = [this] { return now; }}};
  std::string path;
  std::unique_ptr<net::UnixListener> listener;
  std::unique_ptr<net::HttpServer> server;  // Destroyed before the listener and the loop.
};

}  // namespace crier::cmd
