// Helpers of the log's tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/log.h"
#include "tests/support/catch.h"
#include "tests/support/selectors.h"

namespace crier::broadcast {

inline constexpr std::uint64_t kSecond = 1'000'000;

constexpr Instant at(std::uint64_t seconds) {
  return {seconds * kSecond};
}

inline TopicClass topic_class(std::string match, HistoryLimits history) {
  TopicClass row;
  row.match = std::move(match);
  row.history = history;
  return row;
}

inline std::shared_ptr<const TopicClasses> classes(HistoryLimits global,
                                                   std::vector<TopicClass> rows = {}) {
  return std::make_shared<const TopicClasses>(topic_class("", global), std::move(rows));
}

inline LogOptions log_options(HistoryLimits global = {}, std::vector<TopicClass> rows = {}) {
  LogOptions options;
  options.epoch = Epoch::from_random(7);
  options.topic_key = {11, 13};
  options.classes = classes(global, std::move(rows));
  return options;
}

// Publishes as a journal does that numbers without holes; `hole` leaves out that many numbers.
inline FrameRef append(Log& log, const Event& event, Instant now = {},
                       FrameAccount* account = nullptr, std::uint64_t hole = 0) {
  EventEncoder encoder(log.epoch(), log.topic_key(), account);
  FrameRef frame = encoder.encode(event, log.head() + 1 + hole, now);
  log.append(frame);
  return frame;
}

inline std::uint64_t publish(Log& log, std::string_view topic, Instant now = {},
                             std::string_view data = "x") {
  return append(log, {.topic = topic, .data = data}, now)->sequence();
}

inline FrameRef close(Log& log, std::string_view topic, Instant now = {},
                      FrameAccount* account = nullptr) {
  const std::string data = closed_data(topic);
  return append(log, {.topic = topic, .data = data, .name = kClosedName}, now, account);
}

inline ReplayRequest ask(const std::vector<std::string>& subscriptions, std::uint64_t after = 0) {
  ReplayRequest request;
  request.subscriptions = selectors(subscriptions);
  request.after = after;
  request.bytes_max = 1 << 20;
  request.frames_max = 1000;
  return request;
}

inline std::vector<std::uint64_t> sequences(const std::vector<FrameRef>& frames) {
  std::vector<std::uint64_t> found;
  for (const FrameRef& frame : frames) found.push_back(frame->sequence());
  return found;
}

using Sequences = std::vector<std::uint64_t>;

}  // namespace crier::broadcast
