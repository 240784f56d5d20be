// DELETE of a topic on the publish socket, and what publishers of a closed topic are answered.
#include <string>
#include <vector>

#include "tests/cmd/daemon/control/publish_routes_support.h"
#include "tests/cmd/daemon/control/scripted_journal.h"

namespace crier::cmd {
namespace {

std::string delete_of(const std::string& target, std::string_view body = "",
                      const std::string& fields = "") {
  return "DELETE " + target + " HTTP/1.1\r\nHost: x\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

bool repeats(const Answer& answer) {
  return answer.head.find("Idempotency-Replayed: true\r\n") != std::string::npos;
}

std::uint64_t refused_as_closed(const Socket& socket) {
  return socket.routes->counters().refused[static_cast<std::size_t>(PublishRefusal::closed)].read();
}

std::string closing_text(const Socket& socket, std::uint64_t sequence, const std::string& topic) {
  return "id: " + socket.id(sequence) + "\nevent: crier.closed\ndata: {\"topic\":\"" + topic +
         "\"}\n\n";
}

}  // namespace

TEST_CASE("DELETE closes a topic, after a last event if it brings one") {
  struct Row {
    std::string name, request;
    std::vector<std::string> last;
  };
  Socket socket;
  const Row row = GENERATE(values<Row>({
      {"alone", delete_of("/topics/a"), {}},
      {"without a length", "DELETE /topics/a HTTP/1.1\r\nHost: x\r\n\r\n", {}},
      {"with data", delete_of("/topics/a", "bye"), {"data: bye\n\n"}},
      {"with a name", delete_of("/topics/a?event=done", "bye"), {"event: done\ndata: bye\n\n"}},
      {"with an empty name", delete_of("/topics/a?event="), {}},
      {"with a name alone", delete_of("/topics/a?event=done"), {"event: done\ndata: \n\n"}},
  }));
  INFO(row.name);
  const std::uint64_t closing = row.last.size() + 1;
  const Answer answer = socket.ask(row.request);
  CHECK(answer.status == 202);
  CHECK(answer.body == json{{"id", socket.id(closing)}});
  CHECK_FALSE(repeats(answer));
  REQUIRE(socket.sent.frames.size() == closing);
  if (!row.last.empty()) CHECK(socket.text(0) == "id: " + socket.id(1) + "\n" + row.last[0]);
  CHECK(socket.text(closing - 1) == closing_text(socket, closing, "a"));
  CHECK(socket.sent.frames.back()->closes());
  CHECK(socket.ask(get("/topics/a")).body["closed_id"] == socket.id(closing));
  socket.works();
}

TEST_CASE(
    "an event for a closed topic is refused in each of three ways, and nothing is published") {
  Socket socket;
  socket.ask(delete_of("/topics/a"));
  const std::string object = R"({"topic":"a","data":1})";
  const std::string other = R"({"topic":"b","data":1})";
  const auto [request, says] = GENERATE_REF(table<std::string, std::string>({
      {post("/topics/a", "x"), "The topic is closed; it takes no more events."},
      {post("/publish", object, kJson), "The topic is closed; it takes no more events."},
      {post("/publish", other + "\n\n" + object + "\n" + object, kLines),
       "Line 3: The topic is closed; it takes no more events."},
      {post("/publish", object, std::string(kLines) + "Idempotency-Key: k\r\n"),
       "Line 1: The topic is closed; it takes no more events."},
      {delete_of("/topics/a", "bye"), "The topic is closed; it takes no more events."},
      {delete_of("/topics/a?event=done"), "The topic is closed; it takes no more events."},
  }));
  INFO(request);
  const Answer answer = socket.ask(request);
  CHECK(answer.status == 409);
  CHECK(answer.body["code"] == "topic_closed");
  CHECK(answer.body["message"] == says);
  CHECK(socket.log.head() == 1);
  CHECK(refused_as_closed(socket) == 1);
  CHECK(socket.publish(other).status == 202);
}

TEST_CASE("closing again repeats the answer, and is not an event") {
  Socket socket;
  const bool with_key = GENERATE(false, true);
  const std::string key = with_key ? "Idempotency-Key: k\r\n" : "";
  socket.ask(delete_of("/topics/a", "bye"));
  for (int i = 0; i < 2; ++i) {
    const Answer again = socket.ask(delete_of("/topics/a", "", key));
    CHECK(again.status == 202);
    CHECK(again.body == json{{"id", socket.id(2)}});
    CHECK(repeats(again));
  }
  CHECK(socket.log.head() == 2);
  CHECK(refused_as_closed(socket) == 0);
}

TEST_CASE("a key makes a DELETE with a last event safe to repeat") {
  Socket socket;
  const std::string key = "Idempotency-Key: k\r\n";
  const std::string request = delete_of("/topics/a?event=done", "bye", key);
  const Answer first = socket.ask(request);
  CHECK(first.body == json{{"id", socket.id(2)}});
  const Answer again = socket.ask(request);
  CHECK(again.body == first.body);
  CHECK(repeats(again));
  for (const std::string& other :
       {delete_of("/topics/a?event=done", "other", key), delete_of("/topics/a", "bye", key),
        delete_of("/topics/a", "", key), delete_of("/topics/b?event=done", "bye", key),
        post("/topics/a?event=done", "bye", key)}) {
    CHECK(socket.ask(other).status == 422);
  }
  CHECK(socket.log.head() == 2);
}

TEST_CASE("an event that was accepted before the topic was closed is still found by its key") {
  Socket socket;
  const std::string request = post("/topics/a", "x", "Idempotency-Key: k\r\n");
  const Answer first = socket.ask(request);
  socket.ask(delete_of("/topics/a"));
  const Answer again = socket.ask(request);
  CHECK(again.status == 202);
  CHECK(again.body == first.body);
  CHECK(repeats(again));
  const std::string lines = "{\"topic\":\"a\",\"data\":\"x\",\"key\":\"k\"}\n";
  CHECK(socket.publish(lines, kLines).status == 202);
  const Answer mixed = socket.publish(lines + R"({"topic":"a","data":"y"})", kLines);
  CHECK(mixed.status == 409);
  CHECK(mixed.body["message"].get<std::string>().starts_with("Line 2: "));
}

TEST_CASE("a DELETE is refused where a POST would be") {
  Socket socket({.event_bytes_max = 100});
  const auto [request, status] = GENERATE(table<std::string, int>({
      {delete_of("/topics/a..b"), 400},
      {delete_of("/topics/a.*"), 400},
      {delete_of("/topics/"), 400},
      {delete_of("/topics/a?event=crier.closed"), 400},
      {delete_of("/topics/a?name=b"), 400},
      {delete_of("/topics/a", "\xff"), 400},
      {delete_of("/topics/a", std::string(101, 'x')), 413},
      {delete_of("/topics/a", "x", "Content-Type: multipart/form-data\r\n"), 415},
      {delete_of("/topics/a", "", "Idempotency-Key: \xc3\xa9\r\n"), 400},
      {delete_of("/topics/a", "", "Origin: http://a\r\n"), 403},
      {delete_of("/topics"), 405},
      {delete_of("/publish"), 405},
      {"PUT /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405},
  }));
  INFO(request);
  CHECK(socket.ask(request).status == status);
  CHECK(socket.log.head() == 0);
  socket.works();
}

TEST_CASE("a DELETE counts as the events that it publishes, and a drain refuses it") {
  Socket socket({.rate = {.per_second = 1, .burst = 2}});
  CHECK(socket.ask(delete_of("/topics/a", "bye")).status == 202);
  CHECK(socket.ask(delete_of("/topics/b")).status == 429);
  socket.now.us += 10'000'000;
  socket.draining = true;
  CHECK(socket.ask(delete_of("/topics/b")).status == 503);
  CHECK(socket.log.head() == 2);
}

TEST_CASE("while a closing event is in the journal, publishers of its topic have to wait") {
  ScriptedJournal journal;
  Socket socket({}, &journal);
  Client closing(socket.loop, socket.path);
  REQUIRE(closing.send(delete_of("/topics/a", "bye")));
  REQUIRE(net::http_test::turn_until(socket.loop, [&] { return journal.open() == 1; }));
  for (const std::string& request : {post("/topics/a", "x"), delete_of("/topics/a")}) {
    const Answer answer = socket.ask(request);
    CHECK(answer.status == 503);
    CHECK(answer.head.find("Retry-After: ") != std::string::npos);
  }
  CHECK(journal.open() == 1);
  if (GENERATE(false, true)) {
    journal.commit();
    CHECK(socket.log.closing_of("a").sequence == 2);
    CHECK(socket.ask(post("/topics/a", "x")).status == 409);
    CHECK(socket.ask(delete_of("/topics/a")).body == json{{"id", socket.id(2)}});
  } else {
    journal.fail(broadcast::JournalFailure::io_error);
    CHECK_FALSE(socket.log.closing_of("a"));
    Client publishing(socket.loop, socket.path);
    REQUIRE(publishing.send(post("/topics/a", "x")));
    REQUIRE(net::http_test::turn_until(socket.loop, [&] { return journal.open() == 1; }));
    journal.commit();
    CHECK(socket.log.head() == 1);
  }
}

}  // namespace crier::cmd
