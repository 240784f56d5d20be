// Writes log lines to standard error through spdlog, and limits repeated messages.
//
// log_line.h makes the lines. If standard error is the journal, each line begins with its priority
// (`<4>`, see sd-daemon(3)), which the journal removes, and text lines have no time, because the
// journal adds it.
//
// A write never blocks. A line for which standard error has no room (a pipe that is not read, a
// journal or a terminal that hangs) is lost and counted; a later line has the count. For that
// a terminal is opened a second time. If the system forbids it (another user's terminal), writes
// block.
//
// Belongs to the control loop. No other thread may write: a worker may have a descriptor table of
// its own, in which descriptor 2 is a subscriber's socket.
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

// Whether standard error is connected to the journal: systemd.exec(5) on $JOURNAL_STREAM.
bool stderr_is_journal();

class StderrLog final : public LogSink {
 public:
  StderrLog(Level lowest, config::LogFormat format, bool journal = stderr_is_journal());
  ~StderrLog() override;

  // From now on, lines below `lowest` are not written.
  void set_level(Level lowest) { lowest_ = lowest; }
  void set_format(config::LogFormat format) { format_ = format; }

  void write(Level level, std::string_view message, std::span<const Field> fields) override;

  // The same log without the level of set_level(), for lines that an operator has asked for.
  LogSink& unfiltered() { return unfiltered_; }

  // Writes the count of lost lines if there is room. Call it on a timer, because it may be long
  // until the next line.
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
  bool torn_ = false;  // Only a part of the last line was written.
};

// Limits repeated messages, so that one trouble does not hide the others: it passes on a few lines
// a second of each message, and then one line with the number of lines left out.
//
// Call tick() on a timer, about every 250 ms. Memory is bounded: after kMessagesMax different
// messages within a second, all others are counted as one. Belongs to the control loop.
class RepeatLimit final : public LogSink {
 public:
  static constexpr std::size_t kMessagesMax = 64;

  // `out` must outlive it.
  RepeatLimit(LogSink& out, std::uint32_t lines_per_second)
      : out_(out), lines_per_second_(lines_per_second) {}

  void write(Level level, std::string_view message, std::span<const Field> fields) override;
  // Counts lines that were limited elsewhere, on their way here.
  void leave_out(Level level, std::string_view message, std::uint64_t lines);

  // Writes the counts when a second is over.
  void tick(Instant now);
  // Writes the counts now, before the process ends.
  void flush();

 private:
  struct Seen {
    std::string message;
    Level level = Level::debug;  // The highest level among its lines.
    LinesPerSecond lines = {};
  };

  Seen& seen(std::string_view message);

  LogSink& out_;
  std::uint32_t lines_per_second_;
  Period second_;
  std::vector<Seen> seen_;
};

// The number with commas: "4,321".
std::string with_thousands(std::uint64_t number);

}  // namespace crier::cmd
