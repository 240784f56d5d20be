// Too many requests of one address: refused, then shut out for a while; others notice nothing.
#include <signal.h>

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr const char* kAttacker = "127.0.0.66";
constexpr const char* kOther = "127.0.0.67";
constexpr const char* kEventSource = "Accept: text/event-stream\r\n";

std::vector<std::string> limited(const std::vector<std::string>& more = {}) {
  std::vector<std::string> settings = {"limits.requests_per_address=1",
                                       "limits.requests_per_address_burst=3"};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

// The answer to one request on a connection of its own; status 0: closed without an answer.
HttpAnswer answer_to(const RunningDaemon& daemon, const std::string& from,
                     const std::string& request) {
  try {
    RawSocket socket = daemon.connect_from(from);
    socket.send(request);
    return socket.read_answer();
  } catch (const SocketError&) {
    return {};
  }
}

HttpAnswer ask_from(const RunningDaemon& daemon, const std::string& from,
                    const std::string& fields = {}, const std::string& target = "/healthz") {
  return answer_to(daemon, from, "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
}

// Asks until the address is shut out. The bucket earns tokens meanwhile, so the number of requests
// that it takes is not certain; that the last three before were refused is.
std::vector<int> ask_until_shut_out(const RunningDaemon& daemon, const std::string& from) {
  std::vector<int> statuses;
  while (statuses.size() < 1'000) {
    statuses.push_back(ask_from(daemon, from).status);
    if (statuses.back() == 0) break;
  }
  return statuses;
}

double refusals(const RunningDaemon& daemon, const std::string& reason) {
  const std::string text = daemon.admin_get("/metrics").body;
  const std::string series = "\ncrier_requests_refused_total{reason=\"" + reason + "\"} ";
  const std::size_t at = text.find(series);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + series.size()));
}

bool shut_out_is_logged(const RunningDaemon& daemon) {
  return daemon.output().find("address shut out") != std::string::npos;
}

TEST_CASE("an address that goes on asking is refused, then closed unread; others are served") {
  const RunningDaemon daemon({.settings = limited(), .workers = 4});
  Subscriber stream(daemon.connect_from(kAttacker), "/events?topic=a");
  REQUIRE(stream.next().event == "crier.open");

  const std::vector<int> statuses = ask_until_shut_out(daemon, kAttacker);
  REQUIRE(statuses.size() >= 4);
  REQUIRE(statuses.size() < 1'000);
  CHECK(statuses[0] == 200);
  for (std::size_t i = statuses.size() - 4; i + 1 < statuses.size(); ++i) {
    CHECK(statuses[i] == 429);
  }
  CHECK(daemon.wait_for_output("address shut out from=127.0.0.66 seconds=60"));
  CHECK(daemon.wait_for_output("reason=requests_per_address status=429 from=127.0.0.66:"));
  for (int i = 0; i < 8; ++i) CHECK(ask_from(daemon, kAttacker).status == 0);  // By every worker.
  CHECK(wait_until(kPatienceMs, [&] { return refusals(daemon, "breaker_at_accept") >= 9; }));
  CHECK(refusals(daemon, "requests_per_address") >= 3);
  CHECK(refusals(daemon, "breaker") == 0);
  const std::string output = daemon.output();
  CHECK(output.find("address shut out") == output.rfind("address shut out"));

  // Its open stream stays, and others open theirs.
  Subscriber other(daemon.connect_from(kOther), "/events?topic=a");
  REQUIRE(other.next().event == "crier.open");
  daemon.publish("a", "1");
  CHECK(other.next().data == "1");
  CHECK(stream.next().data == "1");
}

TEST_CASE("a browser over the limit is told to come back, a program gets a status") {
  const auto [name, settings, fields, status] =
      GENERATE(table<std::string, std::vector<std::string>, std::string, int>({
          {"a browser", {"limits.breaker_seconds=0"}, kEventSource, 200},
          {"a browser of another origin",
           {"limits.breaker_seconds=0", "http.origins=https://a.example"},
           std::string(kEventSource) + "Origin: https://a.example\r\n",
           200},
          {"a program", {"limits.breaker_seconds=0"}, "", 429},
          {"a browser, by order of the operator",
           {"limits.breaker_seconds=0", "limits.refuse_with=status"},
           kEventSource,
           429},
      }));
  INFO(name);
  const RunningDaemon daemon({.settings = limited(settings)});
  HttpAnswer answer;
  REQUIRE(wait_until(kPatienceMs, [&] {
    RawSocket socket = daemon.connect_from(kAttacker);
    socket.send("GET /events?topic=a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    answer = socket.read_head();
    if (answer.field("cache-control") != "no-store") return false;  // A stream.
    answer.body = socket.read_to_end();
    return true;
  }));
  CHECK(answer.status == status);
  CHECK(answer.body.find("\"requests_per_address\"") != std::string::npos);
  if (status == 200) {
    CHECK(answer.body.starts_with("event: crier.busy\nretry: "));
  } else {
    const int seconds = std::stoi(answer.field("retry-after"));
    CHECK(seconds >= 5);
    CHECK(seconds <= 30);
  }
  if (fields.find("Origin") != std::string::npos) {
    CHECK(answer.field("access-control-allow-origin") == "https://a.example");
  }
  // Without a breaker it is answered for ever.
  for (int i = 0; i < 10; ++i) CHECK(ask_from(daemon, kAttacker).status != 0);
  CHECK_FALSE(shut_out_is_logged(daemon));
}

TEST_CASE("a refused HEAD has no body") {
  const RunningDaemon daemon({.settings = limited({"limits.breaker_seconds=0"})});
  HttpAnswer head;
  REQUIRE(wait_until(kPatienceMs, [&] {
    RawSocket socket = daemon.connect_from(kAttacker);
    socket.send("HEAD /events?topic=a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" +
                std::string(kEventSource) + "\r\n");
    head = socket.read_head();
    CHECK(socket.read_to_end().empty());
    return head.status != 200;
  }));
  CHECK(head.status == 429);
  CHECK(std::stoi(head.field("content-length")) > 0);
}

TEST_CASE("requests on one connection count one by one, the refused one ends it") {
  const RunningDaemon daemon({.settings = limited()});
  RawSocket socket = daemon.connect_from(kAttacker);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  socket.send(requests);
  const std::string answers = socket.read_to_end();
  int served = 0;
  for (std::size_t at = 0; (at = answers.find(" 200 OK", at)) != std::string::npos; ++at) ++served;
  CHECK(served >= 3);
  CHECK(served < 90);
  CHECK(answers.find("429", answers.rfind(" 200 OK")) != std::string::npos);
}

TEST_CASE("heads that are refused count as well") {
  const RunningDaemon daemon({.settings = limited()});
  int answered = 0;
  while (answered < 1'000 && answer_to(daemon, kAttacker, "GET / HTTP/1.1\r\n\r\n").status == 400) {
    ++answered;
  }
  CHECK(answered >= 6);  // The burst, and three refusals.
  CHECK(answered < 1'000);
  CHECK(ask_from(daemon, kAttacker).status == 0);
  CHECK(ask_from(daemon, kOther).status == 200);
}

TEST_CASE("after its time the breaker lets a request through, and closes", "[slow]") {
  const RunningDaemon daemon({.settings = limited({"limits.breaker_seconds=2"})});
  for (int episode = 0; episode < 2; ++episode) {
    const std::vector<int> statuses = ask_until_shut_out(daemon, kAttacker);
    REQUIRE(statuses.size() >= 4);
    CHECK(statuses[0] == 200);
    CHECK(statuses.back() == 0);
    CHECK(wait_until(kPatienceMs, [&] { return ask_from(daemon, kAttacker).status == 200; }));
  }
}

TEST_CASE("behind a trusted proxy a client is answered, and the proxy serves the others") {
  const RunningDaemon daemon({.settings = limited({R"(http.trusted_proxies=["127.0.0.1"])"})});
  const auto named = [](const std::string& client) {
    return "X-Forwarded-For: " + client + "\r\n";
  };
  std::string body;
  for (int i = 0; i < 1'000 && body.find("\"breaker\"") == std::string::npos; ++i) {
    const HttpAnswer answer = ask_from(daemon, "127.0.0.1", named(kAttacker));
    REQUIRE(answer.status != 0);
    body = answer.body;
  }
  CHECK(ask_from(daemon, "127.0.0.1", named(kAttacker)).status == 429);
  Subscriber busy(daemon.connect_from("127.0.0.1"), "/events?topic=a",
                  {.fields = named(kAttacker) + kEventSource});
  CHECK(busy.head().status == 200);
  const SseMessage told = busy.next();
  CHECK(told.event == "crier.busy");
  CHECK(told.data.find("\"breaker\"") != std::string::npos);
  REQUIRE(busy.retry_ms().has_value());
  CHECK(*busy.retry_ms() >= 5'000);
  CHECK(*busy.retry_ms() <= 30'000);
  CHECK(wait_until(kPatienceMs, [&] { return refusals(daemon, "breaker") >= 3; }));
  CHECK(refusals(daemon, "breaker_at_accept") == 0);

  CHECK(ask_from(daemon, "127.0.0.1", named(kOther)).status == 200);
  for (int i = 0; i < 20; ++i) {  // The proxy's own requests, and those that name no client.
    CHECK(ask_from(daemon, "127.0.0.1").status == 200);
    CHECK(ask_from(daemon, "127.0.0.1", named("unknown")).status == 200);
  }
  CHECK(answer_to(daemon, "127.0.0.1", "GET / HTTP/1.1\r\n\r\n").status == 400);
  CHECK(ask_from(daemon, kAttacker).status == 0);  // Without the proxy: the same address.
}

TEST_CASE("a client that the PROXY protocol names is refused alone, with its /64") {
  const RunningDaemon daemon({.settings = limited({R"(http.trusted_proxies=["127.0.0.1"])",
                                                   "http.proxy_protocol=required"})});
  const auto ask_as = [&](const std::string& client) {
    return answer_to(daemon, "127.0.0.1",
                     "PROXY TCP6 " + client + " 2001:db8::99 1 2\r\n" +
                         "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  };
  std::string body;
  for (int i = 0; i < 1'000 && body.find("\"breaker\"") == std::string::npos; ++i) {
    const HttpAnswer answer = ask_as("2001:db8::1");
    REQUIRE(answer.status != 0);
    body = answer.body;
  }
  CHECK(ask_as("2001:db8::1").status == 429);
  CHECK(ask_as("2001:db8::ffff:1").body.find("\"breaker\"") != std::string::npos);
  CHECK(ask_as("2001:db8:0:1::1").status == 200);
  CHECK(refusals(daemon, "breaker_at_accept") == 0);
}

TEST_CASE("refusals of a full server open no breaker") {
  const RunningDaemon daemon(
      {.settings = {"limits.requests_per_address=1000000",
                    "limits.requests_per_address_burst=1000000", "limits.streams_max=1"}});
  Subscriber only(daemon.connect_from(kOther), "/events?topic=a");
  REQUIRE(only.next().event == "crier.open");
  for (int i = 0; i < 20; ++i) {
    CHECK(ask_from(daemon, kAttacker, {}, "/events?topic=a").status == 503);
    CHECK(ask_from(daemon, kAttacker, {}, "/nowhere").status == 404);
  }
  CHECK_FALSE(shut_out_is_logged(daemon));
}

TEST_CASE("the limit and the breaker follow a reload") {
  const auto limits = [](const std::string& text) { return R"({"limits": {)" + text + "}}"; };
  RunningDaemon daemon({.configuration = limits("")});
  const auto reload = [&](const std::string& text) {
    daemon.write_configuration(limits(text));
    daemon.signal(SIGHUP);
  };
  for (int i = 0; i < 300; ++i) REQUIRE(ask_from(daemon, kAttacker).status == 200);

  reload(R"("requests_per_address": 1, "requests_per_address_burst": 1)");
  CHECK(wait_until(kPatienceMs, [&] { return ask_from(daemon, kAttacker).status == 0; }));
  reload(R"("requests_per_address": 1, "requests_per_address_burst": 1, "breaker_seconds": 0)");
  CHECK(wait_until(kPatienceMs, [&] { return ask_from(daemon, kAttacker).status == 429; }));
  reload("");
  CHECK(wait_until(kPatienceMs, [&] { return ask_from(daemon, kAttacker).status == 200; }));
  CHECK(daemon.output().find("needs a restart") == std::string::npos);
}

}  // namespace
}  // namespace crier::tests
