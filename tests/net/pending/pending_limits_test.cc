// Deadlines and eviction of pending requests.
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <vector>

#include "net/pending/pending_requests.h"
#include "tests/net/pending/pending_support.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;
using namespace crier::net::test;
using crier::Instant;

TEST_CASE("a head that was begun and not finished in time is answered 408") {
  PendingFixture port;
  const Fd client = port.connect("GET /keep");
  for (int second = 1; second < 10; ++second) {
    port.advance_ms(1'000);
    send_text(client.get(), "p");  // No byte resets the deadline.
    port.settle();
  }
  port.advance_ms(999);
  CHECK_FALSE(port.closed(client));
  port.advance_ms(1);
  bool reset = false;
  CHECK(port.receive_all(client, &reset) == "refused:408:request_timeout\n");
  CHECK_FALSE(reset);
  CHECK(port.pending.counters().timeouts.read() == 1);
  CHECK(port.pending.counters().refused_unsupported.read() == 0);
}

TEST_CASE("a connection without a byte is closed silently") {
  PendingFixture port;
  const Fd client = port.connect("");
  port.advance_ms(9'999);
  CHECK(port.pending.size() == 1);
  port.advance_ms(1);
  CHECK(port.pending.size() == 0);
  CHECK(port.receive_all(client).empty());
  CHECK(port.pending.counters().silent_timeouts.read() == 1);
  CHECK(port.pending.counters().timeouts.read() == 0);
}

TEST_CASE("between two requests a connection may idle, and a later head has its own deadline") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/keep"));
  CHECK(port.receive(client, 11) == "keep:/keep\n");
  SECTION("idle for too long: closed silently") {
    port.advance_ms(29'999);
    CHECK_FALSE(port.closed(client));
    port.advance_ms(1);
    CHECK(port.receive_all(client).empty());
  }
  SECTION("the deadline of a later head runs from its first byte") {
    port.advance_ms(29'000);
    send_text(client.get(), "GET");
    port.settle();
    CHECK(port.pending.count(PendingPhase::head) == 1);
    port.advance_ms(9'999);
    CHECK(port.pending.count(PendingPhase::head) == 1);
    port.advance_ms(1);
    CHECK(port.receive_all(client) == "refused:408:request_timeout\n");
  }
  SECTION("a request of a later head is as old as its first byte") {
    port.advance_ms(5'000);
    const Instant began = port.now;
    send_text(client.get(), "GET /ta");
    port.settle();
    port.advance_ms(300);
    send_text(client.get(), get_request("/take").substr(7));
    REQUIRE(port.turn_until([&] { return !port.handler.taken.empty(); }));
    CHECK(port.handler.taken[0].since == began);
  }
  SECTION("every answer begins a new idle time") {
    port.advance_ms(29'000);
    send_text(client.get(), get_request("/keep"));
    CHECK(port.receive(client, 11) == "keep:/keep\n");
    port.advance_ms(29'000);
    CHECK_FALSE(port.closed(client));
    CHECK(port.pending.count(PendingPhase::idle) == 1);
  }
  SECTION("the drain ends idle connections at once") {
    const Fd busy = port.connect("GET /unfinished");
    port.pending.close_idle(port.now);
    CHECK(port.receive_all(client).empty());
    CHECK(port.pending.size() == 1);
  }
}

TEST_CASE("the drain answers requests that are there before it closes idle connections") {
  PendingFixture port;
  const Fd unread = port.connect(get_request("/keep"));
  CHECK(port.receive(unread, 11) == "keep:/keep\n");
  send_text(unread.get(),
            get_request("/close"));  // It is in the kernel's buffer; no turn has reported it yet.
  std::string burst;
  std::string answers;
  for (std::size_t i = 0; i < 3 * kRequestsPerBurst; ++i) {
    burst += get_request("/keep");
    answers += "keep:/keep\n";
  }
  const Fd carried = port.connect(burst);  // Its first requests are answered, all are read.
  const Fd head = port.connect("GET /ke");
  REQUIRE(port.pending.count(PendingPhase::idle) == 2);

  port.pending.close_idle(port.now);
  CHECK(port.receive_all(unread) == "close:/close\n");
  CHECK(port.receive_all(carried) == answers);
  send_text(head.get(), "ep HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(port.receive_all(head) == "keep:/keep\n");  // The connection is closed after it.
  CHECK(port.pending.count(PendingPhase::idle) == 0);
}

TEST_CASE("an answer that the kernel has no memory for is tried again after a sweep") {
  PendingFixture port;
  const Fd client = port.connect("GET /ke");
  send_text(client.get(), "ep HTTP/1.1\r\nHost: h\r\n\r\n");
  const bool tested = crier::tests::while_failing({SYS_sendto, ENOBUFS}, [&] {
    port.settle();
    CHECK(port.pending.count(PendingPhase::flush) == 1);
    CHECK_FALSE(port.pending.has_work());  // The port does not spin.
    port.pending.sweep(port.now);
    CHECK(port.pending.has_work());  // After a sweep it tries once.
    port.pending.run(port.now);
    CHECK_FALSE(port.pending.has_work());  // Then it waits for the next sweep.
  });
  if (!tested) {
    WARN("not tested: this system has no filters for system calls");
    return;
  }
  CHECK(port.pending.count(PendingPhase::flush) == 1);
  port.pending.sweep(port.now);
  CHECK(port.receive(client, 11) == "keep:/keep\n");
  CHECK(port.pending.count(PendingPhase::idle) == 1);
}

TEST_CASE("a peer that does not read its answer is dropped") {
  PendingFixture port;
  const Fd client = port.connect(get_request("/big"));
  CHECK(port.pending.count(PendingPhase::flush) == 1);
  port.advance_ms(9'999);
  CHECK(port.pending.size() == 1);
  port.advance_ms(1);
  CHECK(port.pending.size() == 0);
  CHECK(port.pending.counters().abandoned.read() == 1);
}

TEST_CASE("beyond the capacity the oldest unfinished head goes") {
  PendingFixture port({.capacity = 3});
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(port.connect("GET /" + std::to_string(i)));
    port.advance_ms(1);
  }
  CHECK(port.pending.size() == 3);
  CHECK(port.pending.counters().evicted.read() == 2);
  CHECK(port.closed(clients[0]));
  CHECK(port.closed(clients[1]));
  CHECK_FALSE(port.closed(clients[2]));
  CHECK_FALSE(port.closed(clients[4]));
}

TEST_CASE("clients that read no answer push out no unfinished head, if they are more") {
  PendingFixture port({.capacity = 4});
  const Fd head = port.connect("GET /slow");
  std::vector<Fd> unread;
  for (int i = 0; i < 8; ++i) unread.push_back(port.connect(get_request("/big")));
  CHECK(port.pending.count(PendingPhase::flush) == 3);
  CHECK_FALSE(port.closed(head));
  CHECK(port.pending.counters().evicted.read() == 5);
}

TEST_CASE("idle connections go before unfinished heads, and never the newcomer") {
  PendingFixture port({.capacity = 2});
  const Fd head = port.connect("GET /slow");
  const Fd idle = port.connect(get_request("/keep"));
  CHECK(port.receive(idle, 11) == "keep:/keep\n");
  const Fd newcomer = port.connect(get_request("/keep"));
  CHECK(port.closed(idle));
  CHECK_FALSE(port.closed(head));
  CHECK(port.receive(newcomer, 11) == "keep:/keep\n");

  const Fd another = port.connect("GET /slow");
  CHECK(port.closed(newcomer));
  CHECK_FALSE(port.closed(head));
  CHECK(port.pending.count(PendingPhase::head) == 2);
}

TEST_CASE("a request that is served at once evicts no other") {
  PendingFixture port({.capacity = 1});
  const Fd slow = port.connect("GET /slow");
  const Fd quick = port.connect(get_request("/take"));
  CHECK(port.handler.taken.size() == 1);
  CHECK_FALSE(port.closed(slow));
  CHECK(port.pending.counters().evicted.read() == 0);
}

TEST_CASE("one sweep and one run do a bounded share") {
  PendingFixture port({.capacity = 4'000});
  std::vector<Fd> clients;
  std::string burst;
  for (std::size_t i = 0; i <= kRequestsPerBurst; ++i) burst += get_request("/keep");
  for (std::size_t i = 0; i < kRowsPerRun + 5; ++i) clients.push_back(port.connect(burst));
  CHECK(port.handler.paths.size() == clients.size() * kRequestsPerBurst);
  port.pending.run(port.now);
  CHECK(port.handler.paths.size() == clients.size() * kRequestsPerBurst + kRowsPerRun);
  CHECK(port.pending.has_work());
  port.pending.run(port.now);
  CHECK_FALSE(port.pending.has_work());
  CHECK(port.handler.paths.size() == clients.size() * (kRequestsPerBurst + 1));
}

TEST_CASE("heads that are late together are ended a bounded share at a time") {
  PendingFixture port({.capacity = 4'000});
  std::vector<Fd> clients;
  for (std::size_t i = 0; i < 2 * kRowsPerRun + 5; ++i) clients.push_back(port.connect("GET /"));
  port.advance_ms(10'000);
  CHECK(port.pending.counters().timeouts.read() == kRowsPerRun);
  CHECK(port.pending.has_work());
  port.pending.run(port.now);
  CHECK(port.pending.counters().timeouts.read() == 2 * kRowsPerRun);
  port.pending.run(port.now);
  CHECK(port.pending.counters().timeouts.read() == clients.size());
  CHECK_FALSE(port.pending.has_work());
}

TEST_CASE("a row's generation makes its old tokens stale, and phases expire in order") {
  PendingPool pool(2, {});
  const std::uint32_t first = pool.rent(Instant{10}).value();
  const std::uint32_t second = pool.rent(Instant{20}).value();
  CHECK_FALSE(pool.rent(Instant{30}));
  CHECK(pool.oldest(PendingPhase::head) == first);
  CHECK(pool.oldest(PendingPhase::head, first) == second);
  pool.enter(first, PendingPhase::idle, Instant{40});
  CHECK(pool.oldest(PendingPhase::head) == second);
  CHECK_FALSE(pool.oldest(PendingPhase::head, second));
  CHECK(pool.holds(first, 0));
  pool.give_back(first);
  CHECK_FALSE(pool.holds(first, 0));
  CHECK(pool.rent(Instant{50}) == first);
  CHECK(pool.holds(first, 1));
  CHECK(pool.count(PendingPhase::head) == 2);
  CHECK(pool.oldest(PendingPhase::head) == second);
}
