// A system that refuses what the daemon needs to start: said in a sentence, and by the exit code.
#include <netinet/in.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

struct RefusedCase {
  const char* name;
  FailingCall call;
  const char* told;
};

// The address space of a table, in whole pages: no other call asks for as much.
constexpr unsigned table_bytes(unsigned rows, unsigned row_bytes) {
  return (rows * row_bytes + 4'095) / 4'096 * 4'096;
}
constexpr unsigned kRefusedTopicsMax = 1'234'567;
constexpr unsigned kLogRowBytes = 96;     // broadcast::Topic
constexpr unsigned kWorkerRowBytes = 40;  // broadcast::TopicEntry

TEST_CASE("what the system refuses at the start is told, and the exit code is 1") {
  const auto row = GENERATE(values<RefusedCase>({
      {"descriptors for the loops", {SYS_epoll_create1, EMFILE}, "LimitNOFILE="},
      {"watching a descriptor", {SYS_epoll_ctl, ENOSPC}, "fs.epoll.max_user_watches"},
      {"the log's topics",
       {SYS_mmap, ENOMEM, table_bytes(kRefusedTopicsMax, kLogRowBytes)},
       "limits.topics_max"},
      {"a worker's topics",
       {SYS_mmap, ENOMEM, table_bytes(kRefusedTopicsMax + 1, kWorkerRowBytes)},
       "limits.topics_max"},
  }));
  INFO(row.name);
  if (!own_tables_may_be_tested()) return;
  if (kTsan && row.call.number == SYS_mmap) return;  // It maps as much for itself.
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080", "admin.listen=127.255.255.250:8081",
       "publish.socket=/tmp/crier-refused/publish.sock", "limits.streams_max=1000",
       "limits.topics_max=" + std::to_string(kRefusedTopicsMax), "workers.count=3",
       "workers.own_descriptor_table=on"},
      row.call);
  INFO(failed.output);
  CHECK(failed.code == 1);
  CHECK(failed.output.find("crier serve: ") != std::string::npos);
  CHECK(failed.output.find(row.told) != std::string::npos);
  CHECK(failed.output.find("bug") == std::string::npos);
}

TEST_CASE("an owner or a group of the publish socket whom nobody knows is told") {
  const auto* setting = GENERATE("publish.owner", "publish.group");
  const auto* name = GENERATE("nobody-has-this-name", "4294967295");
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080", "admin.listen=127.255.255.250:8081",
       "publish.socket=/tmp/crier-refused/publish.sock", "limits.streams_max=1000",
       std::string(setting) + "=" + name});
  INFO(failed.output);
  CHECK(failed.code == 78);
  CHECK(failed.output.find(std::string(setting) + ": there is no ") != std::string::npos);
}

TEST_CASE("a sandbox that forbids tables of their own makes room for fewer streams") {
  if (own_tables_are_ordered()) return;
  const RunningDaemon daemon({.failing = {SYS_unshare, EPERM}, .descriptors_max = 1'000});
  CHECK(daemon.wait_for_output("1000 open files for all workers"));
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  CHECK(subscriber.next().event == "crier.open");
}

TEST_CASE("a sandbox that forbids tables of their own is told where they are ordered") {
  if (!own_tables_may_be_tested()) return;
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080", "workers.own_descriptor_table=on"},
      {SYS_unshare, EPERM});
  INFO(failed.output);
  CHECK(failed.code == 78);
  CHECK(failed.output.starts_with("crier: cannot give a worker its own descriptor table"));
}

TEST_CASE("a sandbox that forbids chown() is no reason not to start when nobody asked for it") {
  const RunningDaemon daemon({.failing = {SYS_fchownat, EPERM}});
  CHECK_FALSE(daemon.publish("a", "hello").empty());
}

TEST_CASE("a unit that filters what the configuration opens is told") {
  // Only calls with an address of IPv4 have this argument.
  const FailingCall dropped{SYS_sendto, EPERM, sizeof(sockaddr_in), /*argument=*/5};
  const bool filtered = GENERATE(false, true);
  const RunningDaemon daemon({.failing = filtered ? dropped : FailingCall{}});
  REQUIRE(daemon.wait_for_output("ready"));
  for (const std::string key : {"http.listen", "admin.listen"}) {
    const bool told =
        daemon.output().find("warning " + key + " is " + daemon.address()) != std::string::npos;
    CHECK(told == filtered);
  }
  CHECK((daemon.output().find("drop-ins/network.conf") != std::string::npos) == filtered);
}

TEST_CASE("a connection that the kernel has no room to watch is closed, and the daemon goes on") {
  constexpr unsigned kRoom = 100;  // Descriptors from this number on cannot be watched.
  const int error = GENERATE(ENOSPC, ENOMEM);
  const bool admin = GENERATE(false, true);
  INFO((admin ? "admin, " : "publisher, ") << error);
  const RunningDaemon daemon(
      {.settings = {"admin.connections_max=256"},
       .failing = {SYS_epoll_ctl, error, kRoom, /*argument=*/2, /*or_more=*/true}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  {
    std::vector<RawSocket> connections;
    do {
      connections.push_back(admin ? daemon.connect_admin() : daemon.connect_publisher());
      connections.back().read_more(/*wait_ms=*/10);
    } while (!connections.back().ended() && connections.size() <= kRoom);
    if (!connections.back().ended()) connections.back().read_more(kPatienceMs);
    CHECK(connections.back().ended());
    connections[0].send(admin ? "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              : request_text("POST /topics/a", "before"));
    CHECK(connections[0].read_answer().status == (admin ? 200 : 202));
  }
  if (!admin) CHECK(subscriber.next().data == "before");
  CHECK(wait_until(kPatienceMs, [&] {  // The daemon has yet to see that they are closed.
    try {
      return !daemon.publish("a", "after").empty();
    } catch (const SocketError&) {
      return false;
    }
  }));
  CHECK(subscriber.next().data == "after");
  CHECK(daemon.admin_get("/healthz").status == 200);
  CHECK(daemon.wait_for_output("no descriptor or memory for new connections"));
  if (admin) return;
  CHECK(daemon.admin_get("/metrics").body.find("crier_publish_accept_starved_total 0\n") ==
        std::string::npos);
}

}  // namespace
}  // namespace crier::tests
