// `crier top` in a terminal, beside a daemon that is restarted; `crier status --watch`.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

// A command in a terminal of its own, of 100 columns and 30 rows.
class InTerminal {
 public:
  explicit InTerminal(std::vector<std::string> words) {
    winsize size{.ws_row = 30, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execv(pointers.front(), pointers.data());
    ::_exit(127);
  }
  ~InTerminal() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    ::close(terminal_);
  }
  InTerminal(const InTerminal&) = delete;
  InTerminal& operator=(const InTerminal&) = delete;

  // Reads until `part` was written after what an earlier call found.
  bool shows(const std::string& part) {
    const bool found = wait_until(kPatienceMs, [&] {
      read_some();
      return output_.find(part, seen_) != std::string::npos;
    });
    if (found) seen_ = output_.find(part, seen_) + part.size();
    return found;
  }
  void type(char key) { REQUIRE(::write(terminal_, &key, 1) == 1); }
  void signal(int number) { ::kill(pid_, number); }

  // The exit code; -1 if it does not end.
  int end() {
    int status = 0;
    const bool ended = wait_until(kPatienceMs, [&] {
      read_some();
      return ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    if (!ended) return -1;
    pid_ = -1;
    read_some();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  const std::string& output() const { return output_; }
  // Whether the terminal echoes what is typed.
  bool echoes() const {
    termios now{};
    REQUIRE(::tcgetattr(terminal_, &now) == 0);
    return (now.c_lflag & ECHO) != 0;
  }

 private:
  void read_some() {
    pollfd ready{.fd = terminal_, .events = POLLIN, .revents = 0};
    char piece[4096];
    while (::poll(&ready, 1, 0) > 0) {
      const auto size = ::read(terminal_, piece, sizeof piece);
      if (size <= 0) return;
      output_.append(piece, static_cast<std::size_t>(size));
    }
  }

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string output_;
  std::size_t seen_ = 0;
};

std::vector<std::string> top_of(const RunningDaemon& daemon) {
  return {crier_program(), "top", "--admin",
          daemon.address() + ":" + std::to_string(RunningDaemon::kAdminPort)};
}

TEST_CASE("top shows samples until q, and connects again after a restart") {
  RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  InTerminal top(top_of(daemon));
  CHECK(top.shows("crier "));
  CHECK(top.shows("streams    1 of "));
  daemon.publish("a", "x");
  CHECK(top.shows("published  1/s"));
  CHECK_FALSE(top.echoes());
  daemon.kill();
  CHECK(top.shows("connection lost, connecting again"));
  daemon.start();
  CHECK(top.shows("ready   up "));
  top.type('q');
  CHECK(top.end() == 0);
  CHECK(top.output().ends_with("\x1b[?25h\x1b[?1049l"));
  CHECK(top.echoes());
}

TEST_CASE("a signal leaves the terminal as it was before top") {
  const RunningDaemon daemon;
  for (const auto& [number, code] : {std::pair{SIGINT, 0}, {SIGHUP, 0}, {SIGTERM, 143}}) {
    InTerminal top(top_of(daemon));
    CHECK(top.shows("streams"));
    top.signal(number);
    CHECK(top.end() == code);
    CHECK(top.output().ends_with("\x1b[?25h\x1b[?1049l"));
    CHECK(top.echoes());
  }
}

TEST_CASE("top without a daemon says so, and does not touch the terminal") {
  InTerminal top({crier_program(), "top", "--admin", random_address() + ":1"});
  CHECK(top.end() == 1);
  CHECK(top.output().find("crier top: ") == 0);
  CHECK(top.output().find('\x1b') == std::string::npos);
}

TEST_CASE("status --watch prints the figures again and again, until Ctrl-C") {
  const RunningDaemon daemon;
  InTerminal status({crier_program(), "status", "--watch", "1", "--admin",
                     daemon.address() + ":" + std::to_string(RunningDaemon::kAdminPort)});
  CHECK(status.shows("state             ready"));
  CHECK(status.shows("state             ready"));
  status.signal(SIGINT);
  CHECK(status.end() == 0);
}

}  // namespace
}  // namespace crier::tests
