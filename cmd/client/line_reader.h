// Reads lines from a descriptor as they come, with a limit on the wait for the next one.
//
// Does not own the descriptor. Belongs to one thread; next() blocks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crier::cmd {

class LineReader {
 public:
  enum class Outcome : std::uint8_t {
    line,      // `line()` is the next line.
    quiet,     // The wait is over and no line has come.
    end,       // There are no more lines.
    too_long,  // The next line is longer than `line_bytes_max`.
    failed,    // Reading failed; errno has the reason.
  };

  LineReader(int fd, std::size_t line_bytes_max) : fd_(fd), line_bytes_max_(line_bytes_max) {}

  // Reads the next line. Waits for it without limit if `wait` is empty. The last line needs no line
  // end.
  Outcome next(std::optional<std::chrono::milliseconds> wait);

  // The line without its LF or CRLF. Valid until the next call of next(). Requires: next() returned
  // `line`.
  std::string_view line() const { return line_; }

 private:
  enum class Filled : std::uint8_t { some, end, quiet, failed };

  bool take_line();
  Filled fill(std::optional<std::chrono::milliseconds> wait);

  int fd_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // Where the next line begins in the buffer.
  std::size_t scanned_ = 0;  // There is no LF between begin_ and this position.
  bool ended_ = false;
  std::string_view line_;
};

}  // namespace crier::cmd
