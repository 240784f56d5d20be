// The publish socket, from outside: every row of its table, and that what is refused loses nothing.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

constexpr const char* kJson = "Content-Type: application/json\r\n";
constexpr const char* kLines = "Content-Type: application/x-ndjson\r\n";

struct Published {
  std::string name, request_line, fields, body;
  std::string event, data;  // What a subscriber of topic `a` gets.
};

TEST_CASE("what is published in any form arrives") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const std::string topic = "POST /topics/a";
  const std::string publish = "POST /publish";
  const Published rows[] = {
      {"bytes as data", topic, "", "hello", "message", "hello"},
      {"no data", topic, "", "", "message", ""},
      {"UTF-8", topic, "", "grüße €", "message", "grüße €"},
      {"lines by every line end", topic, "", "1\r\n2\r3\n4", "message", "1\n2\n3\n4"},
      {"what looks like fields", topic, "", "x\rid: 7\nevent: y\n\n", "message",
       "x\nid: 7\nevent: y\n\n"},
      {"an event's name", topic + "?event=price", "", "1", "price", "1"},
      {"a JSON string is its text", publish, kJson, R"({"topic":"a","data":"x\ny"})", "message",
       "x\ny"},
      {"other JSON stays as written", publish, kJson,
       R"({"topic":"a","data":{"b": 1.50,"a":12345678901234567890123}})", "message",
       R"({"b": 1.50,"a":12345678901234567890123})"},
      {"JSON with an event", publish, kJson, R"({"topic":"a","event":"e","data":"1"})", "e", "1"},
      {"a charset", publish, "Content-Type: application/json; charset=utf-8\r\n",
       R"({"topic":"a","data":"c"})", "message", "c"},
  };
  for (const Published& row : rows) {
    INFO(row.name);
    const HttpAnswer answer =
        daemon.publish_request(row.request_line, row.body, "X-Trace-Id: t-1\r\n" + row.fields);
    REQUIRE(answer.status == 202);
    const SseMessage event = subscriber.next();
    CHECK(event.event == row.event);
    CHECK(event.data == row.data);
    CHECK(event.last_event_id == Json::parse(answer.body).at("id").get<std::string>());
  }
}

TEST_CASE("lines of JSON are accepted together or not at all") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");

  const std::string good = R"({"topic":"a","data":"1"})";
  const HttpAnswer refused =
      daemon.publish_request("POST /publish", good + "\n" + good + "\n{\"topic\":1}\n", kLines);
  CHECK(refused.status == 400);
  CHECK(refused.body.find("ine 3") != std::string::npos);

  const HttpAnswer accepted = daemon.publish_request("POST /publish",
                                                     R"({"topic":"a","data":"2"})"
                                                     "\n"
                                                     R"({"topic":"a","data":"3"})",
                                                     kLines);
  REQUIRE(accepted.status == 202);
  const Json told = Json::parse(accepted.body);
  CHECK(told.at("accepted") == 2);
  const SseMessage first = subscriber.next();
  CHECK(first.data == "2");  // Nothing of the refused request came before.
  CHECK(told.at("first_id") == first.last_event_id);
  const SseMessage last = subscriber.next();
  CHECK(last.data == "3");
  CHECK(told.at("last_id") == last.last_event_id);
}

struct RefusedPublish {
  std::string name, request_line, fields, body;
  int status;
};

std::vector<RefusedPublish> refused_publishes() {
  const std::string topic = "POST /topics/a";
  const std::string publish = "POST /publish";
  const std::string object = R"({"topic":"a","data":"1"})";
  return {
      {"invalid UTF-8", topic, "", "\xc3\x28", 400},
      {"NUL", topic, "", std::string("a\0b", 3), 400},
      {"a pattern as topic", "POST /topics/a.*", "", "1", 400},
      {"an empty token", "POST /topics/a..b", "", "1", 400},
      {"a reserved event name", topic + "?event=crier.gap", "", "1", 400},
      {"the event name error", topic + "?event=error", "", "1", 400},
      {"the event name open", topic + "?event=open", "", "1", 400},
      {"a line end in an event name", topic + "?event=a%0Ab", "", "1", 400},
      {"another parameter", topic + "?evnt=a", "", "1", 400},
      {"from a web page", topic, "Origin: http://localhost\r\n", "1", 403},
      {"an unknown path", "POST /nowhere", "", "1", 404},
      {"a method that is not served", "PUT /topics/a", "", "", 405},
      {"too much data", topic, "", std::string(5'000, 'x'), 413},
      {"a form", topic, "Content-Type: multipart/form-data; boundary=x\r\n", "--x--", 415},
      {"an array", publish, kJson, "[" + object + "]", 400},
      {"garbage", publish, kJson, "garbage", 400},
      {"no content type", publish, "", object, 415},
      {"another content type", publish, "Content-Type: text/plain\r\n", object, 415},
      {"not JSON", publish, kJson, "{", 400},
      {"JSON without topic", publish, kJson, R"({"data":"1"})", 400},
      {"JSON without data", publish, kJson, R"({"topic":"a"})", 400},
      {"an unknown field", publish, kJson, R"({"topic":"a","data":"1","dta":"2"})", 400},
      {"a field twice", publish, kJson, R"({"topic":"a","topic":"b","data":"1"})", 400},
      {"deep nesting", publish, kJson,
       R"({"topic":"a","data":)" + std::string(2'000, '[') + std::string(2'000, ']') + "}", 400},
  };
}

TEST_CASE("a body may come in chunks") {
  const RunningDaemon daemon(
      {.settings = {"limits.event_bytes_max=1000", "limits.request_bytes_max=2000"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const std::string head =
      "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  RawSocket publisher = daemon.connect_publisher();
  publisher.send(head + "6\r\nhello \r\n");
  publisher.send("5\r\nworld\r\n0\r\n\r\n");
  CHECK(publisher.read_answer().status == 202);
  CHECK(subscriber.next().data == "hello world");
  publisher.send(head + "7d1\r\n");
  const HttpAnswer answer = publisher.read_answer();
  CHECK(answer.status == 413);
  CHECK(answer.body.find("limits.request_bytes_max") != std::string::npos);
}

TEST_CASE("who is not listed may not publish, from the next reload on as well") {
  const std::string other = std::to_string(::getuid() + 1);
  const auto allowing = [](const std::string& user) {
    return R"({"publish": {"users": [")" + user + R"("]}})";
  };
  RunningDaemon daemon({.configuration = allowing(other)});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  for (const char* request : {"POST /topics/a", "GET /topics"}) {
    const HttpAnswer refused = daemon.publish_request(request, "");
    CHECK(refused.status == 403);
    CHECK(refused.body.find("publish.users") != std::string::npos);
  }
  daemon.write_configuration(allowing(std::to_string(::getuid())));
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  daemon.publish("a", "1");
  CHECK(subscriber.next().data == "1");  // Nothing of the refused came before.
}

// Connects as another user, if the test may become one.
RawSocket connect_as(const RunningDaemon& daemon, ::uid_t user) {
  std::filesystem::permissions(std::filesystem::path(daemon.publish_path()).parent_path(),
                               std::filesystem::perms(0711));
  REQUIRE(::seteuid(user) == 0);
  auto socket = std::make_optional<RawSocket>(daemon.connect_publisher());
  REQUIRE(::seteuid(0) == 0);
  return std::move(*socket);
}

TEST_CASE("a user at full speed gets its rate, and others are accepted meanwhile") {
  const RunningDaemon daemon(
      {.settings = {"publish.rate=100", "publish.burst=10", "publish.mode=0666"}});
  RawSocket fast = daemon.connect_publisher();
  std::optional<RawSocket> other;
  if (::geteuid() == 0) other = connect_as(daemon, 65'534);
  const auto began = std::chrono::steady_clock::now();
  const auto passed_ms = [&] {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
        .count();
  };
  int accepted = 0;
  int refused = 0;
  while (passed_ms() < 400) {
    fast.send(request_text("POST /topics/a", "x"));
    const HttpAnswer answer = fast.read_answer();
    if (answer.status == 202) {
      ++accepted;
      continue;
    }
    if (refused++ > 0) continue;
    CHECK(answer.status == 429);
    CHECK(answer.field("retry-after") == "1");
    CHECK(answer.body.find("publish.rate") != std::string::npos);
    if (!other) continue;
    for (int i = 0; i < 10; ++i) {
      other->send(request_text("POST /topics/b", "y"));
      CHECK(other->read_answer().status == 202);
    }
  }
  CHECK(accepted <= 10 + passed_ms() / 10 + 1);
  CHECK(accepted >= 30);
  CHECK(refused > 0);
  CHECK(daemon.wait_for_output("limit reached limit=publish.rate value=100 "));
}

// With half a body on each, which is all that a user needs to keep them for 10 s.
std::vector<RawSocket> held_connections(const RunningDaemon& daemon, int count) {
  std::vector<RawSocket> held;
  for (int i = 0; i < count; ++i) {
    held.push_back(daemon.connect_publisher());
    const std::string whole = request_text("POST /topics/a", "body");
    held.back().send(std::string_view(whole).substr(0, whole.size() - 2));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  return held;
}

TEST_CASE("a user that holds the publish connections keeps no other user out") {
  const RunningDaemon daemon({.settings = {"publish.connections_max=4", "publish.mode=0666"}});
  auto held = held_connections(daemon, 4);
  RawSocket own = daemon.connect_publisher();
  own.send(request_text("POST /topics/a", "own"));
  CHECK(own.read_answer().status == 503);
  if (::geteuid() != 0) {
    WARN("not tested: only root may connect as another user");
    return;
  }

  RawSocket other = connect_as(daemon, 65'534);
  other.send(request_text("POST /topics/a", "other"));
  CHECK(other.read_answer().status == 202);
  const HttpAnswer told = held.front().read_answer();  // The one that had waited longest.
  CHECK(told.status == 503);
  CHECK(told.body.find("more than half of the connections") != std::string::npos);
  for (auto& each : std::span(held).subspan(1)) {
    each.send("dy");
    CHECK(each.read_answer().status == 202);
  }
}

TEST_CASE("users that hold half of the publish connections keep them") {
  if (::geteuid() != 0) {
    WARN("not tested: only root may connect as another user");
    return;
  }
  const RunningDaemon daemon({.settings = {"publish.connections_max=4", "publish.mode=0666"}});
  auto held = held_connections(daemon, 2);
  RawSocket first = connect_as(daemon, 65'534);
  RawSocket second = connect_as(daemon, 65'533);
  for (RawSocket* each : {&first, &second}) {
    const std::string whole = request_text("POST /topics/a", "body");
    each->send(std::string_view(whole).substr(0, whole.size() - 2));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  RawSocket fifth = connect_as(daemon, 65'532);
  fifth.send(request_text("POST /topics/a", "fifth"));
  CHECK(fifth.read_answer().status == 503);
  for (auto& each : held) {
    each.send("dy");
    CHECK(each.read_answer().status == 202);
  }
}

TEST_CASE("a body beyond limits.request_bytes_max is refused, and the daemon serves on") {
  const RunningDaemon daemon(
      {.settings = {"limits.event_bytes_max=1000", "limits.request_bytes_max=2000"}});
  const HttpAnswer answer = daemon.publish_request("POST /topics/a", std::string(3'000, 'x'));
  CHECK(answer.status == 413);
  CHECK(answer.body.find("limits.request_bytes_max") != std::string::npos);
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  daemon.publish("a", "1");
  CHECK(subscriber.next().data == "1");
}

TEST_CASE("a refused publish says why and loses nothing") {
  const RunningDaemon daemon({.settings = {"limits.event_bytes_max=4096"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  int number = 0;
  for (const RefusedPublish& row : refused_publishes()) {
    INFO(row.name);
    const HttpAnswer answer =
        daemon.publish_request(row.request_line, row.body, "X-Trace-Id: t-1\r\n" + row.fields);
    CHECK(answer.status == row.status);
    const Json error = Json::parse(answer.body);
    CHECK_FALSE(error.at("code").get<std::string>().empty());
    CHECK_FALSE(error.at("message").get<std::string>().empty());
    CHECK(error.at("trace_id") == "t-1");
    // The next event is this one: the daemon serves, and nothing of the refused got through.
    const std::string data = std::to_string(++number);
    const std::string id = daemon.publish("a", data);
    const SseMessage event = subscriber.next();
    CHECK(event.data == data);
    CHECK(event.last_event_id == id);
  }
}

TEST_CASE("a key makes repeating a publish harmless") {
  const RunningDaemon daemon;
  const std::string key = "Idempotency-Key: k1\r\n";
  const HttpAnswer first = daemon.publish_request("POST /topics/a", "1", key);
  REQUIRE(first.status == 202);
  const HttpAnswer again = daemon.publish_request("POST /topics/a", "1", key);
  CHECK(again.status == 202);
  CHECK(again.body == first.body);
  CHECK(daemon.publish_request("POST /topics/a", "2", key).status == 422);
  CHECK(daemon.publish_request("POST /topics/b", "1", key).status == 422);

  const std::string keyed = R"({"topic":"a","data":"3","key":"k2"})";
  const HttpAnswer by_field = daemon.publish_request("POST /publish", keyed, kJson);
  CHECK(by_field.status == 202);
  const HttpAnswer as_line = daemon.publish_request("POST /publish", keyed + "\n", kLines);
  CHECK(Json::parse(as_line.body).at("accepted") == 1);
  CHECK(daemon.publish_request("POST /publish", keyed, kJson + key).status == 400);

  Subscriber subscriber = daemon.subscribe("/events?topic=a&last_event_id=earliest");
  CHECK(subscriber.next_published().data == "1");
  CHECK(subscriber.next_published().data == "3");
  CHECK_FALSE(subscriber.try_next(200).has_value());
}

TEST_CASE("requests may be pipelined, and come byte by byte") {
  const RunningDaemon daemon;
  RawSocket publisher = daemon.connect_publisher();
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += request_text("POST /topics/a", std::to_string(i));
  SECTION("all at once") {
    publisher.send(requests);
  }
  SECTION("byte by byte") {
    publisher.send_each_byte(requests);
  }
  std::string before;
  for (int i = 0; i < 20; ++i) {
    const HttpAnswer answer = publisher.read_answer();
    REQUIRE(answer.status == 202);
    CHECK(answer.body != before);
    before = answer.body;
  }
  Subscriber subscriber = daemon.subscribe("/events?topic=a&last_event_id=earliest");
  for (int i = 0; i < 20; ++i) CHECK(subscriber.next_published().data == std::to_string(i));
}

TEST_CASE("topics can be looked at") {
  const RunningDaemon daemon;
  daemon.publish("looked.at", "1");
  RawSocket publisher = daemon.connect_publisher();
  publisher.send("GET /topics HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpAnswer all = publisher.read_answer();
  CHECK(all.status == 200);
  CHECK(all.body.find("\"looked.at\"") != std::string::npos);
  publisher.send("GET /topics/looked.at HTTP/1.1\r\nHost: a\r\n\r\n");
  const HttpAnswer one = publisher.read_answer();
  CHECK(one.status == 200);
  CHECK(one.body.find("\"looked.at\"") != std::string::npos);
  publisher.send("GET /topics/never.seen HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(publisher.read_answer().status == 404);
}

}  // namespace
}  // namespace crier::tests
