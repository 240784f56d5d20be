// Where log lines go: standard error, one line each, through spdlog.
//
//   2025-03-01T12:00:00.123Z warning history is full bytes=67108864
//
// Under systemd the journal knows the time; the line then begins with its priority instead (`<4>`,
// see sd-daemon(3)).
//
// Never waits for whoever reads standard error: a line for which there is no room (a pipe nobody
// empties, a journal that hangs) is lost and counted, and the count is told once there is room
// again.
//
// Belongs to the control loop: no thread else may write, because a worker may have a descriptor
// table of its own, in which number 2 is somebody's socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/instant.h"
#include "core/log.h"

namespace crier::cmd {

// Is standard error connected to the journal, by systemd.exec(5)'s rule for $JOURNAL_STREAM?
bool stderr_is_journal();

class StderrLog final : public LogSink {
 public:
  explicit StderrLog(Level lowest, bool journal = stderr_is_journal());
  ~StderrLog() override;

  // What is below is not written, from now on.
  void set_level(Level lowest) { lowest_ = lowest; }

  void write(Level level, std::string_view message, std::span<const Field> fields) override;

  // Tells of lost lines if there is room. Call it on a timer: perhaps no line follows.
  void report_lost();

 private:
  bool try_write(Level level, std::string_view message, std::span<const Field> fields);

  struct State;
  std::unique_ptr<State> state_;
  Level lowest_;
  bool journal_;
  std::uint64_t lost_ = 0;
};

// Keeps one trouble from drowning the others: of each message, a few lines a second are passed on,
// and then one that says how many more there were.
//
// Call tick() on a timer, about every 250 ms. Memory is bounded: beyond kMessagesMax different
// messages within a second all further ones count as one.
class RepeatLimit final : public LogSink {
 public:
  static constexpr std::size_t kMessagesMax = 64;

  // `out` must outlive it.
  RepeatLimit(LogSink& out, std::uint32_t lines_per_second)
      : out_(out), lines_per_second_(lines_per_second) {}

  void write(Level level, std::string_view message, std::span<const Field> fields) override;

  // Ends the second that is over, if it is.
  void tick(Instant now);
  // Says now what was held back: before the process ends.
  void flush();

 private:
  struct Seen {
    std::string message;
    Level level = Level::debug;  // The highest it came with.
    std::uint32_t written = 0;
    std::uint64_t held_back = 0;
  };

  Seen& seen(std::string_view message);

  LogSink& out_;
  std::uint32_t lines_per_second_;
  Instant second_began_;
  std::vector<Seen> seen_;
};

// "4,321"
std::string with_thousands(std::uint64_t number);

}  // namespace crier::cmd
