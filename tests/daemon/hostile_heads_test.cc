// Heads that two parsers could read differently, over the wire: none is served, each connection is
// ended, and the daemon goes on.
#include "tests/net/http/hostile_heads.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

// As its Content-Length has it: the body may name the version that would have been right.
std::size_t body_bytes(const std::string& answer) {
  const std::string name = "\r\nContent-Length: ";
  const std::size_t at = answer.find(name);
  return at == std::string::npos ? 0 : std::stoul(answer.substr(at + name.size()));
}

// Sends one head, then reads to the end that must come.
void check_refused(RawSocket socket, const net::HostileHead& row) {
  INFO(row.name);
  socket.send(row.bytes);
  const std::string answer = socket.read_to_end();
  CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(row.status) + " "));
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  // One answer only: nothing after the refused head was taken for a request.
  CHECK(answer.find("HTTP/1.1 ", answer.find("\r\n\r\n") + 4 + body_bytes(answer)) ==
        std::string::npos);
}

TEST_CASE("no hostile head is served to subscribers") {
  const RunningDaemon daemon;
  Subscriber witness = daemon.subscribe("/events?topic=a");
  REQUIRE(witness.next().event == "crier.open");
  const std::vector<net::HostileHead> rows = net::hostile_heads();
  REQUIRE(rows.size() >= 90);
  for (const net::HostileHead& row : rows) check_refused(daemon.connect(), row);
  daemon.publish("a", "still here");
  CHECK(witness.next().data == "still here");
  CHECK(daemon.get("/healthz").status == 200);
}

TEST_CASE("no hostile head is served to publishers") {
  const RunningDaemon daemon;
  for (const net::HostileHead& row : net::hostile_publish_heads()) {
    check_refused(daemon.connect_publisher(), row);
  }
  CHECK_FALSE(daemon.publish("a", "1").empty());
}

TEST_CASE("cut into bytes they are no less hostile") {
  const RunningDaemon daemon;
  // A refused head's rest may meet a closed socket, whose reset can overtake the answer; so only
  // short ones, and no status: only that nothing is served.
  for (const net::HostileHead& row : net::hostile_heads()) {
    if (row.bytes.size() > 200) continue;
    INFO(row.name);
    RawSocket socket = daemon.connect();
    try {
      socket.send_each_byte(row.bytes);
    } catch (const SocketError&) {
    }
    const std::string answer = socket.read_to_end();
    CHECK_FALSE(answer.starts_with("HTTP/1.1 2"));
  }
  CHECK(daemon.get("/healthz").status == 200);
}

TEST_CASE("what browsers leave raw in a query is served") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a&_={b|c}^d`e\\f");
  CHECK(subscriber.next().event == "crier.open");
}

TEST_CASE("a head that does not come is not waited for") {
  const RunningDaemon daemon(
      {.settings = {"limits.pending_seconds_max=1", "socket.defer_accept_seconds=0"}});
  RawSocket silent = daemon.connect();
  RawSocket slow = daemon.connect();
  slow.send("GET /events?topic=a HTTP/1.1\r\nHo");
  CHECK(slow.read_answer().status == 408);
  CHECK(slow.read_to_end().empty());
  CHECK(silent.read_to_end().empty());  // A browser's spare connection: no answer.
  CHECK(daemon.get("/healthz").status == 200);
}

}  // namespace
}  // namespace crier::tests
