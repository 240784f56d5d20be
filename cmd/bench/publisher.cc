#include "cmd/bench/publisher.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cmd/bench/shared_state.h"

namespace crier::bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 ";
constexpr std::size_t kStatusBytes = 3;
constexpr int kConnectSeconds = 5;

}  // namespace

Result<void> Publisher::connect(const std::string& socket_path, std::uint32_t requests_max) {
  path_ = socket_path;
  requests_max_ = requests_max;
  return open_connection();
}

Result<void> Publisher::open_connection() {
  const auto failed = [&](const char* reason) {
    return fail(Errc::os, "publish socket " + path_ + ": " + reason);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return failed(std::strerror(ENAMETOOLONG));
  std::memcpy(address.sun_path, path_.data(), path_.size());
  net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Bounds the wait of connect() for room in the backlog; nothing else on this socket waits.
  const timeval bound{.tv_sec = kConnectSeconds, .tv_usec = 0};
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0) {
    return failed(std::strerror(errno));
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed(errno == EAGAIN ? "its backlog is full, and the server accepts no connection"
                                  : std::strerror(errno));
  }
  fd_ = std::move(fd);
  requests_ = 0;
  ++connections_;
  return {};
}

void Publisher::post(std::string_view target, std::string_view content_type,
                     std::string_view body) {
  if (requests_max_ != 0) queued_.emplace_back();
  std::string& out = requests_max_ != 0 ? queued_.back() : outbox_;
  const std::size_t before = out.size();
  out.append("POST ").append(target).append(" HTTP/1.1\r\nHost: bench\r\nContent-Type: ");
  out.append(content_type).append("\r\nContent-Length: ").append(std::to_string(body.size()));
  out.append("\r\n\r\n").append(body);
  unsent_ += out.size() - before;
  ++posted_;
}

bool Publisher::pump() {
  do {
    if (!take_queued()) return false;
    if (!write_some() || !read_some()) {
      broken_ = "the publish connection broke";
      return false;
    }
    // A connection may have had its last answer just now: the next one begins at once.
  } while (!queued_.empty() && answered_ + failed_ + queued_.size() == posted_);
  return true;
}

bool Publisher::take_queued() {
  while (!queued_.empty()) {
    if (requests_ == requests_max_) {
      if (answered_ + failed_ + queued_.size() < posted_) return true;
      fd_.reset();
      if (auto opened = open_connection(); !opened) {
        broken_ = opened.error().detail;
        return false;
      }
    }
    outbox_ += queued_.front();
    queued_.pop_front();
    ++requests_;
  }
  return true;
}

bool Publisher::write_some() {
  while (has_unsent()) {
    const ssize_t n = ::send(fd_.get(), outbox_.data() + sent_, outbox_.size() - sent_,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (n < 0) {
      if (sent_ > outbox_.size() / 2) outbox_.erase(0, std::exchange(sent_, 0));
      return true;
    }
    sent_ += static_cast<std::size_t>(n);
    unsent_ -= static_cast<std::size_t>(n);
  }
  outbox_.clear();
  sent_ = 0;
  return true;
}

bool Publisher::read_some() {
  std::array<char, 65536> bytes{};
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    inbox_.append(bytes.data(), static_cast<std::size_t>(n));
    count_answers();
    last_answer_ns_ = monotonic_ns();
  }
}

// Counts status lines. Bodies are skipped by searching, not by length: none of them holds one.
void Publisher::count_answers() {
  std::size_t done = 0;
  for (;;) {
    const std::size_t at = inbox_.find(kAnswer, done);
    if (at == std::string::npos) {
      done = std::max(done, inbox_.size() - std::min(inbox_.size(), kAnswer.size() - 1));
      break;
    }
    if (inbox_.size() < at + kAnswer.size() + kStatusBytes) {
      done = at;
      break;
    }
    const std::size_t status = at + kAnswer.size();
    if (inbox_[status] == '2') {
      ++answered_;
    } else {
      ++failed_;
      if (first_failure_.empty()) first_failure_ = inbox_.substr(at, inbox_.find('\r', at) - at);
    }
    done = status + kStatusBytes;
  }
  inbox_.erase(0, done);
}

}  // namespace crier::bench
