// frames.checksum: what clients see of it.
#include <string>

#include "core/text/sse_text.h"
#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

TEST_CASE("published events carry the checksum of what a client sees, live and replayed alike") {
  const RunningDaemon daemon({.settings = {"frames.checksum=crc32c"}});
  Subscriber live = daemon.subscribe("/events?topic=a");
  REQUIRE(live.next().crc32c.empty());  // crier.open
  const std::string payloads[] = {"hello", "", "1\r\n2\r3\n4", "x\ncrc32c: 00000000", "grüße €"};
  for (const std::string& data : payloads) {
    daemon.publish("a", data);
    const SseMessage event = live.next();
    CHECK(event.crc32c == event_checksum(event.last_event_id, "", data));
    CHECK(event.crc32c == event_checksum(event.last_event_id, event.event, event.data));
  }
  REQUIRE(daemon.publish_request("POST /topics/a?event=price", "1").status == 202);
  const SseMessage named = live.next();
  CHECK(named.crc32c == event_checksum(named.last_event_id, "price", "1"));

  Subscriber replayed = daemon.subscribe("/events?topic=a&from=earliest");
  REQUIRE(replayed.wait_for_text(named.crc32c));
  const auto events = [](const std::string& text) { return text.substr(text.find("\n\n")); };
  CHECK(events(replayed.text()) == events(live.text()));
}

TEST_CASE("without frames.checksum an event has no such field") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const std::string id = daemon.publish("a", "x");
  CHECK(subscriber.wait_for_text("id: " + id + "\ndata: x\n\n"));
}

}  // namespace
}  // namespace crier::tests
