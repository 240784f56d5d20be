// The publish socket over a real HttpServer on a Unix socket, with a real log and scripted workers.
#pragma once

#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/log.h"
#include "broadcast/log/memory_journal.h"
#include "cmd/daemon/control/publish_routes.h"
#include "cmd/daemon/settings.h"
#include "net/http/http_server.h"
#include "net/loop/signals.h"
#include "net/socket/unix_socket.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/command_support.h"
#include "tests/net/http/http_server_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {

using nlohmann::json;

using net::http_test::Client;
using net::http_test::get;
using net::http_test::post;

inline constexpr std::string_view kJson = "Content-Type: application/json\r\n";
inline constexpr std::string_view kLines =
    "Content-Type: application/x-ndjson; charset=\"UTF-8\"\r\n";

struct ScriptedWorkers : WorkerQueries {
  void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) override {
    std::vector<std::uint64_t> counts;
    for (const std::string& topic : topics) counts.push_back(topic == "listened.to" ? 3 : 0);
    later.push_back(
        [this, counts, done = std::move(done)] { stuck ? done(std::nullopt) : done(counts); });
  }
  void list_lagging(std::size_t,
                    std::function<void(std::optional<std::vector<LaggingStream>>)>) override {}
  void await_orders(std::function<void(bool)> done) override { done(true); }
  void list_streams(std::uint64_t, std::size_t,
                    std::function<void(std::optional<StreamPage>)>) override {}
  std::vector<WorkerRow> list_workers() const override { return {}; }

  std::vector<std::function<void()>> later;
  bool stuck = false;
};

struct Sent : Outgoing {
  void publish(const FrameRef& frame) override { frames.push_back(frame); }
  std::vector<FrameRef> frames;
};

struct Answer {
  int status = 0;
  std::string head;
  json body;
};

struct Socket {
  explicit Socket(PublishLimits limits = {}, broadcast::Journal* other = nullptr,
                  JournalPages* pages = nullptr) {
    net::ignore_broken_pipes();
    routes = std::make_unique<PublishRoutes>(PublishParts{.journal = other ? *other : journal,
                                                          .log = log,
                                                          .encoder = encoder,
                                                          .keys = keys,
                                                          .workers = workers,
                                                          .outgoing = sent,
                                                          .refusals = lines,
                                                          .limits = limits,
                                                          .draining = [this] { return draining; },
                                                          .memory = &shortage,
                                                          .now = [this] { return now; },
                                                          .traces = &traces,
                                                          .journal_pages = pages});
    net::HttpServerOptions options = publish_server_options({});
    options.shortage = &shortage;
    server = std::make_unique<net::HttpServer>(loop, *routes, options);
    auto opened = net::UnixListener::open({.path = path});
    REQUIRE(opened.has_value());
    listener = std::make_unique<net::UnixListener>(std::move(*opened));
    REQUIRE(server->listen(listener->fd()).has_value());
    client.emplace(loop, path);
  }

  // Sends one request on a connection that all requests share: a refusal must not close it.
  Answer ask(const std::string& request) {
    client->forget();
    REQUIRE(client->send(request));
    const auto complete = [&] {
      for (const auto& answer : std::exchange(workers.later, {})) answer();
      const std::string& got = client->receive(1, 0);
      const std::size_t head = got.find("\r\n\r\n");
      if (head == std::string::npos) return false;
      const std::size_t length = got.find("Content-Length: ");
      REQUIRE(length < head);
      return request.starts_with("HEAD") ||
             got.size() >= head + 4 + std::stoul(got.substr(length + 16));
    };
    REQUIRE(net::http_test::turn_until(loop, complete));
    const std::string got = client->receive(1, 0);
    const std::size_t end = got.find("\r\n\r\n") + 4;
    Answer answer{std::stoi(got.substr(9, 3)), got.substr(0, end), {}};
    if (end < got.size()) answer.body = json::parse(got.substr(end));
    return answer;
  }

  Answer publish(std::string_view body, std::string_view type = kJson, std::string more = "") {
    return ask(post("/publish", body, std::string(type) + more));
  }
  std::string id(std::uint64_t sequence) const { return to_string(EventId{log.epoch(), sequence}); }
  void works() {
    const Answer answer = ask(post("/topics/good", "fine"));
    CHECK(answer.status == 202);
    CHECK(answer.body == json{{"id", id(log.head())}});
  }
  std::string text(std::size_t i) const {
    return std::string(sent.frames.at(i)->wire(Framing::plain));
  }

  net::http_test::Directory directory;
  std::string path = directory.path + "/s.sock";
  broadcast::Log log{broadcast::log_options()};
  broadcast::MemoryJournal journal;
  broadcast::EventEncoder encoder{log.epoch(), log.topic_key(), nullptr};
  broadcast::IdempotencyKeys keys{{1, 2}, 1000, 300};
  ScriptedWorkers workers;
  Sent sent;
  RecordingSink lines;
  bool draining = false;
  MemoryShortage shortage;
  Instant now{1'000'000};
  PublishTraces traces{net::Loop::now_ns};
  net::Loop loop;
  std::unique_ptr<PublishRoutes> routes;
  std::unique_ptr<net::UnixListener> listener;
  std::unique_ptr<net::HttpServer> server;
  std::optional<Client> client;
};

}  // namespace crier::cmd
