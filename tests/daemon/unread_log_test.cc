// Standard error that nobody reads, as when the journal hangs: the daemon goes on without it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

// Everything up to `part`; what there was within the time, if that does not come.
std::string text_until(int fd, const std::string& part) {
  std::string text;
  std::array<char, 4'096> piece;
  pollfd input{.fd = fd, .events = POLLIN, .revents = 0};
  while (text.find(part) == std::string::npos && ::poll(&input, 1, kPatienceMs) == 1) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// A pipe that is full from the start. Both ends wait, as a log's do.
class FullPipe {
 public:
  FullPipe() {
    REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0);
    ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    const std::string line = std::string(99, '.') + "\n";
    while (::write(ends_[1], line.data(), line.size()) > 0) {
    }
    ::fcntl(ends_[1], F_SETFL, 0);
  }
  ~FullPipe() {
    for (const int end : ends_) ::close(end);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  int write_end() const { return ends_[1]; }

  int read_end() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{};
};

TEST_CASE("a log that nobody reads holds nothing up, and tells later what is missing") {
  FullPipe log;
  RunningDaemon daemon({.settings = {"log.level=debug", "log.connections_per_second=10000"},
                        .standard_error = log.write_end()});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  for (int i = 0; i < 300; ++i) {
    Subscriber passing = daemon.subscribe("/events?topic=a");  // Two lines of the log each.
    REQUIRE(passing.next().event == "crier.open");
    daemon.publish("a", std::to_string(i));
    REQUIRE(subscriber.next().data == std::to_string(i));
  }
  daemon.signal(SIGHUP);
  CHECK(daemon.admin_get("/readyz").status == 200);

  const std::string told = text_until(log.read_end(), "log lines lost");
  CHECK(told.find("warning log lines lost: standard error was not read lines=") !=
        std::string::npos);
  Subscriber last = daemon.subscribe("/events?topic=later");
  REQUIRE(last.next().event == "crier.open");
  CHECK(text_until(log.read_end(), "topics=later").find("topics=later") != std::string::npos);
}

// As the cooked terminal of a session that hangs: it takes part of a line and waits with the rest.
class UnreadTerminal {
 public:
  UnreadTerminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(master_ >= 0);
    REQUIRE(::grantpt(master_) == 0);
    REQUIRE(::unlockpt(master_) == 0);
    terminal_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(terminal_ >= 0);
  }
  ~UnreadTerminal() {
    ::close(terminal_);
    ::close(master_);
  }
  UnreadTerminal(const UnreadTerminal&) = delete;
  UnreadTerminal& operator=(const UnreadTerminal&) = delete;

  int terminal() const { return terminal_; }
  int master() const { return master_; }

 private:
  int master_;
  int terminal_ = -1;
};

TEST_CASE("a terminal that nobody reads holds nothing up") {
  const UnreadTerminal log;
  const RunningDaemon daemon({.settings = {"log.level=debug", "log.connections_per_second=10000"},
                              .standard_error = log.terminal()});
  for (int i = 0; i < 300; ++i) {
    Subscriber passing = daemon.subscribe("/events?topic=a");
    REQUIRE(passing.next().event == "crier.open");
  }
  daemon.publish("a", "still here");
  CHECK(daemon.admin_get("/readyz").status == 200);
  // Whoever shares the terminal finds it as it was.
  CHECK((::fcntl(log.terminal(), F_GETFL) & O_NONBLOCK) == 0);
  const std::string told = text_until(log.master(), "log lines lost");
  const std::size_t found = told.find("warning log lines lost: standard error was not read");
  REQUIRE(found != std::string::npos);
  CHECK(told.rfind('\n', found) == found - std::string("2026-11-21T12:00:00.000Z ").size() - 1);
}

}  // namespace
}  // namespace crier::tests
