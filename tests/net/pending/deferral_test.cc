// Requests that are answered later.
#include <sys/socket.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "net/pending/pending_requests.h"
#include "tests/net/pending/pending_support.h"
#include "tests/support/catch.h"

using namespace crier::net;
using namespace crier::net::test;

namespace {

PendingLimits few_deferred() {
  return {.idle_ms = 60'000, .deferred_max = 2, .deferred_ms = 5'000};
}

void reset_connection(Fd& client) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
  client.reset();
}

}  // namespace

TEST_CASE("a deferred request is answered as at once") {
  PendingFixture port(few_deferred());
  const bool slowly = GENERATE(false, true);  // In one piece, or in two.
  const Fd client = port.connect(slowly ? "GET /la" : get_request("/later"));
  if (slowly) send_text(client.get(), "ter HTTP/1.1\r\nHost: h\r\n\r\n");
  port.settle();
  REQUIRE(port.handler.deferred.size() == 1);
  CHECK(port.pending.count(PendingPhase::deferred) == 1);
  port.advance_ms(4'999);
  const DeferralToken token = port.handler.deferred[0];
  const auto deferred = port.pending.deferred(token);
  REQUIRE(deferred.has_value());
  CHECK(deferred->request.path == "/later");
  CHECK(deferred->request.host == "h");
  CHECK(to_string(deferred->connection.peer).starts_with("127.0.0.1:"));

  SECTION("and kept alive") {
    CHECK(port.pending.answer(token, {Reply::Then::keep_alive, "answer\n"}, port.now));
    CHECK(port.receive(client, 7) == "answer\n");
    CHECK(port.pending.count(PendingPhase::idle) == 1);
    send_text(client.get(), get_request("/keep"));
    CHECK(port.receive(client, 11) == "keep:/keep\n");
    CHECK_FALSE(port.pending.deferred(token));
    send_text(client.get(), get_request("/later"));  // The old token is still stale.
    REQUIRE(port.turn_until([&] { return port.handler.deferred.size() == 2; }));
    CHECK_FALSE(port.pending.answer(token, {Reply::Then::close, "twice"}, port.now));
    CHECK(port.pending.answer(port.handler.deferred[1], {Reply::Then::close, "two\n"}, port.now));
    CHECK(port.receive_all(client) == "two\n");
  }
  SECTION("and closed") {
    CHECK(port.pending.answer(token, {Reply::Then::close, "bye\n"}, port.now));
    bool reset = false;
    CHECK(port.receive_all(client, &reset) == "bye\n");
    CHECK_FALSE(reset);
  }
  SECTION("and taken") {
    port.ready.retag(deferred->connection.fd, stream_token(7, 1));
    const Fd taken(deferred->connection.fd);
    CHECK(port.pending.answer(token, {Reply::Then::taken, {}}, port.now));
    CHECK(port.pending.size() == 0);
    send_text(taken.get(), "stream");
    CHECK(port.receive(client, 6) == "stream");
    send_text(client.get(), "x");
    port.settle();
    REQUIRE_FALSE(port.stream_tokens.empty());
    CHECK(port.stream_tokens.back() == stream_token(7, 1));
  }
  SECTION("with more than the socket takes") {
    const std::string big(PathHandler::kBigBytes, 'b');
    CHECK(port.pending.answer(token, {Reply::Then::keep_alive, big}, port.now));
    CHECK(port.pending.count(PendingPhase::flush) == 1);
    CHECK(port.receive(client, big.size()) == big);
    CHECK(port.pending.count(PendingPhase::idle) == 1);
  }
  CHECK(port.handler.cancelled.empty());
  CHECK(port.handler.expired.empty());
}

TEST_CASE("at its deadline the handler says what a deferred request is answered") {
  PendingFixture port(few_deferred());
  const std::string path = GENERATE("/later/busy", "/later/keep");
  const Fd client = port.connect(get_request(path) + get_request("/keep"));
  port.advance_ms(4'999);
  CHECK(port.handler.expired.empty());
  port.advance_ms(1);
  CHECK(port.handler.expired == port.handler.deferred);
  CHECK_FALSE(port.pending.answer(port.handler.deferred[0], {Reply::Then::close, "x"}, port.now));
  if (path == "/later/keep") {
    CHECK(port.receive(client, 8 + 11) == "expired\nkeep:/keep\n");
  } else {
    CHECK(port.receive_all(client) == "expired\n");
  }
  CHECK(port.handler.cancelled.empty());
}

TEST_CASE("a client that leaves cancels its deferred request, once") {
  PendingFixture port(few_deferred());
  struct Way {
    const char* name;
    void (*leave)(Fd&);
  };
  const auto [name, leave] = GENERATE(values<Way>({
      {"FIN", [](Fd& client) { client.reset(); }},
      {"RST", [](Fd& client) { reset_connection(client); }},
      {"it stops sending", [](Fd& client) { ::shutdown(client.get(), SHUT_WR); }},
      {"FIN behind another request",
       [](Fd& client) {
         send_text(client.get(), get_request("/keep"));
         client.reset();
       }},
      {"more input than is kept",
       [](Fd& client) { send_text(client.get(), std::string(kHeldBytesMax + 1, 'x')); }},
  }));
  INFO(name);
  const bool before = GENERATE(false, true);  // It leaves before the port reads the request.
  INFO("before the request is read: " << before);
  auto [server, client] = tcp_pair("127.0.0.42");
  send_text(client.get(), get_request("/later"));
  if (before) leave(client);
  port.pending.accept({.fd = server.release(), .peer = {}, .canary = false}, port.now);
  if (!before) {
    REQUIRE(port.turn_until([&] { return port.handler.deferred.size() == 1; }));
    leave(client);
  }
  REQUIRE(port.turn_until([&] { return port.pending.size() == 0; }));
  // A connection that was reset at once may be gone before the port reads its request.
  CHECK(port.handler.cancelled == port.handler.deferred);
  for (const DeferralToken token : port.handler.deferred) {
    CHECK_FALSE(port.pending.deferred(token));
    CHECK_FALSE(port.pending.answer(token, {Reply::Then::close, "late"}, port.now));
  }
  port.advance_ms(60'000);
  port.settle();
  CHECK(port.handler.cancelled == port.handler.deferred);
  CHECK(port.handler.expired.empty());
  CHECK(port.handler.paths.size() == port.handler.deferred.size());
}

TEST_CASE("an answer that the client no longer takes does not cancel its request as well") {
  PendingFixture port(few_deferred());
  auto [server, client] = tcp_pair("127.0.0.42");
  send_text(client.get(), get_request("/later/busy"));
  port.pending.accept({.fd = server.release(), .peer = {}, .canary = false}, port.now);
  REQUIRE(port.turn_until([&] { return port.handler.deferred.size() == 1; }));
  const DeferralToken token = port.handler.deferred[0];
  reset_connection(client);  // No turn reports it before the deferral ends.
  const bool answered = GENERATE(true, false);
  if (answered) {
    CHECK(port.pending.answer(token, {Reply::Then::close, "late\n"}, port.now));
  } else {
    port.advance_ms(5'000);
    CHECK(port.handler.expired == port.handler.deferred);
  }
  port.settle();
  CHECK(port.pending.size() == 0);
  CHECK(port.pending.counters().abandoned.read() == 1);
  CHECK(port.handler.cancelled.empty());
}

TEST_CASE("no more requests are deferred than allowed") {
  PendingFixture port(few_deferred());
  const Fd first = port.connect(get_request("/later"));
  const Fd second = port.connect(get_request("/later"));
  const Fd third = port.connect(get_request("/later/third"));
  CHECK(port.receive(third, 22) == "refused:/later/third\n");
  CHECK(port.handler.deferred.size() == 2);
  port.pending.answer(port.handler.deferred[0], {Reply::Then::close, "1\n"}, port.now);
  CHECK(port.receive_all(first) == "1\n");
  const Fd fourth = port.connect(get_request("/later"));
  CHECK(port.handler.deferred.size() == 3);
  CHECK(port.pending.count(PendingPhase::deferred) == 2);
}

TEST_CASE("requests behind a deferred one wait for its answer") {
  PendingFixture port(few_deferred());
  const Fd client = port.connect(get_request("/keep/1") + get_request("/later") +
                                 get_request("/keep/2") + "GET /ke");
  CHECK(port.receive(client, 13) == "keep:/keep/1\n");
  send_text(client.get(), "ep/3 HTTP/1.1\r\nHost: h\r\n\r\n" + get_request("/later"));
  port.settle();
  CHECK(port.handler.paths == std::vector<std::string>{"/keep/1", "/later"});
  port.pending.answer(port.handler.deferred[0], {Reply::Then::keep_alive, "answer\n"}, port.now);
  CHECK(port.receive(client, 7 + 26) == "answer\nkeep:/keep/2\nkeep:/keep/3\n");
  REQUIRE(port.handler.deferred.size() == 2);
  send_text(client.get(), get_request("/keep/4"));
  port.settle();
  port.pending.answer(port.handler.deferred[1], {Reply::Then::close, "end\n"}, port.now);
  CHECK(port.receive_all(client) == "end\n");
  CHECK(port.handler.paths.size() == 5);
}

TEST_CASE("the drain waits for deferred requests and then closes them") {
  PendingFixture port(few_deferred());
  const Fd answered = port.connect(get_request("/later"));
  const Fd expired = port.connect(get_request("/later/keep") + get_request("/keep"));
  port.pending.close_idle(port.now);
  port.settle();
  CHECK(port.pending.count(PendingPhase::deferred) == 2);
  port.pending.answer(port.handler.deferred[0], {Reply::Then::keep_alive, "answer\n"}, port.now);
  CHECK(port.receive_all(answered) == "answer\n");
  port.advance_ms(5'000);
  CHECK(port.receive_all(expired) == "expired\nkeep:/keep\n");
  CHECK(port.pending.size() == 0);
}

TEST_CASE("deferred requests are evicted last, and the handler is told") {
  PendingFixture port({.capacity = 2});
  const Fd first = port.connect(get_request("/later"));
  const Fd idle = port.connect(get_request("/keep"));
  CHECK(port.receive(idle, 11) == "keep:/keep\n");
  const Fd second = port.connect(get_request("/later"));
  CHECK(port.closed(idle));
  CHECK(port.handler.cancelled.empty());
  const Fd third = port.connect("GET /slow");
  CHECK(port.closed(first));
  CHECK(port.handler.cancelled == std::vector<DeferralToken>{port.handler.deferred[0]});
  CHECK(port.pending.counters().evicted.read() == 2);
}

TEST_CASE("every deferral ends once, whatever happens") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  PendingFixture port({.capacity = 12, .deferred_max = 8, .deferred_ms = 300});
  std::vector<Fd> clients;
  std::size_t answered = 0;
  const auto step = [&] {
    const std::size_t which = below(8);
    if (which < 2) {
      std::string first = get_request("/later");
      if (below(2) == 0) first += get_request("/keep") + get_request("/later/keep");
      clients.push_back(port.connect(first.substr(0, below(8) == 0 ? 9 : first.size())));
    } else if (which == 2 && !clients.empty()) {
      const std::size_t at = below(clients.size());
      if (below(2) == 0) reset_connection(clients[at]);
      clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (which < 6 && !port.handler.deferred.empty()) {
      const DeferralToken token = port.handler.deferred[below(port.handler.deferred.size())];
      const auto then = below(2) == 0 ? Reply::Then::keep_alive : Reply::Then::close;
      if (port.pending.answer(token, {then, "answer\n"}, port.now)) ++answered;
    } else {
      port.advance_ms(below(60));
    }
    port.turn();
  };
  for (int i = 0; i < 800; ++i) step();
  clients.clear();
  port.settle();
  port.advance_ms(300);
  port.settle();
  CHECK(answered > 0);
  CHECK_FALSE(port.handler.expired.empty());
  CHECK_FALSE(port.handler.cancelled.empty());
  CHECK(port.pending.count(PendingPhase::deferred) == 0);
  std::map<std::uint32_t, int> ends;
  for (const DeferralToken token : port.handler.expired) ++ends[token.generation];
  for (const DeferralToken token : port.handler.cancelled) ++ends[token.generation];
  for (const auto& [generation, times] : ends) CHECK(times == 1);
  CHECK(ends.size() + answered == port.handler.deferred.size());
}
