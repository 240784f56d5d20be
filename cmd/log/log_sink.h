// Where log lines go: standard error, one line each, through spdlog.
//
// What a line looks like: log_line.h. Where standard error is the journal, each line begins with
// its priority (`<4>`, see sd-daemon(3)), which the journal takes off; text then has no time, which
// the journal knows.
//
// Never waits for whoever reads standard error: a line for which there is no room (a pipe nobody
// empties, a journal or a terminal that hangs) is lost and counted, and the count is told once
// there is room again. A terminal is opened anew for that; one that may not be (another user's) is
// waited for.
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

#include "config/config.h"
#include "core/instant.h"
#include "core/lines_per_second.h"
#include "core/log.h"

namespace crier::cmd {

// Is standard error connected to the journal, by systemd.exec(5)'s rule for $JOURNAL_STREAM?
bool stderr_is_journal();

class StderrLog final : public LogSink {
 public:
  StderrLog(Level lowest, config::LogFormat format, bool journal = stderr_is_journal());
  ~StderrLog() override;

  // What is below is not written, from now on.
  void set_level(Level lowest) { lowest_ = lowest; }
  void set_format(config::LogFormat format) { format_ = format; }

  void write(Level level, std::string_view message, std::span<const Field> fields) override;

  // The same log without the bound of set_level(): for lines that an operator has asked for.
  LogSink& unfiltered() { return unfiltered_; }

  // Tells of lost lines if there is room. Call it on a timer: perhaps no line follows.
  void report_lost();

 private:
  struct Unfiltered final : LogSink {
    explicit Unfiltered(StderrLog& into) : log(into) {}
    void write(Level level, std::string_view message, std::span<const Field> fields) override {
      log.write_in_turn(level, message, fields);
    }
    StderrLog& log;
  };

  void write_in_turn(Level level, std::string_view message, std::span<const Field> fields);
  bool try_write(Level level, std::string_view message, std::span<const Field> fields);

  struct State;
  std::unique_ptr<State> state_;
  Unfiltered unfiltered_{*this};
  Level lowest_;
  config::LogFormat format_;
  bool journal_;
  std::uint64_t lost_ = 0;
  bool torn_ = false;  // The last line was written in part.
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
  // Counts lines that were limited elsewhere, on their way here.
  void leave_out(Level level, std::string_view message, std::uint64_t lines);

  // Ends the second that is over, if it is.
  void tick(Instant now);
  // Says now what was held back: before the process ends.
  void flush();

 private:
  struct Seen {
    std::string message;
    Level level = Level::debug;  // The highest it came with.
    LinesPerSecond lines = {};
  };

  Seen& seen(std::string_view message);

  LogSink& out_;
  std::uint32_t lines_per_second_;
  Period second_;
  std::vector<Seen> seen_;
};

// "4,321"
std::string with_thousands(std::uint64_t number);

}  // namespace crier::cmd
