// Requests of publishers, and their answers.
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/cmd/daemon/control/publish_routes_support.h"

namespace crier::cmd {
namespace {

TEST_CASE("an event is published in each of three ways") {
  Socket socket;
  CHECK(socket.ask(post("/topics/a.b?event=made%20up", "one\ntwo")).body["id"] == socket.id(1));
  CHECK(socket.publish(R"({"topic":"a","data":"\u00e9\n","event":"e"})").body["id"] ==
        socket.id(2));
  const Answer lines = socket.publish(
      "{\"topic\":\"a\",\"data\":1.10}\r\n \n{\"data\":{\"b\":1, \"a\":"
      "12345678901234567890},\"topic\":\"b\"}",
      kLines);
  CHECK(lines.status == 202);
  CHECK(lines.body == json{{"accepted", 2}, {"first_id", socket.id(3)}, {"last_id", socket.id(4)}});
  REQUIRE(socket.sent.frames.size() == 4);
  CHECK(socket.text(0) == "id: " + socket.id(1) + "\nevent: made up\ndata: one\ndata: two\n\n");
  CHECK(socket.text(1) == "id: " + socket.id(2) + "\nevent: e\ndata: é\ndata: \n\n");
  CHECK(socket.text(2) == "id: " + socket.id(3) + "\ndata: 1.10\n\n");
  CHECK(socket.text(3) ==
        "id: " + socket.id(4) + "\ndata: {\"b\":1, \"a\":12345678901234567890}\n\n");
  CHECK(socket.sent.frames[3]->topic() == "b");
  CHECK(socket.log.stats().events.read() == 4);
  CHECK(lines.head.find("Connection: keep-alive\r\n") != std::string::npos);
  CHECK(lines.head.find("Idempotency-Replayed") == std::string::npos);
}

TEST_CASE("an invalid publish is refused, and the connection goes on") {
  struct Row {
    std::string request;
    int status;
    std::string says;
  };
  const auto object = [](std::string_view body) { return post("/publish", body, kJson); };
  const auto lines = [](std::string_view body) { return post("/publish", body, kLines); };
  const std::string good = "{\"topic\":\"a\",\"data\":1}\n";
  const Row row = GENERATE_COPY(values<Row>(
      {{post("/topics/a..b", "x"), 400, "\\\"a..b\\\" is not a valid topic: use A-Z"},
       {post("/topics/", "x"), 400, "\\\"\\\" is not a valid topic"},
       {post("/topics/a/b", "x"), 400, "did you mean \\\"a.b\\\"?"},
       {post("/topics/a.*", "x"), 400, "\\\"a.*\\\" is a pattern, not a topic"},
       {post("/topics/a", "x", "Content-Type: multipart/form-data; boundary=x\r\n"), 415,
        "--data-binary"},
       {post("/topics/a", "x", "Content-Type: Multipart/Mixed\r\n"), 415, "A form (multipart)"},
       {post("/publish", good, "Content-Type: multipart/form-data\r\n"), 415, "Content-Type"},
       {post("/topics/a?event=crier.gap", "x"), 400, "event name"},
       {post("/topics/a?event=a%0Ab", "x"), 400, "event name"},
       {post("/topics/a?event=a&event=b", "x"), 400, "one `event`"},
       {post("/topics/a?name=b", "x"), 400, "one `event`"},
       {post("/topics/a", "\xff"), 400, "UTF-8"},
       {post("/topics/a", std::string_view("a\0b", 3)), 400, "NUL"},
       {post("/topics/a", std::string(101, 'x')), 413, "limits.event_bytes_max allows 100"},
       {post("/topics/a", "x", "Idempotency-Key: \xc3\xa9\r\n"), 400, "Idempotency-Key"},
       {post("/topics/a", "x", "Origin: http://a\r\n"), 403, "Origin"},
       {post("/publish", good), 415, "application/x-ndjson"},
       {post("/publish", good, "Content-Type: text/plain\r\n"), 415, "Content-Type"},
       {post("/publish", good, "Content-Type: application/json;charset=latin1\r\n"), 415, "UTF-8"},
       {post("/publish?topic=a", good, kJson), 400, "no query"},
       {object(""), 400, "for example {\\\"topic\\\": \\\"news\\\", "},
       {object("garbage"), 400, "An event is a JSON object, for example"},
       {object("{garbage}"), 400, "This is not a JSON object: "},
       {lines("\n[1]"), 400, "Line 2: An event is a JSON object"},
       {object("[]"), 400, "application/x-ndjson, one object a line"},
       {object(" \r\n[{}]"), 400, "The body is an array"},
       {object("{\"topic\":\"a/b\",\"data\":1}"), 400, "did you mean \\\"a.b\\\"?"},
       {lines("{\"topic\":\"a/b\",\"data\":1}"), 400, "Line 1: \\\"a/b\\\" is not a valid topic"},
       {object("1"), 400, "An event is a JSON object"},
       {object("{\"topic\":\"a\"}"), 400, "\\\"data\\\" is missing"},
       {object("{\"data\":\"a\"}"), 400, "\\\"topic\\\" is missing"},
       {object("{\"topic\":1,\"data\":1}"), 400, "\\\"topic\\\" is not a string"},
       {object("{\"topic\":\"a\",\"data\":1,\"event\":null}"), 400, "not a string"},
       {object("{\"topic\":\"a\",\"data\":1,\"dat\\u0061\":2}"), 400, "given twice"},
       {object("{\"topic\":\"a\",\"data\":1,\"Event\":\"e\"}"), 400, "\\\"Event\\\" is unknown"},
       {object("{\"topic\":\"a\",\"data\":\"\\u0000\"}"), 400, "NUL"},
       {object("{\"topic\":\"a\",\"data\":\"\\ud800\"}"), 400, "surrogate"},
       {object("{\"topic\":\"a\",\"data\":\"\x80\"}"), 400, "UTF-8"},
       {object("{\"topic\":\"a\",\"data\":1,\"key\":\"\"}"), 400, "printable ASCII"},
       {object("{\"topic\":\"a\",\"data\":1,\"event\":\"open\"}"), 400, "event name"},
       {object("{\"topic\":\"a\",\"data\":" + std::string(70, '[') + std::string(70, ']') + "}"),
        400, "nested more than 64"},
       {object("{\"topic\":\"a\",\"data\":\"" + std::string(101, 'x') + "\"}"), 413, "101 bytes"},
       {object(good + good), 400, "something follows"},
       {lines(""), 400, "no event"},
       {lines("\n \r\n"), 400, "no event"},
       {lines(good + "\n" + good + "{\n" + good), 400, "Line 4: "},
       {lines(good + "{\"topic\":\"a\",\"data\":\"" + std::string(101, 'x') + "\"}"), 413,
        "Line 2: "},
       {lines("{\"topic\":\"a\",\ndata\":1}"), 400, "Line 1: "},
       {post("/publish", good + "{\"topic\":\"a\",\"data\":1,\"key\":\"k\"}",
             std::string(kLines) + "Idempotency-Key: k\r\n"),
        400, "Line 2: The idempotency key is given twice"},
       {post("/publish", "{\"topic\":\"a\",\"data\":1,\"key\":\"k\"}",
             std::string(kJson) + "Idempotency-Key: k\r\n"),
        400, "given twice"},
       {get("/publish"), 405, "Allow: POST\r\n"},
       {post("/topics", "x"), 405, "Allow: GET, HEAD\r\n"},
       {"OPTIONS /topics/a HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow: DELETE, GET, HEAD, POST\r\n"},
       {get("/"), 404, "POST /publish"},
       {get("/topicsx"), 404, "POST /publish"},
       {get("/topics/a..b"), 400, "is not a valid topic"},
       {get("/topics/nobody"), 404, "neither events"},
       {get("/topics?limit=0"), 400, "1 to 100"},
       {get("/topics?limit=101"), 400, "1 to 100"},
       {get("/topics?after=x"), 400, "`after`"},
       {get("/topics?page=1"), 400, "`limit`"}}));
  INFO(row.request);
  Socket socket({.event_bytes_max = 100});
  const Answer answer = socket.ask(row.request);
  CHECK(answer.status == row.status);
  CHECK(answer.body.contains("code"));
  const std::string trace_id = answer.body["trace_id"];
  CHECK(trace_id.size() == 32);
  CHECK(answer.head.find("X-Trace-Id: " + trace_id + "\r\n") != std::string::npos);
  CHECK((answer.head + answer.body.dump()).find(row.says) != std::string::npos);
  INFO(answer.body.dump());
  CHECK(socket.log.head() == 0);
  CHECK(socket.sent.frames.empty());
  socket.works();
}

TEST_CASE("an idempotency key is answered as before, or refused for other content") {
  Socket socket;
  const std::string with_key = "Idempotency-Key: k1\r\n";
  CHECK(socket.ask(post("/topics/a?event=e", "x", with_key)).body["id"] == socket.id(1));
  const auto is_replay = [](const Answer& answer) {
    return answer.head.find("Idempotency-Replayed: true\r\n") != std::string::npos;
  };
  for (const Answer& answer :
       {socket.ask(post("/topics/a?event=e", "x", with_key)),
        socket.publish(R"({"topic":"a","data":"x","event":"e","key":"k1"})")}) {
    CHECK(answer.status == 202);
    CHECK(answer.body["id"] == socket.id(1));
    CHECK(is_replay(answer));
  }
  CHECK(socket.ask(post("/topics/a?event=e", "y", with_key)).status == 422);
  CHECK(socket.ask(post("/topics/b?event=e", "x", with_key)).status == 422);
  CHECK(socket.ask(post("/topics/a", "x", with_key)).status == 422);
  CHECK(socket.log.head() == 1);
  CHECK(socket.routes->counters().replayed.read() == 2);
  socket.now.us += 301'000'000;
  CHECK(socket.ask(post("/topics/a", "y", with_key)).body["id"] == socket.id(2));
}

TEST_CASE("lines that were seen before count as accepted") {
  Socket socket;
  const auto line = [](std::string key, int data) {
    return "{\"topic\":\"a\",\"data\":" + std::to_string(data) + ",\"key\":\"" + key + "\"}\n";
  };
  REQUIRE(socket.publish(line("k1", 1) + line("k2", 2), kLines).status == 202);
  const std::string more = line("k2", 2) + line("k3", 3) + line("k3", 3) + line("k4", 4);
  Answer answer = socket.publish(more, kLines);
  CHECK(answer.body ==
        json{{"accepted", 4}, {"first_id", socket.id(2)}, {"last_id", socket.id(4)}});
  CHECK(answer.head.find("Replayed") == std::string::npos);
  CHECK(socket.log.head() == 4);
  answer = socket.publish(more, kLines);
  CHECK(answer.body ==
        json{{"accepted", 4}, {"first_id", socket.id(2)}, {"last_id", socket.id(4)}});
  CHECK(answer.head.find("Replayed: true") != std::string::npos);

  SECTION("another request's key for other content refuses all") {
    answer = socket.publish(line("k5", 5) + line("k1", 7), kLines);
  }
  SECTION("so does another line's") {
    answer = socket.publish(line("k6", 5) + line("k6", 6), kLines);
  }
  CHECK(answer.status == 422);
  CHECK(answer.body["message"].get<std::string>().starts_with("Line 2: "));
  CHECK(socket.log.head() == 4);
  socket.works();
}

TEST_CASE("a header's key stands for all lines") {
  Socket socket;
  const std::string body = "{\"topic\":\"a\",\"data\":1}\n{\"topic\":\"a\",\"data\":2}\n";
  const std::string key = "Idempotency-Key: all\r\n";
  const Answer first = socket.publish(body, kLines, key);
  const Answer second = socket.publish(body, kLines, key);
  CHECK(first.body == second.body);
  CHECK(first.body["accepted"] == 2);
  CHECK(second.head.find("Idempotency-Replayed: true\r\n") != std::string::npos);
  CHECK(socket.publish(body + "\n", kLines, key).status == 422);
  CHECK(socket.ask(post("/topics/a", body, key)).status == 422);
  CHECK(socket.log.head() == 2);
  socket.works();
}

TEST_CASE("a request has a bounded number of lines") {
  Socket socket({.request_lines_max = 3});
  const std::string line = "{\"topic\":\"a\",\"data\":1}\n";
  const auto too_many = [&](const std::string& body) {
    const Answer answer = socket.publish(body, kLines);
    CHECK(answer.status == 413);
    CHECK(answer.body["message"].get<std::string>().find("limits.request_lines_max allows, 3") !=
          std::string::npos);
    CHECK(socket.log.head() == 0);
  };
  too_many(line + line + line + line);
  too_many(line + "\n\n" + line);
  too_many("\n\n\n\n");
  const Answer answer = socket.publish(line + line + line, kLines);
  CHECK(answer.body["accepted"] == 3);
  socket.works();
}

TEST_CASE("a draining daemon refuses publishes and still shows topics") {
  Socket socket;
  socket.works();
  socket.draining = true;
  const Answer answer = socket.ask(post("/topics/a", "x"));
  CHECK(answer.status == 503);
  CHECK(answer.body["code"] == "draining");
  CHECK(answer.head.find("Retry-After: ") != std::string::npos);
  CHECK(socket.publish("{\"topic\":\"a\",\"data\":1}").status == 503);
  CHECK(socket.ask(get("/topics/good")).status == 200);
  CHECK(socket.log.head() == 1);
  socket.draining = false;
  socket.works();
}

TEST_CASE("where memory is too short for events, publishes are refused and topics are shown") {
  Socket socket;
  socket.shortage.stage = MemoryStage::end_streams;
  socket.works();
  socket.shortage.stage = MemoryStage::refuse_events;
  const Answer answer = socket.ask(post("/topics/a", "x"));
  CHECK(answer.status == 503);
  CHECK(answer.body["code"] == "memory");
  CHECK(answer.head.find("Retry-After: ") != std::string::npos);
  CHECK(socket.ask(get("/topics/good")).status == 200);
  CHECK(socket.log.head() == 1);
  socket.shortage.stage = MemoryStage::ok;
  socket.works();
}

TEST_CASE("where memory is too short, a body that comes in pieces is refused like a whole one") {
  Socket socket;
  socket.shortage.stage = MemoryStage::refuse_events;
  REQUIRE(socket.client->send("POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx"));
  const std::string got = socket.client->receive_all();
  CHECK(got.starts_with("HTTP/1.1 503 "));
  CHECK(got.find("\r\nRetry-After: 30\r\n") != std::string::npos);
  CHECK(json::parse(got.substr(got.find("\r\n\r\n") + 4))["code"] == "memory");
}

TEST_CASE("the list of publishers changes for open connections, too") {
  Socket socket;
  const std::string other = ::getuid() == 12'345 ? "12346" : "12345";
  auto peers = net::PeerList::make(std::vector<std::string>{other}, {});
  REQUIRE(peers.has_value());
  socket.routes->set_peers(std::move(*peers));
  CHECK(socket.ask(post("/topics/a", "x", "X-Trace-Id: t1\r\n")).body["trace_id"] == "t1");
  CHECK(socket.ask(get("/topics")).status == 403);
  socket.routes->set_peers({});
  socket.works();
  const auto& refused = socket.routes->counters().refused;
  CHECK(refused[static_cast<std::size_t>(PublishRefusal::forbidden)].read() == 2);
}

TEST_CASE("a user above its rate is refused, told when to come back, and served again") {
  Socket socket({.rate = {.per_second = 2, .burst = 3}});
  for (int i = 0; i < 3; ++i) socket.works();
  const Answer text = socket.ask(post("/topics/good", "x"));
  CHECK(text.status == 429);
  CHECK(text.body["code"] == "rate_limited");
  CHECK(text.body["message"].get<std::string>().find("publish.rate") != std::string::npos);
  CHECK(text.head.find("\r\nRetry-After: 1\r\n") != std::string::npos);
  CHECK(socket.publish("{\"topic\":\"good\",\"data\":1}").status == 429);
  CHECK(socket.log.head() == 3);
  CHECK(socket.ask(get("/topics/good")).status == 200);  // Looking costs nothing.
  socket.now.us += 500'000;
  socket.works();
  CHECK(socket.ask(post("/topics/good", "x")).status == 429);

  // Four lines need more than the user has: they are accepted with one token, and leave a debt.
  const std::string lines =
      "{\"topic\":\"good\",\"data\":1}\n{\"topic\":\"good\",\"data\":2}\n"
      "{\"topic\":\"good\",\"data\":3}\n{\"topic\":\"good\",\"data\":4}\n";
  CHECK(socket.publish(lines, kLines).status == 429);
  socket.now.us += 500'000;
  CHECK(socket.publish(lines, kLines).status == 202);
  CHECK(socket.log.head() == 8);
  const Answer indebted = socket.publish(lines, kLines);
  CHECK(indebted.status == 429);
  CHECK(indebted.head.find("\r\nRetry-After: 2\r\n") != std::string::npos);
  socket.now.us += 1'999'000;
  CHECK(socket.ask(post("/topics/good", "x")).status == 429);
  socket.now.us += 1'000;
  socket.works();
  const auto& refused = socket.routes->counters().refused;
  CHECK(refused[static_cast<std::size_t>(PublishRefusal::rate)].read() == 6);
  socket.routes->set_rate({});
  for (int i = 0; i < 10; ++i) socket.works();
}

TEST_CASE("neither refused events nor known ones use up a user's rate") {
  Socket socket({.rate = {.per_second = 1, .burst = 2}});
  const std::string key = "Idempotency-Key: k\r\n";
  CHECK(socket.ask(post("/topics/a", "1", key)).status == 202);
  for (int i = 0; i < 5; ++i) {
    CHECK(socket.ask(post("/topics/a", "1", key)).status == 202);
    CHECK(socket.ask(post("/topics/a", "2", key)).status == 422);
    CHECK(socket.ask(post("/topics/a..b", "1")).status == 400);
  }
  socket.works();
  CHECK(socket.ask(post("/topics/a", "1", key)).status == 429);
}

TEST_CASE("each publish that is accepted is timed, from its arrival to its answer") {
  Socket socket;
  socket.works();
  CHECK(socket.ask(post("/topics/a..b", "x")).status == 400);
  const auto& latency = socket.routes->counters().latency;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= kPublishLatencyBounds.size(); ++i) count += latency.bucket(i);
  CHECK(count == 1);
  CHECK(latency.sum() < 10'000'000);
}

TEST_CASE("a refused publish is logged under the trace id that its publisher was told") {
  Socket socket;
  for (const std::string& request : {post("/topics/a..b", "x"), get("/nowhere")}) {
    const std::string trace = socket.ask(request).body.at("trace_id");
    REQUIRE_FALSE(socket.lines.lines.empty());
    CHECK_THAT(socket.lines.lines.back(),
               Catch::Matchers::StartsWith("info publish request refused reason=") &&
                   Catch::Matchers::ContainsSubstring(" from=\"uid ") &&
                   Catch::Matchers::ContainsSubstring(" trace_id=" + trace + " "));
  }
  CHECK(socket.lines.lines.size() == 2);
}

TEST_CASE("a head that is refused is answered in JSON") {
  Socket socket;
  REQUIRE(socket.client->send("GET / HTTP/1.1\r\n\r\n"));
  const std::string got = socket.client->receive_all();
  CHECK(got.starts_with("HTTP/1.1 400 "));
  const json body = json::parse(got.substr(got.find("\r\n\r\n") + 4));
  CHECK(body["code"] == "bad_request");
  CHECK(body["trace_id"].get<std::string>().size() == 32);
  CHECK_THAT(socket.lines.lines.back(), Catch::Matchers::ContainsSubstring(" from=\"uid "));
  socket.client.emplace(socket.loop, socket.path);
  socket.works();
}

}  // namespace
}  // namespace crier::cmd
