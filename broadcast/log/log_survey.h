// Finds out what a journal has to keep for the log: the events that are retained, and what the log
// remembers of the others. It walks the history and then the topics, a bounded share with each
// call, while events are published and evicted in between.
//
// An event that is evicted during the survey may count as retained. Of an event that does not, the
// loss is always in Survey::remembered.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broadcast/log/remembered.h"

namespace crier::broadcast {

class Log;

// An event with a sequence up to `through` that is not in `live` is dead: it need not be kept.
struct Survey {
  std::uint64_t through = 0;
  std::vector<std::uint64_t> live;  // In ascending order.
  Remembered remembered;
};

class LogSurvey {
 public:
  // `log` must outlive it. A log has one survey at a time.
  explicit LogSurvey(Log& log);
  ~LogSurvey();
  LogSurvey(const LogSurvey&) = delete;
  LogSurvey& operator=(const LogSurvey&) = delete;

  // Does a bounded share. Returns true when the survey is complete.
  [[nodiscard]] bool step();

  // Requires: step() has returned true; once.
  Survey take();

 private:
  friend class Log;

  // How far the survey is.
  enum class Stage : std::uint8_t { events, forgotten, topics, done };

  void walk_events();
  void walk_forgotten();
  void walk_topics();
  void remember(std::uint64_t topic_hash, std::uint64_t evicted_through);

  Log& log_;
  Survey survey_;
  Stage stage_ = Stage::events;
  std::uint64_t walked_ = 0;  // The last event that was looked at; or how many entries or rows.
};

}  // namespace crier::broadcast
