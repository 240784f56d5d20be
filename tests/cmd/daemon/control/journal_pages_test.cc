#include "cmd/daemon/control/journal_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmd/daemon/control/publish_routes_support.h"

namespace crier::cmd {
namespace {

// What the test answers to the questions of the pages.
struct ScriptedCopies {
  std::vector<JournalPages::CopyMade> asked;
  RecordingSink told;
  JournalPages pages{
      {.figures = [] { return std::string("{\"last\":7}\n"); },
       .copy = [this](JournalPages::CopyMade made) { asked.push_back(std::move(made)); },
       .log = told,
       .own_uid = ::geteuid()}};
};

struct Journaled : ScriptedCopies, Socket {
  Journaled() : Socket({}, nullptr, &pages) {}

  void ask_for_copy(std::size_t th) {
    client->forget();
    REQUIRE(client->send(get(kJournalCopyPath)));
    REQUIRE(net::http_test::turn_until(loop, [&] { return asked.size() == th; }));
  }
  net::Fd file(const std::string& text) const {
    const std::string name = directory.path + "/copy";
    std::ofstream(name) << text;
    return net::Fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  }
  // The body of an answer that has ended, put together from its chunks.
  std::string body() {
    std::string got;
    REQUIRE(net::http_test::turn_until(loop, [&] {
      got = client->receive(1, 0);
      return got.ends_with("0\r\n\r\n");
    }));
    CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
    std::string whole;
    std::size_t at = got.find("\r\n\r\n") + 4;
    while (true) {
      const std::size_t size = std::stoul(got.substr(at), nullptr, 16);
      at = got.find("\r\n", at) + 2;
      if (size == 0) return whole;
      whole += got.substr(at, size);
      at += size + 2;
    }
  }
};

}  // namespace

TEST_CASE("the journal's figures and a copy of its file are read from the publish socket") {
  Journaled socket;
  CHECK(socket.ask(get("/journal")).body == json{{"last", 7}});

  // Much more than the connection holds: the copy is sent as the client reads it.
  std::string text;
  while (text.size() < 1'000'000) text += std::to_string(text.size()) + "\n";
  socket.ask_for_copy(1);
  socket.asked[0](socket.file(text));
  CHECK(socket.body() == text);
  CHECK_FALSE(socket.pages.busy());
}

TEST_CASE("one copy of the journal is made at a time") {
  Journaled socket;
  socket.ask_for_copy(1);
  Client other(socket.loop, socket.path);
  REQUIRE(other.send(get(kJournalCopyPath)));
  CHECK(other.receive(1).starts_with("HTTP/1.1 503"));

  SECTION("until it cannot be made: the answer is empty, the reason logged") {
    socket.asked[0](fail(Errc::os, "no space"));
    CHECK(socket.body().empty());
    CHECK(socket.told.lines.back().find("no space") != std::string::npos);
  }
  SECTION("even if its client leaves, until it is made") {
    socket.client.emplace(socket.loop, socket.path);
    const auto refused = [&] {
      socket.client->forget();
      REQUIRE(socket.client->send(get(kJournalCopyPath)));
      return socket.client->receive(1).starts_with("HTTP/1.1 503");
    };
    CHECK(refused());
    socket.asked[0](socket.file("the copy of the client that left"));
    REQUIRE(net::http_test::turn_until(socket.loop, [&] { return !socket.pages.busy(); }));
    socket.ask_for_copy(2);
    socket.asked[1](socket.file("its own"));
    CHECK(socket.body() == "its own");
  }
  socket.works();
}

TEST_CASE("the journal is neither for other users nor for web pages") {
  SECTION("nor there, if it is in memory") {
    Socket socket;
    CHECK(socket.ask(get("/journal")).status == 404);
    socket.works();
  }
  SECTION("another method, another origin") {
    Journaled socket;
    CHECK(socket.ask(post("/journal", "")).status == 405);
    CHECK(socket.ask(get("/journal", "Origin: http://a\r\n")).status == 405);
    CHECK(socket.asked.empty());
    socket.works();
  }
  SECTION("a copy, while the daemon ends") {
    Journaled socket;
    socket.draining = true;
    CHECK(socket.ask(get(kJournalCopyPath)).status == 503);
    CHECK(socket.ask(get("/journal")).status == 200);
    CHECK(socket.asked.empty());
  }
  SECTION("a journal without a file") {
    RecordingSink log;
    JournalPages stream({.figures = [] { return std::string("{\"kind\":\"nats\"}\n"); },
                         .copy = {},
                         .log = log,
                         .own_uid = ::geteuid()});
    Socket nodes({}, nullptr, &stream);
    CHECK(nodes.ask(get("/journal")).body == json{{"kind", "nats"}});
    CHECK(nodes.ask(get(kJournalCopyPath)).status == 404);
  }
  SECTION("another user") {
    RecordingSink log;
    const JournalPages pages({.figures = {}, .copy = {}, .log = log, .own_uid = 17});
    CHECK(pages.allows({.pid = 1, .uid = 17, .gid = 1, .groups = {}}));
    CHECK(pages.allows({.pid = 1, .uid = 0, .gid = 1, .groups = {}}));
    CHECK_FALSE(pages.allows({.pid = 1, .uid = 18, .gid = 0, .groups = {}}));
  }
}

}  // namespace crier::cmd
