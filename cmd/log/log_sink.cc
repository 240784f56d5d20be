#include "cmd/log/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "cmd/log/log_line.h"
#include "net/socket/fd.h"

namespace crier::cmd {
namespace {

// PIPE_BUF bytes, less priority and line end: a pipe that polls as writable takes them in one
// write.
static_assert(kLogLineBytesMax <= PIPE_BUF - 4);

// A terminal polls as writable when it can take part of a line, and then blocks for the rest. This
// function opens it again, with O_NONBLOCK. On the inherited descriptor O_NONBLOCK would also apply
// to other processes that share it.
void never_wait_for_terminal() {
  if (::isatty(STDERR_FILENO) == 0) return;
  const net::Fd own(::open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (own) ::dup2(own.get(), STDERR_FILENO);
}

bool room_for_a_line() {
  pollfd output{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLOUT) != 0;
}

// The priorities of syslog, in the form of sd-daemon(3).
std::string_view journal_prefix(Level level) {
  constexpr std::string_view kPrefixes[] = {"<7>", "<6>", "<4>", "<3>"};
  return kPrefixes[static_cast<std::size_t>(level)];
}

spdlog::level::level_enum spdlog_level(Level level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  return kLevels[static_cast<std::size_t>(level)];
}

}  // namespace

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

struct StderrLog::State {
  spdlog::logger logger{"crier", std::make_shared<spdlog::sinks::stderr_sink_st>()};
};

StderrLog::StderrLog(Level lowest, config::LogFormat format, bool journal)
    : state_(std::make_unique<State>()), lowest_(lowest), format_(format), journal_(journal) {
  never_wait_for_terminal();
  state_->logger.set_level(spdlog::level::trace);  // write() compares levels, not spdlog.
  state_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
}

StderrLog::~StderrLog() = default;

void StderrLog::write(Level level, std::string_view message, std::span<const Field> fields) {
  if (level >= lowest_) write_in_turn(level, message, fields);
}

void StderrLog::write_in_turn(Level level, std::string_view message,
                              std::span<const Field> fields) {
  report_lost();  // The lines lost before come first.
  if (lost_ > 0 || !try_write(level, message, fields)) ++lost_;
}

bool StderrLog::try_write(Level level, std::string_view message, std::span<const Field> fields) {
  if (!room_for_a_line()) return false;
  const bool timed = !journal_ || format_ != config::LogFormat::text;
  const std::string time = timed ? utc_text(std::chrono::system_clock::now()) : std::string();
  std::string line = log_line(format_, time, level, message, fields);
  if (journal_) line.insert(0, journal_prefix(level));
  if (torn_) line.insert(0, "\n");
  state_->logger.log(spdlog_level(level), spdlog::string_view_t(line));
  torn_ = std::ferror(stderr) != 0;
  std::clearerr(stderr);
  return !torn_;
}

void StderrLog::report_lost() {
  if (lost_ == 0) return;
  const Field lines{"lines", lost_};
  if (try_write(Level::warning, "log lines lost: standard error was not read", {&lines, 1})) {
    lost_ = 0;
  }
}

RepeatLimit::Seen& RepeatLimit::seen(std::string_view message) {
  const auto found = std::ranges::find(seen_, message, &Seen::message);
  if (found != seen_.end()) return *found;
  if (seen_.size() < kMessagesMax) {
    seen_.push_back({.message = std::string(message)});
  } else if (seen_.size() == kMessagesMax) {
    seen_.push_back({.message = "other messages"});
  }
  return seen_.back();
}

void RepeatLimit::write(Level level, std::string_view message, std::span<const Field> fields) {
  Seen& entry = seen(message);
  entry.level = std::max(entry.level, level);
  if (entry.lines.take(lines_per_second_)) out_.write(level, message, fields);
}

void RepeatLimit::leave_out(Level level, std::string_view message, std::uint64_t lines) {
  Seen& entry = seen(message);
  entry.level = std::max(entry.level, level);
  entry.lines.leave_out(lines);
}

void RepeatLimit::tick(Instant now) {
  if (second_.over(now)) flush();
}

void RepeatLimit::flush() {
  for (const Seen& entry : seen_) {
    if (const auto more = entry.lines.left_out(); more > 0) {
      out_.write(entry.level, entry.message + " (x " + with_thousands(more) + " more)", {});
    }
  }
  seen_.clear();
}

std::string with_thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

}  // namespace crier::cmd
