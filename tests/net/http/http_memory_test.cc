// What happens to requests when memory is short.
#include <new>
#include <string>

#include "core/out_of_memory.h"
#include "tests/net/http/http_server_support.h"
#include "tests/net/http/large_allocations.h"

using namespace crier;
using namespace crier::net;
using namespace crier::net::http_test;

TEST_CASE("a body that is still arriving is refused where memory is too short for events") {
  MemoryShortage shortage;
  Served served({.shortage = &shortage});
  Client other(served.loop, served.path);
  Client client(served.loop, served.path);
  const std::string whole = post("/t", "body");
  REQUIRE(client.send(whole.substr(0, whole.size() - 2)));
  turn_for(served.loop, 20);
  shortage.stage = MemoryStage::end_streams;
  REQUIRE(client.send("d"));
  turn_for(served.loop, 20);
  CHECK(served.handler.refused.empty());
  shortage.stage = MemoryStage::refuse_events;
  REQUIRE(client.send("y"));
  CHECK(client.receive_all() == refusal_with(503));
  REQUIRE(other.send(post("/whole", "body")));  // It needs no memory for its body.
  CHECK(other.receive(1) == answer_to("/whole", "body"));
}

TEST_CASE("a body for which there is no memory costs its connection, and nothing else") {
  Served served({.body_bytes_max = 4'000'000});
  Client other(served.loop, served.path);
  Client client(served.loop, served.path);
  const bool chunked = GENERATE(false, true);
  const std::string length =
      chunked ? "Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n" : "Content-Length: 3000000\r\n\r\n";
  end_when_out_of_memory();  // As the program does.
  const NoLargeAllocations small(std::size_t{1} << 20);
  REQUIRE(client.send("POST /t HTTP/1.1\r\nHost: x\r\n" + length));
  for (int i = 0; i < 50; ++i) REQUIRE(client.send(std::string(60'000, 'x')));
  CHECK(client.receive_all() == refusal_with(503));
  CHECK(served.handler.requests == 0);
  REQUIRE(other.send(get("/other")));
  CHECK(other.receive(1) == answer_to("/other"));
  std::set_new_handler(nullptr);
}
