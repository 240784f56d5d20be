#include "cmd/daemon/control/publish_traces.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/daemon/admin/debug_json.h"
#include "cmd/daemon/control/feed.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/daemon/control/publish_routes_support.h"
#include "tests/cmd/daemon/control/several_workers_support.h"

namespace crier::cmd {
namespace {

struct Followed {
  Followed() {
    for (int i = 0; i < 2; ++i) {
      workers.push_back(
          std::make_unique<OneWorker>(shared, broadcast::WorkerOptions{.workers = 2}));
      links.push_back(&workers.back()->link);
    }
    feed = std::make_unique<Feed>(shared.log, shared.log_head, links, traces);
    control.emplace(Control::Parts{shared.log, connections, limited, lines, links,
                                   [](std::size_t) { return WorkerRow(); }});
    traces.set_every(1);
  }
  void open(OneWorker& worker, std::string_view topic) {
    worker.readers.reserve(10);
    Reader& reader = worker.readers.emplace_back();
    reader.subscriptions = {*Selector::parse(topic)};
    worker.open(reader, {.after = shared.log_head});
  }
  void publish() {
    feed->publish(broadcast::append(shared.log, {.topic = "a", .data = "x"}, shared.now));
    const std::uint64_t accepted_ns = traces.take();
    if (accepted_ns == 0) return;
    traces.add({.trace_id = "t-" + std::to_string(shared.log_head),
                .topic = "a",
                .sequence = shared.log_head,
                .accepted_ns = accepted_ns,
                .committed_ns = ++shared.clock_ns});
  }
  void turn(OneWorker& worker) {
    worker.turn(10);
    control->take_outboxes(shared.now);
  }
  json page() const { return json::parse(traces_json(traces, shared.log.epoch(), 100)); }

  Shared shared{{}, Instant{1'000'000}};
  PublishTraces traces{[this] { return ++shared.clock_ns; }};
  std::vector<std::unique_ptr<OneWorker>> workers;
  std::vector<WorkerLink*> links;
  std::unique_ptr<Feed> feed;
  RecordingSink lines;
  RepeatLimit limited{lines, 2};
  ConnectionLog connections{lines, 0};
  std::optional<Control> control;
};

}  // namespace

TEST_CASE("a publish is followed to the last write of each worker") {
  Followed f;
  f.open(*f.workers[0], "a");
  f.open(*f.workers[0], "*");
  f.open(*f.workers[0], "b");
  f.publish();
  CHECK(f.page()["traces"][0]["workers"].empty());
  f.feed->flush();
  f.turn(*f.workers[0]);
  const json half = f.page()["traces"][0];
  CHECK(half["complete"] == false);
  CHECK(half["workers"][1]["taken_ns"].is_null());
  f.turn(*f.workers[1]);

  const json page = f.page();
  CHECK(page["every"] == 1);
  const json trace = page["traces"][0];
  CHECK(trace["trace_id"] == "t-1");
  CHECK(trace["topic"] == "a");
  CHECK(trace["event_id"] == to_string(EventId{f.shared.log.epoch(), 1}));
  CHECK(trace["committed_ns"] == 1);
  CHECK(trace["complete"] == true);
  const json& first = trace["workers"][0];
  CHECK(first["streams"] == 2);
  CHECK(trace["committed_ns"] < first["handed_ns"]);
  CHECK(first["handed_ns"] < first["taken_ns"]);
  CHECK(first["taken_ns"] < first["first_write_ns"]);
  CHECK(first["first_write_ns"] < first["last_write_ns"]);
  const json& second = trace["workers"][1];
  CHECK(second["streams"] == 0);
  CHECK(second["taken_ns"] > first["taken_ns"]);
  CHECK(second["first_write_ns"].is_null());
}

TEST_CASE("a worker that lags is not in the trace, and the trace still ends") {
  Followed f;
  WorkerLink& slow = f.workers[1]->link;
  f.traces.set_every(0);
  while (slow.has_room_for_batch()) {
    f.publish();
    f.feed->flush();
    f.turn(*f.workers[0]);
  }
  CHECK(f.traces.traces().empty());
  f.traces.set_every(1);
  f.publish();
  f.feed->flush();
  f.turn(*f.workers[0]);
  const json trace = f.page()["traces"][0];
  CHECK(trace["workers"].size() == 1);
  CHECK(trace["workers"][0]["worker"] == 0);
  CHECK(trace["complete"] == true);
}

TEST_CASE("at most so many are followed at a time, and so many are kept, the newest first") {
  Followed f;
  for (std::size_t i = 0; i < kFollowedMax + 3; ++i) f.publish();
  CHECK(f.traces.traces().size() == kFollowedMax);
  for (std::size_t i = 0; i < PublishTraces::kKept; ++i) {
    f.feed->flush();
    for (const auto& worker : f.workers) f.turn(*worker);
    f.publish();
  }
  const json traces = f.page()["traces"];
  REQUIRE(traces.size() == PublishTraces::kKept);
  CHECK(traces[0]["trace_id"] == "t-" + std::to_string(f.shared.log_head));
  CHECK(traces[0]["complete"] == false);
  CHECK(traces[1]["complete"] == true);

  // A worker that stands still keeps its trace open, so in the end none is replaced.
  f.feed->flush();
  for (std::size_t i = 0; i < 2 * PublishTraces::kKept; ++i) {
    f.publish();
    f.feed->flush();
    f.turn(*f.workers[0]);
  }
  const auto open = std::ranges::count_if(
      f.traces.traces(), [](const PublishTrace& trace) { return trace.awaited > 0; });
  CHECK(static_cast<std::size_t>(open) == kFollowedMax);
}

TEST_CASE("a followed publish has a trace id in its answer, its own if it sent one") {
  Socket socket;
  const std::string own = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "traceparent: 00-" + own + "-00f067aa0ba902b7-01\r\n";
  const auto traced = [&](const Answer& answer) {
    CHECK(answer.status == 202);
    const std::size_t at = answer.head.find("X-Trace-Id: ");
    return at == std::string::npos ? "" : answer.head.substr(at + 12, 32);
  };
  CHECK(traced(socket.ask(post("/topics/a", "1"))).empty());
  CHECK(traced(socket.ask(post("/topics/a", "1", parent))) == own);

  socket.traces.set_every(2);
  CHECK(traced(socket.ask(post("/topics/a", "2"))).empty());
  CHECK(socket.traces.traces().empty());
  const std::string made = traced(socket.ask(post("/topics/b", "3")));
  REQUIRE(socket.traces.traces().size() == 1);
  const PublishTrace trace = socket.traces.traces()[0];
  CHECK(made.size() == 32);
  CHECK(trace.trace_id == made);
  CHECK(trace.topic == "b");
  CHECK(trace.sequence == socket.log.head());
  CHECK(trace.received_ns <= trace.accepted_ns);
  CHECK(trace.accepted_ns < trace.committed_ns);

  // Of several events the last one; none of a request that is refused or repeated.
  socket.traces.set_every(1);
  const std::string body =
      "{\"topic\":\"c\",\"data\":1}\n{\"topic\":\"d\",\"data\":2,\"key\":\"k\"}\n";
  CHECK(traced(socket.publish(body, kLines, parent)) == own);
  REQUIRE(socket.traces.traces().size() == 2);
  CHECK(socket.traces.traces()[1].topic == "d");
  CHECK(socket.traces.traces()[1].trace_id == own);
  CHECK(socket.traces.traces()[1].sequence == socket.log.head());
  CHECK(socket.publish(body.substr(body.find('\n') + 1), kLines).status == 202);
  CHECK(socket.ask(post("/topics/a..", "x")).status == 400);
  CHECK(socket.traces.traces().size() == 2);
}

}  // namespace crier::cmd
