#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cmd/client/event_json.h"
#include "cmd/client/line_reader.h"
#include "cmd/client/publisher.h"
#include "core/text/json_scanner.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using std::chrono::seconds;

TEST_CASE("an object carries any text as its data") {
  for (int value = 1; value < 128; ++value) {
    const std::string data = "a" + std::string(1, static_cast<char>(value)) + "\xC3\xA4";
    const auto object = publish_object({.topic = "t", .event = "e\"", .key = "k\n"}, data);
    REQUIRE(object);
    CHECK(object->find('\n') == std::string::npos);
    const auto json = nlohmann::json::parse(*object);
    CHECK(json["topic"] == "t");
    CHECK(json["event"] == "e\"");
    CHECK(json["key"] == "k\n");
    CHECK(json["data"] == data);
  }
  CHECK(*publish_object({.topic = "t"}, "") == R"({"topic":"t","data":""})");
}

TEST_CASE("JSON data is passed on as the bytes it is") {
  const PublishAs as{.topic = "t", .json = true};
  CHECK(*publish_object(as, R"({"b": 1.10, "a":[]})") ==
        R"({"topic":"t","data":{"b": 1.10, "a":[]}})");
  for (const char* bad : {"", "{", "1,\"topic\":\"x\"", "1}{", "nul"}) {
    INFO(bad);
    CHECK_THAT(publish_object(as, bad).error().detail, StartsWith("is not JSON: "));
  }
}

// Otherwise the daemon would refuse the whole batch for one such line.
TEST_CASE("JSON data is refused where the daemon would") {
  const PublishAs as{.topic = "t", .json = true};
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(publish_object(as, nested(kJsonDepthMax - 1)));
  CHECK_FALSE(publish_object(as, nested(kJsonDepthMax)));
  CHECK_FALSE(publish_object(as,
                             "\xEF\xBB\xBF"
                             "1"));
}

TEST_CASE("data that no event may have is refused") {
  for (const std::string& bad :
       {std::string("\xFF"), std::string("a\0b", 3), std::string("\xC3")}) {
    CHECK_FALSE(publish_object({.topic = "t"}, bad));
    CHECK_FALSE(publish_object({.topic = "t", .json = true}, "\"" + bad + "\""));
  }
}

TEST_CASE("a batch is one object a line, and full at either bound") {
  LineBatch batch({.topic = "t"});
  REQUIRE(batch.add("a"));
  REQUIRE(batch.add(""));
  REQUIRE_FALSE(batch.add("\xFF"));
  CHECK(batch.body() == "{\"topic\":\"t\",\"data\":\"a\"}\n{\"topic\":\"t\",\"data\":\"\"}\n");
  CHECK(batch.lines() == 2);
  CHECK_FALSE(batch.full());
  for (std::size_t i = 2; i < LineBatch::kLinesMax; ++i) {
    REQUIRE_FALSE(batch.full());
    REQUIRE(batch.add("x"));
  }
  CHECK(batch.full());
  batch.clear();
  CHECK(batch.lines() == 0);
  REQUIRE(batch.add(std::string(LineBatch::kBytesMax, 'x')));
  CHECK(batch.full());
}

// A pipe; the test holds its writing end.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_, O_CLOEXEC) == 0); }
  ~Pipe() {
    ::close(ends_[0]);
    close();
  }
  void write(std::string_view text) {
    REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void close() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  int reading() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
};

using Outcome = LineReader::Outcome;
constexpr std::chrono::milliseconds kAtOnce{0};

TEST_CASE("lines read the same however they are cut") {
  const std::string text = "one\n\r\ntwo\r\n\nlast";
  const std::vector<std::string> lines = {"one", "", "two", "", "last"};
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    INFO("cut after " << cut << " bytes");
    Pipe pipe;
    LineReader reader(pipe.reading(), 100);
    std::vector<std::string> got;
    pipe.write(text.substr(0, cut));
    while (reader.next(kAtOnce) == Outcome::line) got.emplace_back(reader.line());
    CHECK(reader.next(kAtOnce) == Outcome::quiet);
    pipe.write(text.substr(cut));
    pipe.close();
    Outcome outcome{};
    while ((outcome = reader.next(std::nullopt)) == Outcome::line) got.emplace_back(reader.line());
    CHECK(outcome == Outcome::end);
    CHECK(got == lines);
  }
}

TEST_CASE("a line that is too long is found before it is whole") {
  Pipe pipe;
  LineReader reader(pipe.reading(), 4);
  pipe.write("four\nfives");
  CHECK(reader.next(kAtOnce) == Outcome::line);
  CHECK(reader.next(kAtOnce) == Outcome::too_long);
  Pipe whole;
  LineReader other(whole.reading(), 4);
  whole.write("fives\n");
  CHECK(other.next(kAtOnce) == Outcome::too_long);
}

TEST_CASE("a descriptor that cannot be read is a failure") {
  LineReader reader(-1, 4);
  // poll() ignores the descriptor, so only the timeout ends the wait.
  CHECK(reader.next(kAtOnce) == Outcome::quiet);
  const int directory = ::open("/", O_RDONLY | O_CLOEXEC);
  LineReader unreadable(directory, 4);
  CHECK(unreadable.next(kAtOnce) == Outcome::failed);
  ::close(directory);
}

struct RetryCase {
  int status;
  const char* retry_after;
  int waited;
  std::optional<int> delay;
};

TEST_CASE("an answer decides whether and when to try again") {
  const auto row = GENERATE(values<RetryCase>({
      {202, "1", 0, std::nullopt},
      {400, "1", 0, std::nullopt},
      {500, "1", 0, std::nullopt},
      {503, "3", 0, 3},
      {429, "3", 0, 3},
      {503, "", 0, 1},
      {503, "0", 0, 1},
      {503, "-5", 0, 1},
      {503, "soon", 0, 1},
      {503, "3", 27, 3},
      {503, "3", 28, std::nullopt},
      {503, "100", 0, 30},
      {503, "100", 1, std::nullopt},
      {503, "99999999999999999999999", 0, 30},
  }));
  INFO(row.status << " " << row.retry_after << " after " << row.waited);
  net::ResponseHead head{.status = row.status, .fields = {{"retry-after", row.retry_after}}};
  const auto delay = retry_delay(head, seconds{row.waited});
  CHECK(delay.has_value() == row.delay.has_value());
  if (delay && row.delay) CHECK(delay->count() == *row.delay);
}

TEST_CASE("a publisher waits for Retry-After, and gives up in the end") {
  const std::string busy = http_answer("503 Busy", R"({"message":"full"})", "Retry-After: 10\r\n");
  std::vector<seconds> slept;
  const auto sleep = [&](seconds delay) { slept.push_back(delay); };
  SECTION("it gets through") {
    ScriptedServer server(false, {{busy}, {busy}, {http_answer("202 Accepted", "ok")}});
    Publisher publisher({server.path(), "", ""}, sleep);
    CHECK(publisher.post({.method = "POST", .target = "/", .body = "x"}) == "ok");
    CHECK(slept == std::vector{seconds{10}, seconds{10}});
    CHECK(server.requests().size() == 3);
  }
  SECTION("it does not") {
    ScriptedServer server(false, {{busy}, {busy}, {busy}, {busy}, {busy}});
    Publisher publisher({server.path(), "", ""}, sleep);
    const auto answer = publisher.post({.method = "POST", .target = "/", .body = "x"});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().detail == "full (HTTP 503)");
    CHECK(server.requests().size() == 4);
  }
  SECTION("nothing has ever listened there") {
    Publisher publisher({"/nowhere/x.sock", "", ""}, sleep);
    CHECK_THAT(publisher.post({}).error().detail, ContainsSubstring("is `crier serve` running?"));
    CHECK(slept.empty());
  }
  SECTION("the user may not connect") {
    ScriptedServer server(false, {});
    REQUIRE(::chmod(server.path().c_str(), 0) == 0);
    const bool root = ::geteuid() == 0;  // Who may do everything.
    if (root) REQUIRE(::seteuid(65'534) == 0);
    const auto answer = Publisher({server.path(), "", ""}, sleep).post({});
    if (root) REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().detail, ContainsSubstring("adduser USER GROUP"));
    CHECK(slept.empty());
  }
}

const std::string kAccepted = http_answer("202 Accepted", R"({"id":"e-1"})");

TEST_CASE("one event is sent to its topic") {
  ScriptedServer server(false, {{kAccepted}});
  const auto ran = run_command({"publish", "a.b", "hi\n", "--socket", server.path(), "--event",
                                "x y", "--key", "k1", "--verbose"});
  CHECK(ran.code == kExitOk);
  CHECK(ran.out == "e-1\n");
  CHECK(ran.err.empty());
  REQUIRE(server.requests().size() == 1);
  const std::string request = server.requests()[0];
  CHECK_THAT(request, StartsWith("POST /topics/a.b?event=x%20y HTTP/1.1\r\n"));
  CHECK_THAT(request, ContainsSubstring("\r\nIdempotency-Key: k1\r\n"));
  CHECK_THAT(request, Catch::Matchers::EndsWith("Content-Length: 3\r\n\r\nhi\n"));
}

TEST_CASE("standard input is one event, without its last line end") {
  const auto words = GENERATE(values<std::vector<std::string_view>>({{"-"}, {}}));
  ScriptedServer server(false, {{kAccepted}});
  std::vector<std::string_view> line = {"publish", "--socket", server.path(), "t"};
  line.insert(line.end(), words.begin(), words.end());
  const auto ran = run_command(line, "a\nb\n\n");
  CHECK(ran.code == kExitOk);
  CHECK(ran.out.empty());
  CHECK_THAT(server.requests().at(0), Catch::Matchers::EndsWith("\r\n\r\na\nb\n"));
  const auto large = run_command(line, std::string(1024 * 1024 + 1, 'x'));
  CHECK(large.code == kExitFailed);
  CHECK_THAT(large.err, ContainsSubstring("too long for one event"));
}

TEST_CASE("JSON goes to /publish as it is") {
  ScriptedServer server(false, {{kAccepted}});
  const auto ran = run_command({"publish", "t", "--json", "[1.0]", "--socket", server.path()});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(server.requests().at(0), StartsWith("POST /publish HTTP/1.1\r\n"));
  CHECK_THAT(server.requests()[0], ContainsSubstring("Content-Type: application/json\r\n"));
  CHECK_THAT(server.requests()[0],
             Catch::Matchers::EndsWith("\r\n\r\n{\"topic\":\"t\",\"data\":[1.0]}"));
  const auto bad = run_command({"publish", "t", "--json", "[1.0", "--socket", server.path()});
  CHECK(bad.code == kExitFailed);
  CHECK_THAT(bad.err, StartsWith("crier publish: the data is not JSON: "));
}

TEST_CASE("lines are published in batches, up to the first bad one") {
  std::string input;
  for (int i = 1; i <= 1'001; ++i) input += "line " + std::to_string(i) + "\n";
  const std::string accepted =
      http_answer("202 Accepted", R"({"accepted":2,"first_id":"e-1","last_id":"e-2"})");
  ScriptedServer server(false, {{accepted}, {accepted}, {accepted}});
  SECTION("all good") {
    const auto ran =
        run_command({"publish", "t", "--lines", "--socket", server.path(), "--verbose"}, input);
    CHECK(ran.code == kExitOk);
    CHECK(ran.out == "e-1 e-2\ne-1 e-2\n");
    REQUIRE(server.requests().size() == 2);
    CHECK_THAT(server.requests()[0], ContainsSubstring("Content-Type: application/x-ndjson\r\n"));
    CHECK_THAT(server.requests()[0],
               ContainsSubstring("\"line 1\"}\n") && ContainsSubstring("\"line 1000\"}\n"));
    CHECK_THAT(server.requests()[1],
               Catch::Matchers::EndsWith("\r\n\r\n{\"topic\":\"t\",\"data\":\"line 1001\"}\n"));
  }
  SECTION("a bad one") {
    const auto ran =
        run_command({"publish", "t", "--lines", "--socket", server.path()}, input + "\xFF\nx\n");
    CHECK(ran.code == kExitFailed);
    CHECK(ran.err == "crier publish: line 1002 is not UTF-8 without NUL\n");
    CHECK(server.requests().size() == 2);
  }
}

TEST_CASE("a batch that the server refuses is named") {
  ScriptedServer server(
      false, {{http_answer("400 Bad", R"({"code":"c","message":"line 2: \u001b[31m no"})")}});
  const auto ran = run_command({"publish", "t", "--lines", "--socket", server.path()}, "a\nb\n");
  CHECK(ran.code == kExitFailed);
  CHECK_THAT(
      ran.err,
      ContainsSubstring("lines 1 to 2 of standard input failed: line 2: \\x1b[31m no (c, HTTP 400)",
                        Catch::CaseSensitive::No));
  CHECK(ran.err.find('\x1B') == std::string::npos);
}

TEST_CASE("a topic is closed, with a last event or without") {
  ScriptedServer server(
      false, {{kAccepted}, {kAccepted}, {http_answer("409 Conflict", R"({"message":"closed"})")}});
  const auto ran = run_command(
      {"close", "a.b", "hi", "--socket", server.path(), "--event", "x y", "--key", "k1"});
  CHECK(ran.code == kExitOk);
  CHECK((ran.out + ran.err).empty());
  CHECK(run_command({"close", "a.b", "--socket", server.path()}).code == kExitOk);
  const auto refused = run_command({"close", "a.b", "hi", "--socket", server.path()});
  CHECK(refused.code == kExitFailed);
  CHECK(refused.err == "crier close: closed (HTTP 409)\n");
  CHECK(run_command({"close", "a.*", "--socket", server.path()}).code == kExitMisused);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK_THAT(requests[0], StartsWith("DELETE /topics/a.b?event=x%20y HTTP/1.1\r\n"));
  CHECK_THAT(requests[0], ContainsSubstring("\r\nIdempotency-Key: k1\r\n"));
  CHECK_THAT(requests[0], Catch::Matchers::EndsWith("Content-Length: 2\r\n\r\nhi"));
  CHECK_THAT(requests[1], StartsWith("DELETE /topics/a.b HTTP/1.1\r\n"));
  CHECK_THAT(requests[1], Catch::Matchers::EndsWith("Content-Length: 0\r\n\r\n"));
}

TEST_CASE("a publish that makes no sense is misuse") {
  CHECK(run_command({"publish", "a..b", "x"}).code == kExitMisused);
  CHECK(run_command({"publish", "a.*", "x"}).code == kExitMisused);
  CHECK(run_command({"publish", "a", "x", "--lines"}).code == kExitMisused);
  CHECK(run_command({"publish", "a", "--lines", "--key", "k"}).code == kExitMisused);
}

}  // namespace
}  // namespace crier::cmd
