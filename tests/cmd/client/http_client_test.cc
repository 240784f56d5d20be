#include "cmd/client/http_client.h"

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
constexpr std::chrono::milliseconds kTimeout{5'000};

struct AddressCase {
  const char* text;
  const char* path;
  const char* host;
  const char* port;
};

TEST_CASE("an address is a path, or host and port") {
  const auto row = GENERATE(values<AddressCase>({
      {"/run/x.sock", "/run/x.sock", "", ""},
      {"./x.sock", "./x.sock", "", ""},
      {"run/x.sock", "run/x.sock", "", ""},
      {"unix:x.sock", "x.sock", "", ""},
      {"127.0.0.1:8081", "", "127.0.0.1", "8081"},
      {"localhost:0", "", "localhost", "0"},
      {"example.org", "", "example.org", "80"},
      {":8081", "", "localhost", "8081"},
      {"[::1]:65535", "", "::1", "65535"},
      {"[::1]", "", "::1", "80"},
  }));
  INFO(row.text);
  const auto address = parse_address(row.text, "80");
  REQUIRE(address);
  CHECK(address->path == row.path);
  CHECK(address->host == row.host);
  CHECK(address->port == row.port);
}

TEST_CASE("text that is not an address is refused") {
  const auto text = GENERATE(
      values<const char*>({"", "unix:", "a:b", "a:", "a:65536", "a:99999999999", "::1", "[::1",
                           "[::1]x", "[]:1", "a b:1", "a\r\nb:1", "u@h:1", "h/x:1", "a:-1"}));
  INFO(text);
  CHECK_FALSE(parse_address(text));
  CHECK_FALSE(parse_address(text, "80"));
}

TEST_CASE("a URL is http, a host, perhaps a port and a base") {
  const auto url = parse_url("http://[::1]:8080/sse/");
  REQUIRE(url);
  CHECK(url->address.text() == "[::1]:8080");
  CHECK(url->base == "/sse");
  CHECK(parse_url("http://h")->address.text() == "h:80");
  CHECK(parse_url("http://h//")->base.empty());
  for (const char* bad : {"", "h:80", "ftp://h", "http://", "http:///x", "http://h?q",
                          "http://h/ x", "http://unix:/x", "http://h/\r\nX: y", "http://h/#f"}) {
    INFO(bad);
    CHECK_FALSE(parse_url(bad));
  }
  CHECK(parse_url("https://h/sse/").error().detail ==
        "crier does not support https: use the daemon's own http:// address, or use curl -N -H "
        "'Accept: text/event-stream' 'https://h/sse/events?topic=TOPIC'");
  CHECK(parse_url("https://h/sse/events?topic=x").error().detail ==
        parse_url("https://h/sse/").error().detail);
  for (const char* whole :
       {"http://h/sse/events", "http://h/sse/events/", "http://h/sse/events?topic=a"}) {
    CHECK(parse_url(whole).error().detail == "leave /events and what follows it out of the URL `" +
                                                 std::string(whole) +
                                                 "`: topics are given apart from it");
  }
  CHECK(parse_url("https://events.example/events")
            .error()
            .detail.ends_with("'https://events.example/events?topic=TOPIC'"));
  CHECK(
      parse_url("https://events").error().detail.ends_with("'https://events/events?topic=TOPIC'"));
  CHECK(parse_url("http://events/events/v2")->base == "/events/v2");
  CHECK(parse_url("http://h/our/eventsource")->base == "/our/eventsource");
}

TEST_CASE("a request is written as HTTP says") {
  const ServerAddress server{"", "::1", "80"};
  const auto bytes = request_bytes(
      {.method = "POST", .target = "/t", .fields = {{"A", "b"}}, .body = "hi"}, server);
  CHECK(*bytes ==
        "POST /t HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: crier\r\nA: b\r\nContent-Length: "
        "2\r\n\r\nhi");
  for (const std::string& value :
       {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3)}) {
    CHECK_FALSE(request_bytes({.target = "/", .fields = {{"A", value}}}, server));
  }
}

TEST_CASE("percent-encoding leaves only unreserved characters") {
  CHECK(percent_encoded("aZ0-._~") == "aZ0-._~");
  CHECK(percent_encoded("a.*.>&=%\xC3\xA4\n") == "a.%2A.%3E%26%3D%25%C3%A4%0A");
}

TEST_CASE("one connection carries one request after another") {
  ScriptedServer server(false,
                        {{http_answer("202 Accepted", "one")}, {http_answer("400 No", "two")}});
  HttpClient client({server.path(), "", ""}, kTimeout);
  CHECK(client.exchange({.target = "/1"})->body == "one");
  const auto second = client.exchange({.target = "/2"});
  REQUIRE(second);
  CHECK(second->head.status == 400);
  CHECK(second->body == "two");
  CHECK(server.connections() == 1);
  CHECK_THAT(server.requests()[1],
             Catch::Matchers::StartsWith("GET /2 HTTP/1.1\r\nHost: localhost\r\n"));
}

TEST_CASE("a connection that the server closed is replaced before the next request") {
  ScriptedServer server(true,
                        {{http_answer("200 OK", "one"), true}, {http_answer("200 OK", "two")}});
  HttpClient client(*parse_address(server.address()), kTimeout);
  CHECK(client.exchange({.target = "/1"})->body == "one");
  std::this_thread::sleep_for(std::chrono::milliseconds{100});  // Waits for the server's FIN.
  const auto second = client.exchange({.target = "/2"});
  REQUIRE(second);
  CHECK(second->body == "two");
  CHECK(server.connections() == 2);
}

TEST_CASE("a request is never sent twice") {
  ScriptedServer server(false, {{"", true}, {http_answer("200 OK", "")}});
  HttpClient client({server.path(), "", ""}, kTimeout);
  const auto answer = client.exchange({.method = "POST", .target = "/"});
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().detail, ContainsSubstring("closed before the response was whole"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a server that is silent or absent is an error, not a wait for ever") {
  ScriptedServer server(false, {{""}});
  HttpClient silent({server.path(), "", ""}, std::chrono::milliseconds{50});
  CHECK_THAT(silent.exchange({.target = "/"}).error().detail, ContainsSubstring("does not answer"));
  HttpClient absent({server.path() + "x", "", ""}, kTimeout);
  CHECK(absent.exchange({.target = "/"}).error().code == Errc::not_found);
  HttpClient too_long({std::string(200, 'x'), "", ""}, kTimeout);
  CHECK_THAT(too_long.exchange({.target = "/"}).error().detail,
             ContainsSubstring("1 to 107 bytes"));
}

TEST_CASE("a streamed answer is handed on as it comes, until it ends or is stopped") {
  ScriptedServer server(true,
                        {{"HTTP/1.1 200 OK\r\n\r\nabc", true}, {"HTTP/1.1 200 OK\r\n\r\nabc"}});
  HttpClient client(*parse_address(server.address()), kTimeout);
  std::string body;
  int status = 0;
  const auto on_head = [&](const net::ResponseHead& head) {
    status = head.status;
    return HttpClient::Then::go_on;
  };
  const auto receive = [&](HttpClient::Then then) {
    return client.stream({.target = "/"}, on_head, [&](std::string_view piece) {
      body += piece;
      return then;
    });
  };
  CHECK(receive(HttpClient::Then::go_on));
  CHECK(status == 200);
  CHECK(body == "abc");
  CHECK(receive(HttpClient::Then::stop));  // The server keeps this one open.
  CHECK(body == "abcabc");
}

TEST_CASE("a failure shows the server's own message") {
  ClientResponse answer;
  answer.head.status = 400;
  answer.body = R"({"code":"bad_topic","message":"no such topic","trace_id":"t"})";
  CHECK(describe_failure(answer) == "no such topic (bad_topic, HTTP 400)");
  answer.body = R"({"message":"no such topic"})";
  CHECK(describe_failure(answer) == "no such topic (HTTP 400)");
  for (const char* body : {"", "<html>", "[1]", R"({"message":7})", "{"}) {
    answer.body = body;
    CHECK(describe_failure(answer) == "the server answered HTTP 400");
  }
}

}  // namespace
}  // namespace crier::cmd
