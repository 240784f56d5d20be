// A node of crier as its journal sees it: a loop, a journal, and notes of what the journal says.
#pragma once

#include <nats/nats.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broadcast/log/journal.h"
#include "cmd/journal/nats/nats_journal.h"
#include "net/loop/loop.h"
#include "net/loop/timer.h"
#include "tests/support/catch.h"
#include "tests/support/nats_server.h"

namespace crier::cmd {

struct SilentLog final : LogSink {
  void write(Level /*level*/, std::string_view message,
             std::span<const Field> /*fields*/) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

inline NatsJournalOptions nats_options(const tests::NatsServer& server) {
  return {.servers = {server.address()},
          .event_bytes_max = 1'000,
          .answer_ms = 60'000,
          .check_ms = 100};
}

// An operator's access to the stream.
class Operator {
 public:
  explicit Operator(const tests::NatsServer& server) : Operator(server.address()) {}
  explicit Operator(const std::string& address) {
    REQUIRE(natsConnection_ConnectTo(&connection_, address.c_str()) == NATS_OK);
    REQUIRE(natsConnection_JetStream(&context_, connection_, nullptr) == NATS_OK);
  }
  ~Operator() {
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void publish(const char* subject, std::string_view data) {
    REQUIRE(js_Publish(nullptr, context_, subject, data.data(), static_cast<int>(data.size()),
                       nullptr, nullptr) == NATS_OK);
  }
  void remove(std::uint64_t sequence) {
    REQUIRE(js_DeleteMsg(context_, "crier", sequence, nullptr, nullptr) == NATS_OK);
  }
  void purge_below(std::uint64_t sequence) {
    jsOptions options;
    jsOptions_Init(&options);
    options.Stream.Purge.Sequence = sequence;
    REQUIRE(js_PurgeStream(context_, "crier", &options, nullptr) == NATS_OK);
  }
  void delete_stream() { REQUIRE(js_DeleteStream(context_, "crier", nullptr, nullptr) == NATS_OK); }
  // Deletes the stream, and makes it again as it was configured.
  void make_anew() {
    jsStreamInfo* info = nullptr;
    REQUIRE(js_GetStreamInfo(&info, context_, "crier", nullptr, nullptr) == NATS_OK);
    delete_stream();
    REQUIRE(js_AddStream(nullptr, context_, info->Config, nullptr, nullptr) == NATS_OK);
    jsStreamInfo_Destroy(info);
  }
  void describe(const char* text) {
    jsStreamInfo* info = nullptr;
    REQUIRE(js_GetStreamInfo(&info, context_, "crier", nullptr, nullptr) == NATS_OK);
    const char* const before = std::exchange(info->Config->Description, text);
    REQUIRE(js_UpdateStream(nullptr, context_, info->Config, nullptr, nullptr) == NATS_OK);
    info->Config->Description = before;
    jsStreamInfo_Destroy(info);
  }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
};

class NatsNode final : private broadcast::JournalClient, private broadcast::JournalReader {
 public:
  struct Seen {
    std::string topic;
    std::string data;
    std::string name;
    std::uint64_t sequence = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  struct Answer {
    std::vector<std::uint64_t> sequences;
    std::optional<broadcast::AppendFailure> failure;
  };

  explicit NatsNode(NatsJournalOptions options) : options_(std::move(options)) { start(); }
  ~NatsNode() { stop(); }

  // Ends in good order, and starts again.
  void restart() {
    stop();
    events.clear();
    keys.clear();
    holes.clear();
    answers.clear();
    dropped_through = 0;
    lost = 0;
    start();
  }
  void stop() {
    if (!journal_) return;
    journal_->finish();
    journal_.reset();
    loop_.settle();
  }

  NatsJournal& journal() { return *journal_; }
  Epoch epoch() { return journal_->identity().epoch; }

  // Runs the loop until it is so. Fails the test if that takes a minute.
  void until(const std::function<bool()>& so) {
    net::Timer tick(loop_, [] {});
    tick.start_repeating(2);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!so()) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      journal_->flush();
      turn_ = true;
      uv_run(loop_.raw(), UV_RUN_ONCE);
    }
  }

  // Appends a group of one event each for the data. Returns true if it has no answer yet.
  bool append(const std::vector<std::string>& data, const std::string& topic = "t",
              const std::vector<broadcast::KeyUse>& uses = {}) {
    std::vector<broadcast::PublishEvent> group;
    for (const std::string& each : data) group.push_back({{.topic = topic, .data = each}, {}, 0});
    const auto answer = journal_->append({group, uses, net::Loop::now()});
    if (answer) on_appended(*answer);
    return !answer;
  }
  // Appends, and returns the answer.
  Answer publish(const std::vector<std::string>& data, const std::string& topic = "t",
                 const std::vector<broadcast::KeyUse>& uses = {}) {
    const std::size_t before = answers.size();
    append(data, topic, uses);
    until([&] { return answers.size() > before; });
    return answers.back();
  }

  std::vector<Seen> events;  // Loaded and committed.
  std::size_t loaded = 0;    // How many of them were loaded.
  struct Key {
    broadcast::Fingerprint key;
    broadcast::FirstAnswer answer;
  };
  std::vector<Key> keys;
  std::vector<std::uint64_t> holes;
  std::uint64_t head = 0;
  std::vector<Answer> answers;
  std::uint64_t dropped_through = 0;
  int lost = 0;
  SilentLog log;

 private:
  void start() {
    auto opened = NatsJournal::open(options_, {loop_, log, [this] { ++lost; }});
    INFO((opened ? "" : opened.error().detail));
    REQUIRE(opened);
    journal_ = std::move(*opened);
    const auto done = journal_->load(*this);
    INFO((done ? "" : done.error().detail));
    REQUIRE(done);
    loaded = events.size();
    journal_->connect(*this);
  }

  void see(const broadcast::Event& event, std::uint64_t sequence) {
    REQUIRE((events.empty() || events.back().sequence < sequence));
    events.push_back(
        {std::string(event.topic), std::string(event.data), std::string(event.name), sequence});
  }
  void on_committed(const broadcast::Event& event, std::uint64_t sequence,
                    Instant /*accepted*/) override {
    see(event, sequence);
  }
  void on_appended(const broadcast::Appended& appended) override {
    if (appended) {
      for (const std::uint64_t sequence : *appended) REQUIRE(sequence <= events.back().sequence);
      answers.push_back({{appended->begin(), appended->end()}, {}});
    } else {
      answers.push_back({{}, appended.error()});
    }
  }
  void on_recovered_key(const broadcast::Fingerprint& /*key*/,
                        const broadcast::Fingerprint& /*content*/,
                        const broadcast::FirstAnswer& /*answer*/, Instant /*accepted*/) override {
    FAIL("no key is recovered");
  }
  void on_dropped(std::uint64_t through) override { dropped_through = through; }

  void on_remembered(const broadcast::Remembered& /*remembered*/) override {}
  void on_event(const broadcast::Event& event, std::uint64_t sequence, Instant accepted) override {
    REQUIRE(accepted <= net::Loop::now());
    see(event, sequence);
  }
  void on_key(const broadcast::Fingerprint& key, const broadcast::Fingerprint& /*content*/,
              const broadcast::FirstAnswer& answer, Instant /*accepted*/) override {
    keys.push_back({key, answer});
  }
  void on_hole(std::uint64_t through) override { holes.push_back(through); }
  void on_head(std::uint64_t sequence) override { head = sequence; }

  NatsJournalOptions options_;
  net::Loop loop_;
  std::unique_ptr<NatsJournal> journal_;
  bool turn_ = false;
};

}  // namespace crier::cmd
