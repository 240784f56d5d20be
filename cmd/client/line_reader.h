// Lines from a descriptor, as they come, with a limit on how long to wait for the next.
//
// Belongs to one thread. Does not own the descriptor.
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
    end,       // No more lines.
    too_long,  // The next line is longer than allowed.
    failed,    // Reading failed; errno says why.
  };

  LineReader(int fd, std::size_t line_bytes_max) : fd_(fd), line_bytes_max_(line_bytes_max) {}

  // Without `wait`: however long it takes. A last line needs no line end.
  Outcome next(std::optional<std::chrono::milliseconds> wait);

  // Without its LF or CRLF. Valid until next() is called. Requires: next() returned `line`.
  std::string_view line() const { return line_; }

 private:
  enum class Filled : std::uint8_t { some, end, quiet, failed };

  bool take_line();
  Filled fill(std::optional<std::chrono::milliseconds> wait);

  int fd_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // Where the next line begins in the buffer.
  std::size_t scanned_ = 0;  // No LF between begin_ and here.
  bool ended_ = false;
  std::string_view line_;
};

}  // namespace crier::cmd
