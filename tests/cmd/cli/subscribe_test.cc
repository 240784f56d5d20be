#include "cmd/client/backoff.h"
#include "cmd/client/topic_follower.h"
#include "core/text/sse_text.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using std::chrono::milliseconds;

TEST_CASE("waits grow from the retry: field up to half a minute") {
  Backoff backoff;
  CHECK(backoff.next(0) == milliseconds{2'000});
  CHECK(backoff.next(0) == milliseconds{4'000});
  backoff.worked();
  backoff.set_retry(milliseconds{500});
  CHECK(backoff.next(0) == milliseconds{500});
  for (int i = 0; i < 100; ++i) CHECK(backoff.next(0) <= Backoff::kCeiling);
  CHECK(backoff.next(0) == Backoff::kCeiling);
  backoff.set_retry(milliseconds{3'600'000});  // The wait is at least this long.
  CHECK(backoff.next(0) == milliseconds{3'600'000});
  backoff.set_retry(milliseconds{UINT32_MAX});
  CHECK(backoff.next(0) == milliseconds{UINT32_MAX});
  backoff.set_retry(milliseconds{0});
  CHECK(backoff.next(UINT32_MAX) == milliseconds{0});
}

TEST_CASE("chance adds at most half") {
  Backoff backoff;
  backoff.set_retry(milliseconds{1'000});
  const auto most = backoff.next(UINT32_MAX);
  CHECK(most > milliseconds{1'490});
  CHECK(most < milliseconds{1'501});
}

struct Printed {
  std::string out;
  std::vector<std::string> warnings;
  bool works = true;

  TopicFollower::Output output() {
    return {[this](std::string_view text) {
              out += text;
              return works;
            },
            [this](std::string_view text) { warnings.emplace_back(text); }};
  }
};

SubscribeAs for_topic() {
  return {.topics = {"t"}};
}

TEST_CASE("data is printed, crier's own events only when asked for") {
  Printed printed;
  SubscribeAs as = for_topic();
  as.all = GENERATE(false, true);
  TopicFollower follower(as, printed.output());
  follower.on_message({"crier.open", "{\"position\":\"e-0\"}", "e-0"});
  follower.on_message({"message", "a\nb", "e-1"});
  follower.on_message({"tick", "", "e-2"});
  CHECK(printed.out == (as.all ? "crier.open {\"position\":\"e-0\"}\na\nb\n\n" : "a\nb\n\n"));
  CHECK(printed.warnings.empty());
}

TEST_CASE("as JSON an event is one line, whatever is in it") {
  SubscribeAs as = for_topic();
  as.json = true;
  CHECK(event_text(as, {"tick", "a\nb\x1B\"", "e-1"}).find('\n') ==
        event_text(as, {"tick", "a\nb\x1B\"", "e-1"}).size() - 1);
  CHECK(event_text(as, {"tick", "a", "e-1"}) ==
        "{\"id\":\"e-1\",\"event\":\"tick\",\"data\":\"a\"}\n");
}

TEST_CASE("events send no control characters to a terminal") {
  SubscribeAs as = for_topic();
  const SseMessage message{"message", "a\x1B[31m\tb\n\"\\\xC2\x9B", ""};
  CHECK(event_text(as, message) == message.data + "\n");
  as.escape = true;
  CHECK(event_text(as, message) == "a\\x1b[31m\tb\n\"\\\\xc2\\x9b\n");
}

TEST_CASE("a subscriber resumes after what it has seen") {
  Printed printed;
  SubscribeAs as = for_topic();
  as.topics = {"a.b", "c.>"};
  as.base = "/sse";
  as.from = "last=5";
  TopicFollower follower(as, printed.output());
  CHECK(follower.request().target == "/sse/events?topic=a.b&topic=c.%3E&last=5");
  CHECK(follower.request().fields.size() == 2);
  follower.on_message({"crier.open", "{}", "e-7"});
  CHECK(follower.request().target == "/sse/events?topic=a.b&topic=c.%3E");
  CHECK(follower.request().fields.back() ==
        std::pair<std::string_view, std::string>{"Last-Event-ID", "e-7"});
  follower.on_message({"crier.busy", "{}", ""});
  CHECK(follower.request().fields.back().second == "e-7");
  as.from = "earliest";
  CHECK(TopicFollower(as, printed.output()).request().target ==
        "/sse/events?topic=a.b&topic=c.%3E&from=earliest");
  as.last_event_id = "e-3";
  CHECK(TopicFollower(as, printed.output()).request().fields.back().second == "e-3");
}

TEST_CASE("crier's own events are shown as warnings") {
  Printed printed;
  TopicFollower follower(for_topic(), printed.output());
  follower.on_message({"crier.busy", R"({"reason":"capacity"})", ""});
  CHECK_FALSE(follower.served());
  follower.on_message(
      {"crier.gap", R"({"reason":"evicted","missed":12,"resumed_at":"e-9"})", "e-9"});
  CHECK(follower.served());
  follower.on_message({"crier.gap", R"({"reason":"overflow","missed":1})", "e-9"});
  follower.on_message({"crier.gap", R"({"reason":"restarted","missed":null})", "e-9"});
  follower.on_message({"crier.end", R"({"reason":"drain"})", ""});
  follower.on_message({"crier.gap", "not JSON", ""});
  CHECK(printed.out.empty());
  CHECK(printed.warnings ==
        std::vector<std::string>{"the server is busy (capacity); trying again",
                                 "warning: 12 events were lost (evicted)",
                                 "warning: 1 event was lost (overflow)",
                                 "warning: events may have been lost (restarted)",
                                 "the server ended the stream (drain); connecting again",
                                 "warning: events may have been lost (no reason given)"});
}

SubscribeAs verifying() {
  SubscribeAs as = for_topic();
  as.verify = true;
  return as;
}

TEST_CASE("a subscriber that verifies wants the checksum of every published event") {
  Printed printed;
  TopicFollower follower(verifying(), printed.output());
  follower.on_message({"crier.open", "{}", "e-0"});
  follower.on_message({"message", "x", "e-1", "4e2f6fbc"});
  CHECK(follower.state() == TopicFollower::State::going);
  CHECK(printed.out == "x\n");
  SECTION("one that is wrong") {
    follower.on_message({"message", "y", "e-1", "4e2f6fbc"});
    CHECK_THAT(printed.warnings.at(0), StartsWith("the event e-1 is damaged: its checksum is "
                                                  "4e2f6fbc, that of what arrived is "));
  }
  SECTION("one of an event of crier's own") {
    follower.on_message({"crier.gap", "{}", "e-1", "4e2f6fbc"});
    CHECK_THAT(printed.warnings.at(0), StartsWith("the event e-1 is damaged"));
  }
  SECTION("one that is missing") {
    follower.on_message({"message", "x", "e-2"});
    CHECK_THAT(printed.warnings.at(0), StartsWith("the event e-2 has no checksum"));
  }
  CHECK(follower.state() == TopicFollower::State::unverified);
  CHECK(printed.out == "x\n");
  CHECK(follower.request().fields.back().second == "e-1");  // The last one that was right.
}

TEST_CASE("no bit of a published event can change unnoticed") {
  std::string stream = "id: e-0\nevent: crier.open\ndata: {}\n\n";
  const std::size_t begin = stream.size();
  append_sse_event(stream, {.id = "e-1", .name = "tick", .data = "one\ntwo", .checksum = true});
  append_sse_event(stream, {.id = "e-2", .data = "", .checksum = true});
  append_sse_event(stream, {.id = "e-3", .data = "x", .checksum = true});
  const std::size_t end = stream.size();
  append_sse_event(stream, {.name = "crier.end", .data = "{}"});
  const auto follow = [](const std::string& bytes, std::string& out) {
    Printed printed;
    TopicFollower follower(verifying(), printed.output());
    SseParser parser(1'000);
    CHECK(parser.feed(bytes, [&](const SseMessage& m) { follower.on_message(m); }));
    out = printed.out;
    return follower.state() == TopicFollower::State::going;
  };
  std::string whole;
  REQUIRE(follow(stream, whole));
  REQUIRE(whole == "one\ntwo\n\nx\n");
  std::size_t harmless = 0;
  for (std::size_t bit = begin * 8; bit < end * 8; ++bit) {
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    std::string damaged = stream;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    std::string out;
    if (follow(damaged, out)) {
      ++harmless;
      CHECK(out == whole);
    } else {
      CHECK(whole.starts_with(out));
    }
  }
  CHECK(harmless == 8 * std::string_view("data:").size());  // In the event without data.
}

TEST_CASE("a subscriber stops after its count, or when it cannot print") {
  Printed printed;
  SubscribeAs as = for_topic();
  as.count = 2;
  as.all = true;
  TopicFollower counting(as, printed.output());
  counting.on_message({"crier.open", "x", ""});
  counting.on_message({"message", "1", ""});
  CHECK(counting.state() == TopicFollower::State::going);
  for (const char* data : {"2", "3"}) counting.on_message({"message", data, ""});
  CHECK(counting.state() == TopicFollower::State::counted);
  CHECK(printed.out == "crier.open x\n1\n2\n");
  printed.works = false;
  TopicFollower failing(as, printed.output());
  failing.on_message({"message", "1", ""});
  CHECK(failing.state() == TopicFollower::State::output_failed);
}

TEST_CASE("--from is earliest, latest or a number") {
  CHECK(valid_from("earliest"));
  CHECK(valid_from("latest"));
  CHECK(valid_from("last=1"));
  CHECK(valid_from("last=1000000"));
  for (const char* bad : {"", "Latest", "last", "last=", "last=x", "last=0", "last=-1", "last=1 ",
                          "last=1000001", "last=9999999999"}) {
    INFO(bad);
    CHECK_FALSE(valid_from(bad));
  }
}

std::string stream(std::string_view text) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n" +
         std::string(text);
}

TEST_CASE("a broken stream resumes where it broke") {
  ScriptedServer server(
      true,
      {{stream(
            "event: crier.open\nid: e-0\nretry: 1\ndata: {}\n\nid: e-1\ndata: one\n\nid: e-2\nda"),
        true},
       {http_answer("503 Busy", R"({"message":"full"})", "Retry-After: 0\r\n")},
       {stream("event: crier.busy\nretry: 1\ndata: {\"reason\":\"rate\"}\n\n"), true},
       {stream("event: crier.open\nid: e-1\nretry: 1\ndata: {}\n\nid: e-2\ndata: two\n\n")}});
  const auto ran = run_command({"subscribe", "t", "--url", server.url(), "--count", "2"});
  CHECK(ran.code == kExitOk);
  CHECK(ran.out == "one\ntwo\n");
  CHECK_THAT(ran.err, ContainsSubstring("full (HTTP 503); trying again\n"));
  CHECK_THAT(ran.err, ContainsSubstring("the server is busy (rate); trying again\n"));
  const auto requests = server.requests();
  REQUIRE(requests.size() == 4);
  CHECK_THAT(requests[0], StartsWith("GET /events?topic=t HTTP/1.1\r\n") &&
                              ContainsSubstring("\r\nAccept: text/event-stream\r\n"));
  CHECK(requests[0].find("Last-Event-ID") == std::string::npos);
  for (std::size_t i = 1; i < 4; ++i)
    CHECK_THAT(requests[i], ContainsSubstring("\r\nLast-Event-ID: e-1\r\n"));
}

TEST_CASE("a damaged event ends the command, and so does one without a checksum") {
  const std::string open = "id: e-0\nevent: crier.open\nretry: 1\ndata: {}\n\n";
  ScriptedServer server(true, {{stream(open + "id: e-1\ndata: x\ncrc32c: 4e2f6fbc\n\n" +
                                       "id: e-2\ndata: y\ncrc32c: 4e2f6fbc\n\n"),
                                true},
                               {stream(open + "id: e-1\ndata: x\n\n"), true}});
  const auto damaged = run_command({"subscribe", "t", "--url", server.url(), "--verify"});
  CHECK(damaged.code == kExitFailed);
  CHECK(damaged.out == "x\n");
  CHECK_THAT(damaged.err, StartsWith("crier subscribe: the event e-2 is damaged: "));
  const auto without = run_command({"subscribe", "t", "--url", server.url(), "--verify"});
  CHECK(without.code == kExitFailed);
  CHECK(without.out.empty());
  CHECK_THAT(without.err, StartsWith("crier subscribe: the event e-1 has no checksum: "
                                     "frames.checksum of the server is off"));
}

TEST_CASE("a subscription ends well when its topics are closed") {
  const auto [answer, out, says] = GENERATE(table<std::string, std::string, std::string>({
      {stream("event: crier.open\nid: e-0\ndata: {}\n\nid: e-1\ndata: bye\n\n"
              "event: crier.closed\nid: e-2\ndata: {\"topic\":\"t\"}\n\n"
              "event: crier.end\nretry: 1\ndata: {\"reason\":\"closed\"}\n\n"),
       "bye\n", "crier subscribe: t is closed\n"},
      {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "",
       "crier subscribe: all topics are closed\n"},
  }));
  ScriptedServer server(true, {{answer, true}});
  const auto ran = run_command({"subscribe", "t", "--url", server.url()});
  CHECK(ran.code == kExitOk);
  CHECK(ran.out == out);
  CHECK(ran.err == says);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a permanent failure ends the command") {
  const std::string refused = http_answer("403 No", R"({"code":"patterns","message":"denied"})");
  ScriptedServer server(true, {{refused}, {http_answer("200 OK", "<html>")}});
  const auto ran = run_command({"subscribe", "t", "--url", server.url()});
  CHECK(ran.code == kExitFailed);
  CHECK(ran.err == "crier subscribe: denied (patterns, HTTP 403)\n");
  const auto other = run_command({"subscribe", "t", "--url", server.url()});
  CHECK(other.err == "crier subscribe: the answer is not an event stream\n");
  // Port 9 (discard) of a loopback address that no test uses.
  const auto absent = run_command({"subscribe", "t", "--url", "http://127.0.0.91:9"});
  CHECK(absent.code == kExitFailed);
  CHECK_THAT(absent.err, ContainsSubstring("Connection refused; is `crier serve` running?"));
}

TEST_CASE("a subscription that makes no sense is misuse") {
  CHECK(run_command({"subscribe", "a b"}).code == kExitMisused);
  CHECK(run_command({"subscribe", "a", "--url", "localhost"}).code == kExitMisused);
  const auto secure = run_command({"subscribe", "https://x.example/"});
  CHECK(secure.code == kExitMisused);
  CHECK_THAT(secure.err, ContainsSubstring("curl -N"));
  const auto plain = run_command({"subscribe", "http://x.example"});
  CHECK(plain.code == kExitMisused);
  CHECK_THAT(plain.err, ContainsSubstring("with --url"));
  CHECK(run_command({"subscribe", "a", "--from", "now"}).code == kExitMisused);
  CHECK(run_command({"subscribe", "a", "--from", "earliest", "--last-event-id", "x"}).code ==
        kExitMisused);
  CHECK(run_command({"subscribe", "a", "--count", "0"}).code == kExitOk);
}

}  // namespace
}  // namespace crier::cmd
