// Daemons that share a stream of NATS JetStream.
#include <signal.h>

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/nats_server.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

DaemonOptions node_of(const NatsServer& server) {
  return {.settings = {"journal.kind=nats", "nats.servers=[\"" + server.address() + "\"]"}};
}

}  // namespace

TEST_CASE("a client moves between nodes, and between lives of a node, without a gap", "[nats]") {
  const NatsServer server;
  RunningDaemon a(node_of(server));
  const RunningDaemon b(node_of(server));
  Subscriber subscriber = b.subscribe("/events?topic=t");
  CHECK(subscriber.next().event == "crier.open");
  const std::string first = a.publish("t", "1");
  const std::string second = b.publish("t", "2");
  CHECK(subscriber.next().data == "1");
  const SseMessage last = subscriber.next();
  CHECK(last.data == "2");
  CHECK(last.last_event_id == second);

  SubscriberOptions resume;
  resume.last_event_id = first;
  Subscriber moved = a.subscribe("/events?topic=t", resume);
  CHECK(moved.next().event == "crier.open");
  CHECK(moved.next().data == "2");

  CHECK(a.stop() == 0);
  b.publish("t", "3");
  a.start();
  resume.last_event_id = second;
  Subscriber again = a.subscribe("/events?topic=t", resume);
  CHECK(again.next().event == "crier.open");
  CHECK(again.next().data == "3");
}

TEST_CASE("an operator sees how far a node is, and whether it reaches NATS", "[nats]") {
  NatsServer server;
  const RunningDaemon node(node_of(server));
  node.publish("t", "1");
  node.publish("t", "2");
  const auto shown = [&](const std::string& figure) {
    return wait_until(5'000, [&] {
      const HttpAnswer answer = node.publish_request("GET /journal", "");
      return answer.status == 200 && answer.body.find(figure) != std::string::npos;
    });
  };
  CHECK(shown(R"("reachable":true)"));
  CHECK(shown(R"("first":1,"last":2,"position":2,"behind":0)"));
  CHECK(node.publish_request("GET /journal/backup", "").status == 404);
  CHECK(node.metric("crier_journal_reachable") == 1);
  server.kill();
  CHECK(shown(R"("reachable":false)"));
  CHECK(wait_until(5'000, [&] { return node.metric("crier_journal_reachable") == 0; }));
  CHECK(node.metric("crier_journal_disconnects_total") == 1);
}

TEST_CASE("a node that lags behind a client's id waits, and sends no event twice", "[nats]") {
  const NatsServer server;
  RunningDaemon a(node_of(server));
  const RunningDaemon b(node_of(server));
  SubscriberOptions resume;
  a.signal(SIGSTOP);
  for (int i = 0; i < 50; ++i) resume.last_event_id = b.publish("t", "old");
  Subscriber moved = a.subscribe("/events?topic=t", resume);
  a.signal(SIGCONT);
  const SseMessage open = moved.next();
  CHECK(open.event == "crier.open");
  CHECK(open.last_event_id == resume.last_event_id);
  b.publish("t", "new");
  CHECK(moved.next().data == "new");

  // No node has given this id.
  resume.last_event_id = resume.last_event_id.substr(0, 14) + "1000000";
  Subscriber strange = a.subscribe("/events?topic=t", resume);
  CHECK(strange.next().event == "crier.open");
  const SseMessage gap = strange.next();
  CHECK(gap.event == "crier.gap");
  CHECK(gap.data.find("unknown-id") != std::string::npos);
  b.publish("t", "newer");
  CHECK(strange.next().data == "newer");
}

TEST_CASE("a key publishes once, whichever node gets it, and the other content is a conflict",
          "[nats]") {
  const NatsServer server;
  const RunningDaemon a(node_of(server));
  const RunningDaemon b(node_of(server));
  const std::string key = "Idempotency-Key: k\r\n";
  const HttpAnswer first = a.publish_request("POST /topics/t", "x", key);
  CHECK(first.status == 202);
  CHECK(b.publish_request("POST /topics/t", "x", key).body == first.body);
  CHECK(b.publish_request("POST /topics/t", "y", key).status == 422);
}

TEST_CASE("a node whose stream is gone ends its streams and itself, and starts with new ids",
          "[nats]") {
  NatsServer server;
  RunningDaemon node(node_of(server));
  const std::string before = node.publish("t", "1");
  Subscriber subscriber = node.subscribe("/events?topic=t");
  CHECK(subscriber.next().event == "crier.open");
  server.kill();
  CHECK(wait_until(kPatienceMs,
                   [&] { return node.publish_request("POST /topics/t", "away").status == 503; }));
  CHECK(wait_until(kPatienceMs, [&] {
    return node.admin_get("/readyz").body.find("journal: NATS is away") != std::string::npos;
  }));
  CHECK(node.admin_get("/readyz?exclude=journal").body == "ready\n");
  server.lose_all();
  server.start();
  const SseMessage end = subscriber.next();
  CHECK(end.event == "crier.end");
  CHECK(end.data == R"({"reason":"restarted"})");
  CHECK(node.wait_for_exit() == 1);
  node.start();
  const std::string after = node.publish("t", "1");
  CHECK(after.substr(0, 13) != before.substr(0, 13));
}

TEST_CASE("a node that cannot reach NATS says so and does not start", "[nats]") {
  const auto failed =
      RunningDaemon::run_to_exit({"journal.kind=nats", "nats.servers=[\"nats://127.0.0.1:1\"]"});
  CHECK(failed.code == 1);
  CHECK(failed.output.find("Cannot connect to NATS at nats://127.0.0.1:1") != std::string::npos);
}

}  // namespace crier::tests
