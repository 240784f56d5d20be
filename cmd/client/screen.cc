#include "cmd/client/screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "cmd/client/terminal.h"
#include "core/check.h"

namespace crier::cmd {
namespace {

// Control sequences of ECMA-48 and, for the other buffer and the cursor, of xterm.
constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kClearLine = "\x1b[K\r\n";
constexpr const char* kClearRest = "\x1b[J";

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) ::sigaddset(&set, number);
  return set;
}

ScreenSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {.columns = size.ws_col, .rows = size.ws_row};
}

}  // namespace

bool Screen::possible() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

Screen::Screen(Draw draw) : draw_(std::move(draw)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  const sigset_t signals = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_ = net::Fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  CRIER_CHECK(stop_ && signals_);
  CRIER_CHECK(::tcgetattr(STDIN_FILENO, &before_) == 0);
  termios changed = before_;
  changed.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  // A process that is stopped or killed could not put the terminal back.
  changed.c_cc[VSUSP] = changed.c_cc[VQUIT] = _POSIX_VDISABLE;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &changed);
  (void)print_out(kEnter);
  watcher_ = std::thread([this] { watch(); });
}

Screen::~Screen() {
  ::eventfd_write(stop_.get(), 1);
  watcher_.join();
  put_back();
}

void Screen::change(const std::function<void()>& change) {
  const std::lock_guard lock(drawing_);
  change();
  this->draw();
}

void Screen::watch() {
  while (true) {
    std::array<pollfd, 3> ready{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                 {.fd = signals_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[2].revents != 0) return;
    if (ready[0].revents != 0) {
      char key = 'q';
      if (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q') end(EXIT_SUCCESS);
    }
    if (ready[1].revents == 0) continue;
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) continue;
    constexpr int kEndedBySignal = 128;
    if (signal.ssi_signo == SIGTERM) end(kEndedBySignal + SIGTERM);
    if (signal.ssi_signo != SIGWINCH) end(EXIT_SUCCESS);
    // A draw that waits for the terminal will use the new size in its next turn.
    const std::unique_lock lock(drawing_, std::try_to_lock);
    if (lock.owns_lock()) draw();
  }
}

void Screen::draw() {
  const ScreenSize size = terminal_size();
  const std::string lines = draw_(size);
  std::string out = kHome;
  std::size_t rows = 0;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    // A line feed in the last row would scroll.
    if (++rows > 1) out.append(kClearLine);
    out.append(lines, begin, end - begin);
    begin = end + 1;
  }
  out.append("\x1b[K").append(rows < size.rows ? kClearRest : "");
  if (print_out(out)) return;
  put_back();
  std::_Exit(EXIT_FAILURE);
}

void Screen::put_back() {
  (void)print_out(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void Screen::end(int code) {
  // A terminal that takes no output, after Ctrl-S, holds the other thread in draw().
  constexpr std::chrono::milliseconds kPatience{200};
  if (drawing_.try_lock_for(kPatience)) {
    put_back();
  } else {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  std::_Exit(code);
}

}  // namespace crier::cmd
