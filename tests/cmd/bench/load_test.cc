#include "cmd/bench/load.h"

#include <signal.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tests/cmd/bench/scripted_server.h"
#include "tests/support/catch.h"

namespace crier::bench {
namespace {

constexpr std::uint32_t kScriptedStreams = 10;

// A load of two client processes on a server of a script.
struct ScriptedLoad {
  explicit ScriptedLoad(const Script& script, const std::string& topics = "a") : server(script) {
    auto created =
        Load::create({.server = server.address(), .publish_socket = server.publish_socket()});
    REQUIRE(created);
    load = *std::move(created);
    const auto plan = TopicPlan::make(topics, kScriptedStreams, 1);
    REQUIRE(plan);
    REQUIRE(load->add_group(
        {.name = "a", .topics = *plan, .streams = kScriptedStreams, .processes = 2}));
    server.start();
  }

  Opening open(double seconds = 5) { return load->open(0, kScriptedStreams, seconds); }

  Delivery publish(double hz, double seconds, double within = 5) {
    auto done = load->rate({{.group = 0, .hz = hz, .hz_end = hz}}, seconds, 64, within);
    REQUIRE(done);
    return done->front();
  }

  ScriptedServer server;
  std::unique_ptr<Load> load;
};

}  // namespace

TEST_CASE("a connection that the server closes before its answer is refused, and says why") {
  ScriptedLoad scripted({.closes = true});
  const Opening opening = scripted.open();
  CHECK(opening.refused == kScriptedStreams);
  CHECK(opening.first_refusal == std::strerror(ECONNRESET));
}

TEST_CASE("a load whose client process was killed fails, and does not end its own process") {
  ScriptedLoad scripted({});
  std::ifstream children("/proc/thread-self/children");
  pid_t client = 0;
  REQUIRE(children >> client);
  REQUIRE(scripted.open().opened == kScriptedStreams);
  REQUIRE(::kill(client, SIGKILL) == 0);
  const auto done = scripted.load->rate({{.group = 0, .hz = 100, .hz_end = 100}}, 60, 64, 60);
  REQUIRE_FALSE(done);
  CHECK(done.error().detail == "a client process ended");
}

TEST_CASE("what arrives after its command is lost, and nothing else in the next command") {
  ScriptedLoad scripted({.delay = std::chrono::milliseconds(150)});
  REQUIRE(scripted.open().opened == kScriptedStreams);
  const Delivery first = scripted.publish(200, 0.05, 0.02);
  CHECK(first.lost() + first.received == 100);
  const Delivery second = scripted.publish(200, 0.1);
  CHECK(second.received == 200);
  for (const Delivery& each : {first, second}) {
    CHECK(each.duplicates + each.strays + each.late == 0);
  }
  CHECK(second.lost() == 0);
}

TEST_CASE("streams that the server ends take their part of what is waited for with them") {
  ScriptedLoad scripted({.ends_half_after = 15, .delay = std::chrono::milliseconds(100)});
  REQUIRE(scripted.open().opened == kScriptedStreams);
  const Delivery delivery = scripted.publish(200, 0.1);
  CHECK(delivery.ended == 5);
  CHECK(delivery.received == 5 * 15 + 5 * 20);
  CHECK(delivery.expected == delivery.received);
  CHECK(delivery.lost() == 0);
}

TEST_CASE("streams that the server does not answer are counted as not opened, and given up") {
  ScriptedLoad scripted({.opens = 4});
  const Opening opening = scripted.open(0.5);
  CHECK(opening.opened == 4);
  CHECK(opening.refused == 0);
  CHECK(opening.not_opened == 6);
  const Delivery delivery = scripted.publish(200, 0.05);
  CHECK(delivery.received == 40);
  CHECK(delivery.expected == 40);
  CHECK(scripted.load->refused(0) == 6);
}

TEST_CASE("events that the server did not answer are not lost but unanswered") {
  const std::string topics = GENERATE("a", "u.%");
  const std::uint32_t posts_of_event = topics == "a" ? 1 : kScriptedStreams;
  ScriptedLoad scripted({.answers = 10 * posts_of_event}, topics);
  REQUIRE(scripted.open().opened == kScriptedStreams);
  const Delivery delivery = scripted.publish(200, 0.1, 0.3);
  CHECK(delivery.unanswered == 10 * posts_of_event);
  CHECK(delivery.lost() == 0);
  CHECK(delivery.received == 100);
  CHECK(delivery.missing() == 100);
}

TEST_CASE("events that the server refused are failed posts, and no stream lost them") {
  ScriptedLoad scripted({.refuses_every = 3});
  REQUIRE(scripted.open().opened == kScriptedStreams);
  const std::uint64_t began = monotonic_ns();
  const Delivery delivery = scripted.publish(200, 0.1, 10);
  CHECK(monotonic_ns() - began < 5'000'000'000);  // Nothing more was waited for.
  CHECK(delivery.posts_failed == 7);
  CHECK(delivery.unanswered == 0);
  CHECK(delivery.lost() == 0);
  CHECK(delivery.missing() == 70);
}

TEST_CASE("a publish socket whose server accepts nothing is given up, with the reason") {
  Files files;
  const std::string path = files.root() + "/full.sock";
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const net::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 0) == 0);
  Publisher first;
  REQUIRE(first.connect(path));
  Publisher second;
  const auto refused = second.connect(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail ==
        "publish socket " + path + ": its backlog is full, and the server accepts no connection");
}

}  // namespace crier::bench
