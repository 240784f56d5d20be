// Standard error that nobody reads, as when the journal hangs: the daemon goes on without it.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

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

  // Everything up to `part`; what there was within the time, if that does not come.
  std::string read_until(const std::string& part) {
    std::string text;
    std::array<char, 4'096> piece;
    pollfd input{.fd = ends_[0], .events = POLLIN, .revents = 0};
    while (text.find(part) == std::string::npos && ::poll(&input, 1, kPatienceMs) == 1) {
      const ssize_t got = ::read(ends_[0], piece.data(), piece.size());
      if (got <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST_CASE("a log that nobody reads holds nothing up, and tells later what is missing") {
  FullPipe log;
  RunningDaemon daemon(
      {.settings = {"log.connections_per_second=10000"}, .standard_error = log.write_end()});
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

  const std::string told = log.read_until("log lines lost");
  CHECK(told.find("warning log lines lost: standard error was not read lines=") !=
        std::string::npos);
  Subscriber last = daemon.subscribe("/events?topic=later");
  REQUIRE(last.next().event == "crier.open");
  CHECK(log.read_until("topics=later").find("topics=later") != std::string::npos);
}

}  // namespace
}  // namespace crier::tests
