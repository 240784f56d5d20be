#include "cmd/daemon/admin/topic_tails.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text/sse_text.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/daemon/admin/admin_routes_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using net::http_test::Client;
using net::http_test::turn_for;
using net::http_test::turn_until;
using nlohmann::json;

struct TailServed : Served {
  TailServed() { config.admin.debug = true; }
  std::unique_ptr<Client> follow(std::string_view topic) {
    auto client = std::make_unique<Client>(loop, path);
    const std::size_t before = tails.count();
    send(*client, "/tail?topic=" + std::string(topic));
    REQUIRE(turn_until(loop, [&] { return tails.count() == before + 1; }));
    return client;
  }
  void publish(std::string_view topic, std::string_view data = "x", std::string_view name = {}) {
    batches.show({broadcast::append(log, {.topic = topic, .data = data, .name = name})});
  }
};

// The data of all messages of one kind, in order.
std::vector<json> messages(const std::string& text, const std::string& kind) {
  std::vector<json> all;
  const std::string begin = "event: " + kind + "\ndata: ";
  for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos;) {
    at += begin.size();
    const std::size_t end = text.find("\n\n", at);
    if (end == std::string::npos) break;
    all.push_back(json::parse(text.substr(at, end - at)));
  }
  return all;
}

std::uint64_t skipped_of(const std::string& text) {
  std::uint64_t sum = 0;
  for (const json& each : messages(text, "skipped")) sum += each["events"].get<std::uint64_t>();
  return sum;
}

TEST_CASE("a tail gets the events of its topic, or of its pattern's topics, and no others") {
  TailServed served;
  CHECK(served.batches.empty());
  auto one = served.follow("news");
  auto all = served.follow("%3E");
  served.publish("news", "a\n\"b\"", "update");
  served.publish("other.news");
  const auto got = [](Client& client, std::size_t count) {
    return messages(client.receive(1), "event").size() >= count;
  };
  REQUIRE(turn_until(served.loop, [&] { return got(*one, 1) && got(*all, 2); }));
  turn_for(served.loop, 20);
  const auto events = messages(one->receive(1), "event");
  REQUIRE(events.size() == 1);
  json event = events[0];
  CHECK(event["id"] == to_string(EventId{served.log.epoch(), 1}));
  event.erase("id");
  CHECK(event["bytes"].get<int>() > 50);
  event.erase("bytes");
  CHECK(event ==
        json{{"topic", "news"}, {"event", "update"}, {"data", "a\n\"b\""}, {"cut", false}});
  const json other = messages(all->receive(1), "event").at(1);
  CHECK(other["topic"] == "other.news");
  CHECK_FALSE(other.contains("event"));
  CHECK(messages(all->receive(1), "skipped").empty());
  one.reset();
  all.reset();
  REQUIRE(turn_until(served.loop, [&] { return served.batches.empty(); }));
}

TEST_CASE("a tail says how many events it skipped because they came too fast") {
  TailServed served;
  auto client = served.follow("news");
  broadcast::Batch batch;
  constexpr std::size_t kEvents = 5'000;
  while (batch.size() < kEvents) {
    batch.push_back(broadcast::append(served.log, {.topic = "news", .data = "x"}));
  }
  served.batches.show(batch);
  REQUIRE(turn_until(served.loop, [&] { return skipped_of(client->receive(1)) > 0; }));
  CHECK(messages(client->receive(1), "event").size() == TopicTails::kEventsPerTick);
  CHECK(skipped_of(client->receive(1)) == kEvents - TopicTails::kEventsPerTick);
  served.publish("news", "last");
  REQUIRE(turn_until(
      served.loop, [&] { return messages(client->receive(1), "event").back()["data"] == "last"; }));
}

TEST_CASE("a client that does not read holds up nothing, and is told what it missed") {
  TailServed served;
  auto sleeper = served.follow("news");
  const std::string data(1'500, '\1');  // Six bytes each in JSON.
  constexpr std::size_t kEvents = 200;
  for (std::size_t i = 0; i < kEvents; ++i) {
    served.publish("news", data);
    turn_for(served.loop, 1);
  }
  const auto all_accounted = [&] {
    const std::string& text = sleeper->receive(1);
    return messages(text, "event").size() + skipped_of(text) == kEvents;
  };
  REQUIRE(turn_until(served.loop, all_accounted));
  CHECK(skipped_of(sleeper->receive(1)) > 50);
  CHECK(messages(sleeper->receive(1), "event").size() > 5);
}

TEST_CASE("a tail for which bytes wait for half a minute is ended, and one that reads is not") {
  TailServed served;
  auto sleeper = served.follow("news");
  auto reader = served.follow("news");
  const std::string data(1'500, '\1');
  for (std::size_t i = 0; i < 100; ++i) {
    served.publish("news", data);
    turn_for(served.loop, 3);
    reader->receive(1);
  }
  served.now.us += (TopicTails::kUnreadSeconds + 1) * 1'000'000;
  REQUIRE(turn_until(served.loop, [&] {
    reader->receive(1);
    return served.tails.count() == 1;
  }));
  reader->forget();
  served.now.us += TopicTails::kHeartbeatSeconds * 1'000'000;
  CHECK_THAT(reader->receive(3), ContainsSubstring(":\n\n"));
}

TEST_CASE("what is no tail is refused, and places are few") {
  TailServed served;
  served.config.admin.debug = false;
  CHECK(served.get("/tail?topic=news").status == 404);
  served.config.admin.debug = true;
  for (const char* query : {"", "?topic=", "?topic=ne%20ws", "?other=news", "?topic=a&topic=b"}) {
    CAPTURE(query);
    CHECK(served.get("/tail" + std::string(query)).status == 400);
  }
  CHECK(served.get("/tail?topic=news", "POST").status == 405);
  // A link on a page of another server takes no place.
  constexpr const char* kLink =
      "Host: [::1]\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n";
  for (const char* target : {"/stats", "/tail?topic=news"}) {
    CHECK(served.get(target, "GET", kLink).status == 403);
  }
  std::vector<std::unique_ptr<Client>> all;
  while (all.size() < TopicTails::kTailsMax) all.push_back(served.follow("news"));
  const Reply refused = served.get("/tail?topic=news");
  CHECK(refused.status == 503);
  CHECK(json::parse(refused.body)["code"] == "too_many_tails");
  CHECK(served.get("/tail?topic=news", "HEAD").status == 200);
  all.pop_back();
  REQUIRE(turn_until(served.loop, [&] { return served.tails.count() == all.size(); }));
  all.push_back(served.follow("news"));

  served.config.admin.debug = false;  // As a reload does.
  for (auto& client : all) CHECK_THAT(client->receive_all(), EndsWith("\r\n0\r\n\r\n"));
  CHECK(served.tails.count() == 0);
  CHECK(served.batches.empty());
}

TEST_CASE("the data of a tailed event is cut, never within a character") {
  const auto tailed = [](std::string_view data) {
    std::string text;
    append_sse_event(text, {.id = "i", .data = data});
    json event = json::parse(tailed_event_json("t", text));
    CHECK(event["bytes"] == text.size());
    return std::pair(event["data"].get<std::string>(), event["cut"].get<bool>());
  };
  constexpr std::size_t kMax = TopicTails::kDataBytesMax;
  const std::string full(kMax, 'x');
  CHECK(tailed("") == std::pair(std::string(), false));
  CHECK(tailed("\na\n") == std::pair(std::string("\na\n"), false));
  CHECK(tailed(full) == std::pair(full, false));
  CHECK(tailed(full + "x") == std::pair(full, true));
  CHECK(tailed(full.substr(1) + "é") == std::pair(full.substr(1), true));
  CHECK(tailed(full.substr(1) + "\nrest") == std::pair(full.substr(1) + "\n", true));
  const auto [lines, cut] = tailed(std::string(1'000'000, '\n'));
  CHECK(lines.size() <= kMax + 1);
  CHECK(cut);
}

}  // namespace
}  // namespace crier::cmd
