#include "cmd/client/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace crier::cmd {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

std::string_view without_carriage_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

bool LineReader::take_line() {
  const std::size_t end = buffer_.find('\n', scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return false;
  }
  line_ = without_carriage_return(std::string_view(buffer_).substr(begin_, end - begin_));
  begin_ = scanned_ = end + 1;
  return true;
}

LineReader::Filled LineReader::fill(std::optional<std::chrono::milliseconds> wait) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  pollfd watched{fd_, POLLIN, 0};
  const int ready = ::poll(&watched, 1, wait ? static_cast<int>(wait->count()) : -1);
  if (ready == 0) return Filled::quiet;
  if (ready < 0) return errno == EINTR ? Filled::some : Filled::failed;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  const ssize_t got = ::read(fd_, buffer_.data() + size, kReadBytes);
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return Filled::some;
  if (got == 0) return Filled::end;
  return errno == EINTR || errno == EAGAIN ? Filled::some : Filled::failed;
}

LineReader::Outcome LineReader::next(std::optional<std::chrono::milliseconds> wait) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + wait.value_or(std::chrono::milliseconds{0});
  while (true) {
    if (take_line()) return line_.size() > line_bytes_max_ ? Outcome::too_long : Outcome::line;
    if (buffer_.size() - begin_ > line_bytes_max_) return Outcome::too_long;
    if (ended_) {
      if (begin_ == buffer_.size()) return Outcome::end;
      line_ = without_carriage_return(std::string_view(buffer_).substr(begin_));
      begin_ = scanned_ = buffer_.size();
      return Outcome::line;
    }
    if (wait) {
      wait = std::max(std::chrono::milliseconds{0},
                      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
    }
    switch (fill(wait)) {
      case Filled::some:
        break;
      case Filled::end:
        ended_ = true;
        break;
      case Filled::quiet:
        return Outcome::quiet;
      case Filled::failed:
        return Outcome::failed;
    }
  }
}

}  // namespace crier::cmd
