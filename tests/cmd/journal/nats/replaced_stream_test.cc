// What a node does before it knows that its stream was replaced, or that its copies differ.
#include <nats/nats.h>

#include <thread>

#include "cmd/journal/nats/stream_state.h"
#include "tests/cmd/journal/nats/nats_node_support.h"

namespace crier::cmd {
namespace {

using namespace std::chrono_literals;
using tests::NatsServer;

// Another program at the server.
class OtherProgram {
 public:
  explicit OtherProgram(const NatsServer& server) {
    REQUIRE(natsConnection_ConnectTo(&connection_, server.address().c_str()) == NATS_OK);
    REQUIRE(natsConnection_JetStream(&context_, connection_, nullptr) == NATS_OK);
  }
  ~OtherProgram() {
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  std::uint64_t last() {
    jsStreamInfo* info = nullptr;
    REQUIRE(js_GetStreamInfo(&info, context_, "crier", nullptr, nullptr) == NATS_OK);
    const std::uint64_t last = info->State.LastSeq;
    jsStreamInfo_Destroy(info);
    return last;
  }
  std::string origin_at(std::uint64_t sequence) {
    natsMsg* message = nullptr;
    REQUIRE(js_GetMsg(&message, context_, "crier", sequence, nullptr, nullptr) == NATS_OK);
    const char* text = nullptr;
    REQUIRE(natsMsgHeader_Get(message, "Crier-From", &text) == NATS_OK);
    std::string origin = text;
    natsMsg_Destroy(message);
    return origin;
  }
  void publish_as(const std::string& origin) {
    natsMsg* message = nullptr;
    REQUIRE(natsMsg_Create(&message, "crier.t", nullptr, "x", 1) == NATS_OK);
    REQUIRE(natsMsgHeader_Set(message, "Crier-From", origin.c_str()) == NATS_OK);
    REQUIRE(js_PublishMsg(nullptr, context_, message, nullptr, nullptr) == NATS_OK);
    natsMsg_Destroy(message);
  }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
};

}  // namespace

TEST_CASE("nothing is sent into a stream that has gone back", "[nats]") {
  NatsServer server;
  NatsNode node(nats_options(server));
  node.publish({"one"});
  server.kill();
  server.save();
  server.start();
  node.until([&] { return !node.journal().failing() && node.journal().stats().away.read() == 1; });
  node.publish({"two", "three"});
  server.kill();
  server.go_back();
  server.start();
  // A loop that is late: it has not heard yet that the connection broke.
  for (int i = 0; i < 300; ++i) {
    node.append({"late"});
    node.journal().flush();
    std::this_thread::sleep_for(5ms);
  }
  node.until([&] { return node.lost == 1; });
  CHECK(OtherProgram(server).last() == 1);
}

TEST_CASE("an event that came from another place than it was stored at begins a new epoch",
          "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  const Epoch epoch = node.epoch();
  node.publish({"one"});
  OtherProgram other(server);
  auto origin = parse_origin(other.origin_at(1));
  REQUIRE(origin);
  ++origin->group;
  origin->index = 1;
  node.append({"two", "three", "four"});
  other.publish_as(text_of(*origin));
  node.until([&] { return node.lost == 1; });
  node.restart();
  CHECK(node.epoch() != epoch);
}

}  // namespace crier::cmd
