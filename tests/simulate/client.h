// A subscriber that remembers the events it was sent, and knows those it should have been sent.
//
// It holds one connection at a time and reconnects with the last id it got, like a browser. It
// checks the order of events, that none comes twice, and that none is missing unless a gap event
// came before the next event and the history had really evicted it (or the policy drops). Every id
// is thus checked as a resume position, because the connection may break after any of them.
//
// With the policy conflate an event may be missing without a gap once a newer one of its topic was
// published, but the newest of each topic may not; and a gap must have such an event as its reason.
//
// A closing event is an event like any other. It may come although the history has lost it. A
// client that connects without a position is told at once which of its topics are closed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broadcast/log/replay.h"
#include "broadcast/log/topic_class.h"
#include "broadcast/streams/resume.h"
#include "broadcast/streams/stream.h"
#include "tests/simulate/record.h"
#include "tests/simulate/wire_reader.h"

namespace crier::broadcast::simulate {

class Client {
 public:
  struct Facts {
    std::size_t number = 0;
    std::vector<Selector> subscriptions;
    Framing framing = Framing::chunked;
    OverflowPolicy policy = OverflowPolicy::catch_up;
    TokenRate rate;
    std::uint32_t rate_asked = 0;  // See StartRequest; `rate` includes it.
    CostRate bytes_rate;
  };
  Client(Facts facts, const Record& record, const Epoch& epoch)
      : facts_(std::move(facts)), record_(record), epoch_(epoch) {}

  const Facts& facts() const { return facts_; }
  // The id to resume with; empty if it has got none.
  const std::string& id() const { return id_; }

  // The connection lasts from connected() to broke_off().
  bool connected() const { return reader_ != nullptr; }
  StreamToken token() const { return token_; }
  ConnectionHandle fd() const { return fd_; }
  // `log` is that of the record.
  void connect(StreamToken token, ConnectionHandle fd, const ResumePlan& plan,
               const std::string& head, Instant now, const Log& log);
  void take(std::string_view bytes, Instant now, std::uint64_t step);
  void break_off();

  // The log is about to answer this stream's request. `forgot`: it has forgotten topics, so it may
  // announce losses that did not happen.
  void on_request(const ReplayRequest& request, bool forgot, const Log& log);

  // Fails unless every published event has come or was announced as missing.
  void check_complete() const;
  bool told_end(std::string_view reason) const;
  // Whether it subscribes to topics alone, and each was closed by an event up to here.
  bool all_closed() const;
  // The same as the log remembers it.
  bool all_closed(const Log& log) const;

 private:
  struct TakenGap {
    std::uint64_t step;
    std::uint64_t resumed_at;
  };

  void on_message(const SseMessage& message);
  void on_open(const SseMessage& message);
  void on_gap(const SseMessage& message);
  void on_event(const SseMessage& message);
  void on_closed_before(const SseMessage& message);
  void check_reason(const std::string& reason) const;
  std::uint64_t next_sequence() const;
  bool expected(std::uint64_t sequence) const;
  bool conflates() const { return facts_.policy == OverflowPolicy::conflate; }
  bool owed(std::uint64_t sequence) const;
  bool subscribed(const std::string& topic) const;
  bool single() const;
  bool announced(std::uint64_t sequence) const;
  std::uint64_t sequence_of(const std::string& id) const;
  [[noreturn]] void fail(const std::string& problem) const;

  const Facts facts_;
  const Record& record_;
  const Epoch epoch_;
  std::string id_;
  std::uint64_t position_ = 0;  // Every event up to here has come or was announced as missing.

  // The state of the present connection.
  std::unique_ptr<WireReader> reader_;
  StreamToken token_;
  ConnectionHandle fd_ = ConnectionHandle::none;
  ResumePlan::Kind kind_ = ResumePlan::Kind::live;
  ReplayFrom from_ = ReplayFrom::sequence;
  std::string asked_id_;
  std::uint64_t head_at_start_ = 0;
  Instant opened_at_;
  std::uint32_t messages_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t data_bytes_ = 0;  // Of these events: fewer than they had on the wire.
  std::uint64_t largest_ = 0;
  bool over_rate_ = false;
  std::vector<TakenGap> gaps_;
  std::string end_reason_;
  std::vector<std::string> closed_before_;  // Topics that it is still to be told are closed.
  std::uint64_t missing_ = 0;               // Events that did not come.
  std::uint64_t missed_ = 0;                // The sum of `missed` of all gaps.
  bool missed_known_ = true;                // No gap had a `missed` of null.
  bool gap_due_ = false;  // With conflate: the last answer may have announced a loss.
  // After last=N and earliest: up to this sequence only the events of `required_` must come.
  std::uint64_t optional_through_ = 0;
  std::set<std::uint64_t> required_;

  Instant now_;
  std::uint64_t step_ = 0;
};

}  // namespace crier::broadcast::simulate
