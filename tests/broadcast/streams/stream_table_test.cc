#include "broadcast/streams/stream_table.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace crier::broadcast {
namespace {

bool equal(const std::vector<Subscription>& a, const std::vector<Subscription>& b) {
  return std::ranges::equal(a, b, [](const Subscription& x, const Subscription& y) {
    return x.row == y.row && x.position == y.position;
  });
}

std::vector<Subscription> listed(const StreamTable& streams, const Stream& stream) {
  std::vector<Subscription> all;
  streams.for_each_subscription(stream, [&](const Subscription& one) { all.push_back(one); });
  return all;
}

StreamTable table() {
  return StreamTable({.streams_max = 100, .ring_frames_max = 64, .ring_bytes_max = 1 << 20});
}

}  // namespace

TEST_CASE("a stream keeps its subscriptions and its client's trace id, in any order of setting") {
  StreamTable streams = table();
  const std::size_t count = GENERATE(1U, 2U, 3U, 64U);
  const std::string trace =
      GENERATE(as<std::string>(), "", "0af7651916cd43dd8448eb211c80319c", "checkout-4711");
  const bool trace_first = GENERATE(false, true);
  std::vector<Subscription> subscriptions;
  for (std::uint32_t i = 0; i < count; ++i) subscriptions.push_back({i + 7, i * 3});
  Stream& stream = streams[streams.reserve({})->index];
  CHECK(listed(streams, stream).empty());
  if (trace_first && !trace.empty()) streams.set_trace_id(stream, trace);
  streams.set_subscriptions(stream, subscriptions);
  if (!trace_first && !trace.empty()) streams.set_trace_id(stream, trace);

  CHECK(equal(listed(streams, stream), subscriptions));
  CHECK(StreamTable::has_several(stream) == (count > 1));
  CHECK(streams.trace_id(stream) == trace);
  for (Subscription& subscription : subscriptions) {
    subscription.position += 100;
    streams.move(stream, subscription);
  }
  CHECK(equal(listed(streams, stream), subscriptions));

  streams.drop_subscriptions(stream);
  CHECK(listed(streams, stream).empty());
  CHECK_FALSE(StreamTable::has_several(stream));
  CHECK(streams.trace_id(stream) == trace);
  streams.drop_trace_id(stream);
  CHECK(streams.trace_id(stream).empty());
  CHECK(stream.extra == kNone);
  streams.vacate(streams.index_of(stream));
}

// The leak sanitizer checks this.
TEST_CASE("a table gives back what its streams own") {
  StreamTable streams = table();
  Stream& stream = streams[streams.reserve({})->index];
  const std::vector<Subscription> three = {{1, 1}, {2, 2}, {3, 3}};
  streams.set_subscriptions(stream, three);
  streams.set_trace_id(stream, "checkout-4711");
}

TEST_CASE("a state follows only those it may follow") {
  using enum StreamState;
  const std::vector<std::pair<StreamState, std::vector<StreamState>>> rows = {
      {vacant, {reserved}},
      {reserved, {live, closing, vacant}},
      {live, {owing, replaying, ending, closing}},
      {owing, {live, replaying, ending, closing}},
      {replaying, {owing, replaying, ending, closing}},
      {ending, {closing}},
      {closing, {vacant}},
  };
  for (const auto& [from, allowed] : rows) {
    for (const auto& [to, unused] : rows) {
      INFO(int(from) << " to " << int(to));
      CHECK(may_follow(from, to) == (std::ranges::find(allowed, to) != allowed.end()));
    }
  }
}

}  // namespace crier::broadcast
