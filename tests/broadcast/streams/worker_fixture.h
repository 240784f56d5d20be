// A Broadcaster with a log directly behind it. Published events are taken at once; replay requests
// wait until the test answers them.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/log.h"
#include "broadcast/streams/broadcaster.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/broadcast/streams/scripted_io.h"
#include "tests/support/selectors.h"

namespace crier::broadcast {

struct WorkerFixture : ReplayPort, StreamObserver {
  struct Opened {
    StreamToken token;
    ConnectionHandle fd;
  };

  explicit WorkerFixture(const TopicClass& global = {}) : WorkerFixture(global, WorkerOptions()) {}
  // `streams_per_topic_max`: 0 is no cap.
  WorkerFixture(const TopicClass& global, WorkerOptions options, std::vector<TopicClass> rows = {},
                std::uint32_t streams_per_topic_max = 0)
      : classes(std::make_shared<const TopicClasses>(global, std::move(rows))),
        log(log_options_of(classes)) {
    options.epoch = log.epoch();
    options.topic_key = {11, 13};
    options.classes = classes;
    options.frames = &account;
    options.history_bytes = &log.stats().history_frame_bytes;
    options.closed = &log.closed_topics();
    if (options.streams_max == 0) options.streams_max = 20'000;
    if (options.topics_max == 0) options.topics_max = 1'000;
    counts.streams_max = 1'000'000;
    if (streams_per_topic_max > 0) counts.cap_topics(streams_per_topic_max, 100, {5, 6});
    worker = std::make_unique<Broadcaster>(Broadcaster::Parts{io, *this, *this, stats, counts},
                                           std::move(options));
  }

  static LogOptions log_options_of(const std::shared_ptr<const TopicClasses>& classes) {
    LogOptions options;
    options.epoch = Epoch::from_random(7);
    options.topic_key = {11, 13};
    options.classes = classes;
    return options;
  }

  Opened open(const std::vector<std::string>& topics, ResumePlan plan = {},
              Framing framing = Framing::plain, std::size_t room = ScriptedIo::kUnlimited) {
    const auto token = worker->reserve({}, now);
    REQUIRE(token.has_value());
    const ConnectionHandle fd = io.open();
    io[fd].room = room;
    if (plan.kind == ResumePlan::Kind::live) plan.after = head;
    const std::vector<Selector> subscriptions = selectors(topics);
    StartRequest request;
    request.connection = fd;
    request.head = "H";
    request.framing = framing;
    request.subscriptions = subscriptions;
    request.resume = plan;
    request.address_hash = address_hash;
    request.rate = rate;
    request.consumer = consumer;
    request.requested = requested;
    REQUIRE(worker->start(*token, request, now).has_value());
    return {*token, fd};
  }

  // Publishes to the log and hands the batch to the worker, which does not offer it yet.
  void publish(const std::vector<std::string>& topics, std::string_view data = "x") {
    auto batch = std::make_shared<Batch>();
    for (const std::string& topic : topics) {
      batch->push_back(append(log, {.topic = topic, .data = data}, now, &account));
    }
    head = log.head();
    worker->take_batch(batch);
  }

  void run() {
    do {
      worker->run(now);
    } while (worker->unfinished());
    worker->finish_turn(now);
  }
  void answer_all() {
    while (!requests.empty()) {
      ReplayRequest request = std::move(requests.front());
      requests.pop_front();
      worker->take_answer(log.replay(request, now), now);
      run();
    }
  }
  // Lets the connection take all that the stream is owed from now on.
  void unblock(const Opened& stream) {
    io[stream.fd].room = ScriptedIo::kUnlimited;
    worker->on_writable(stream.token, now);
    run();
  }
  void pass_seconds(std::uint64_t seconds) {
    const std::uint64_t until = now.us + seconds * kSecond;
    for (; now.us < until; now.us += 50'000) {
      worker->tick(now);
      worker->finish_turn(now);
    }
  }
  StreamState state(const Opened& stream) { return worker->streams().find(stream.token)->state; }
  std::string take_sent(const Opened& stream) { return std::exchange(io[stream.fd].sent, {}); }
  // Returns the sequences of the events that a stream was sent, in the order of sending.
  std::vector<std::uint64_t> ids_sent(const Opened& stream) {
    std::vector<std::uint64_t> sequences;
    const std::string& sent = io[stream.fd].sent;
    const std::string prefix =
        "id: " + to_string(EventId{log.epoch(), 0}).substr(0, id(0).size() - 1);
    for (std::size_t at = sent.find(prefix); at != std::string::npos; at = sent.find(prefix, at)) {
      at += prefix.size();
      const std::size_t end = sent.find('\n', at);
      const bool own = sent.compare(end + 1, 12, "event: crier") == 0;
      if (!own) sequences.push_back(std::stoull(sent.substr(at, end - at)));
    }
    return sequences;
  }
  std::string id(std::uint64_t sequence) const { return to_string(EventId{log.epoch(), sequence}); }

  bool ask(ReplayRequest&& request) override {
    if (requests.size() >= requests_max) return false;
    requests.push_back(std::move(request));
    ++asked;
    return true;
  }
  void on_stream_opened(StreamToken, const Stream&, bool) override { ++opened; }
  void on_stream_ended(StreamToken, const Stream&, EndReason reason, Instant) override {
    ended.push_back(reason);
  }

  Instant now{1'000'000};
  std::shared_ptr<const TopicClasses> classes;
  FrameAccount account;
  Log log;
  std::atomic<std::uint64_t> head{0};
  ScriptedIo io;
  WorkerStats stats;
  SharedCounts counts{1'000, HashKey{1, 2}};
  std::deque<ReplayRequest> requests;
  std::size_t requests_max = 1'000;
  std::uint64_t address_hash = 0;  // Of clients that open streams from now on; 0: unknown.
  std::uint32_t rate = 0;          // Of the streams that open() opens; see StartRequest.
  Consumer consumer;               // The same.
  Instant requested;               // The same.
  std::size_t asked = 0;
  std::size_t opened = 0;
  std::vector<EndReason> ended;
  std::unique_ptr<Broadcaster> worker;
};

inline TopicClass with_policy(OverflowPolicy policy) {
  TopicClass global;
  global.policy = policy;
  return global;
}

inline std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace crier::broadcast
