// Clients behind proxies: each is known by its own address, and none can choose another one.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

// Tests connect from 127.0.0.1.
constexpr const char* kTrustsTests = R"(http.trusted_proxies=["127.0.0.1","10.0.0.0/8"])";

// What a stream of a client behind the proxy is answered with; opened ones stay open.
class Proxy {
 public:
  explicit Proxy(const RunningDaemon& daemon) : daemon_(daemon) {}

  int status(const std::string& fields) {
    streams_.push_back(daemon_.subscribe("/events?topic=a", {.fields = fields}));
    return streams_.back().head().status;
  }
  int status_for(const std::string& addresses) {
    return status("X-Forwarded-For: " + addresses + "\r\n");
  }

 private:
  const RunningDaemon& daemon_;
  std::vector<Subscriber> streams_;
};

TEST_CASE("clients behind a trusted proxy have a cap each") {
  const RunningDaemon daemon({.settings = {kTrustsTests, "limits.streams_per_address_max=1"}});
  Proxy proxy(daemon);
  CHECK(proxy.status_for("203.0.113.1") == 200);
  CHECK(proxy.status_for("203.0.113.1") == 429);
  CHECK(proxy.status_for("203.0.113.1:555, 10.0.0.1") == 429);
  CHECK(proxy.status_for("203.0.113.9, 203.0.113.1") == 429);  // The client's own words.
  CHECK(proxy.status_for("203.0.113.2") == 200);
  CHECK(proxy.status_for("2001:db8:0:1::1") == 200);
  CHECK(proxy.status_for("[2001:db8:0:1::2]:443") == 429);  // The same /64.
  CHECK(proxy.status_for("2001:db8:0:2::1") == 200);
  CHECK(proxy.status_for("::ffff:203.0.113.2") == 429);
  CHECK(proxy.status("Forwarded: for=203.0.113.77\r\nX-Forwarded-For: 203.0.113.2\r\n") == 429);
}

TEST_CASE("a trusted proxy is not capped for clients that it does not name") {
  const RunningDaemon daemon({.settings = {kTrustsTests, "limits.streams_per_address_max=1"}});
  Proxy proxy(daemon);
  for (const char* fields : {"", "X-Forwarded-For: unknown\r\n", "X-Forwarded-For: 10.0.0.1\r\n",
                             "Forwarded: for=203.0.113.1\r\n", ""}) {
    CHECK(proxy.status(fields) == 200);
  }
}

TEST_CASE("a peer that is not trusted gets no other address by a header") {
  const RunningDaemon daemon(
      {.settings = {R"(http.trusted_proxies=["192.0.2.1"])", "limits.streams_per_address_max=1"}});
  Proxy peer(daemon);
  CHECK(peer.status_for("203.0.113.1") == 200);
  CHECK(peer.status_for("203.0.113.2") == 429);
}

TEST_CASE("trusted proxies and their header follow a reload, open streams keep their count") {
  const auto configuration = [](const std::string& http) {
    return R"({"admin": {"debug": true}, "limits": {"streams_per_address_max": 1}, "http": {)" +
           http + "}}";
  };
  RunningDaemon daemon({.configuration = configuration("")});
  const auto reload = [&](const std::string& http) {
    daemon.write_configuration(configuration(http));
    daemon.signal(SIGHUP);
    // Each worker answers once it has taken the reload over.
    return wait_until(kPatienceMs,
                      [&] {
                        const Json now =
                            Json::parse(daemon.admin_get("/debug/config").body).at("http");
                        const Json wanted = Json::parse("{" + http + "}");
                        return now.at("client_address_from") == wanted.at("client_address_from");
                      }) &&
           daemon.admin_get("/debug/streams").status == 200;
  };
  Proxy proxy(daemon);
  CHECK(proxy.status_for("203.0.113.1") == 200);
  CHECK(proxy.status_for("203.0.113.2") == 429);
  REQUIRE(reload(R"("trusted_proxies": ["127.0.0.1"], "client_address_from": "forwarded")"));
  CHECK(proxy.status("Forwarded: for=203.0.113.1\r\nX-Forwarded-For: 203.0.113.5\r\n") == 200);
  CHECK(proxy.status("Forwarded: for=203.0.113.1\r\nX-Forwarded-For: 203.0.113.6\r\n") == 429);
}

TEST_CASE("a PROXY protocol header names the client, or the proxy whose header names it") {
  const RunningDaemon daemon({.settings = {kTrustsTests, "limits.streams_per_address_max=1",
                                           "http.proxy_protocol=required"}});
  std::vector<RawSocket> streams;
  const auto status = [&](const std::string& opening, const std::string& fields = {}) {
    streams.push_back(daemon.connect());
    streams.back().send(opening + "GET /events?topic=a HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    return streams.back().read_head().status;
  };
  const auto line = [](const std::string& address) {
    return "PROXY TCP4 " + address + " 127.0.0.1 50312 8080\r\n";
  };
  const std::string forged = "X-Forwarded-For: 203.0.113.77\r\n";
  CHECK(status(line("203.0.113.1")) == 200);
  CHECK(status(line("203.0.113.1")) == 429);
  CHECK(status(line("203.0.113.1"), forged) == 429);
  CHECK(status(line("203.0.113.2")) == 200);
  CHECK(status(line("10.0.0.1"), forged) == 200);
  CHECK(status(line("203.0.113.77")) == 429);
  // The proxy names nobody, and passes the client's own header on.
  CHECK(status("PROXY UNKNOWN\r\n", forged) == 200);
  CHECK(status("") == 400);
  CHECK(status("PROXY TCP4 203.0.113.3\r\n") == 400);
}

TEST_CASE("a peer that is not trusted may send no PROXY protocol header") {
  const RunningDaemon daemon(
      {.settings = {R"(http.trusted_proxies=["192.0.2.1"])", "http.proxy_protocol=optional"}});
  RawSocket socket = daemon.connect();
  socket.send("PROXY TCP4 203.0.113.1 127.0.0.1 1 2\r\nGET /events?topic=a HTTP/1.1\r\n\r\n");
  const HttpAnswer answer = socket.read_answer();
  CHECK(answer.status == 400);
  CHECK(answer.body.find("http.trusted_proxies") != std::string::npos);
}

TEST_CASE("the log and /debug/streams show the client's address") {
  RunningDaemon daemon(
      {.settings = {kTrustsTests, "admin.debug=true", "log.format=json", "log.level=debug"},
       .workers = 1});
  {
    Subscriber named = daemon.subscribe("/events?topic=named",
                                        {.fields = "X-Forwarded-For: [2001:db8::7]:4711\r\n"});
    Subscriber direct = daemon.subscribe("/events?topic=direct");
    REQUIRE(named.next().event == "crier.open");
    REQUIRE(direct.next().event == "crier.open");
    const Json page = Json::parse(daemon.admin_get("/debug/streams").body);
    REQUIRE(page.at("streams").size() == 2);
    for (const Json& row : page.at("streams")) {
      const auto address = row.at("address").get<std::string>();
      CAPTURE(address);
      CHECK((row.at("topics") == Json{"named"} ? address == "[2001:db8::7]:4711"
                                               : address.starts_with("127.0.0.1:")));
    }
    CHECK(daemon.get("/nothing", "X-Forwarded-For: 203.0.113.8\r\n").status == 404);
  }
  CHECK(daemon.wait_for_output("\"msg\":\"stream ended\""));
  daemon.stop();
  std::size_t opened = 0;
  const std::string output = daemon.output();
  for (std::size_t at = output.find("\"[2001:db8::7]:4711\""); at != std::string::npos;
       at = output.find("\"[2001:db8::7]:4711\"", at + 1)) {
    ++opened;
  }
  CHECK(opened == 2);  // Opened and ended.
  CHECK(output.find("\"from\":\"203.0.113.8\"") != std::string::npos);
}

TEST_CASE("crier debug picks streams by the client's address") {
  RunningDaemon daemon({.settings = {kTrustsTests, "admin.debug=true", "log.format=json"}});
  RawSocket admin = daemon.connect_admin();
  admin.send(
      "POST /debug/log?address=203.0.113.0/24&seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(admin.read_answer().status == 200);
  Subscriber other =
      daemon.subscribe("/events?topic=other", {.fields = "X-Forwarded-For: 192.0.2.1\r\n"});
  Subscriber picked =
      daemon.subscribe("/events?topic=picked", {.fields = "X-Forwarded-For: 203.0.113.1\r\n"});
  REQUIRE(other.next().event == "crier.open");
  REQUIRE(picked.next().event == "crier.open");
  daemon.publish("other", "1");
  daemon.publish("picked", "2");
  CHECK(daemon.wait_for_output("\"event delivered\""));
  CHECK(daemon.output().find("192.0.2.1") == std::string::npos);
}

}  // namespace
}  // namespace crier::tests
