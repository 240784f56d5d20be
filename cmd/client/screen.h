// A terminal taken whole, for a command that shows figures as they change.
//
// While a Screen lives, the terminal has its other buffer and neither cursor nor echo. `q`, Ctrl-C,
// a hang-up and the end of the input end the process with exit code 0, the terminal as it was
// before. SIGTERM does the same, with code 143.
//
// Belongs to the main thread; one at a time. It has a thread of its own that waits for keys and
// signals, so make it before other threads: they must have these signals blocked, too.
#pragma once

#include <termios.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "net/socket/fd.h"

namespace crier::cmd {

// Of a terminal, in characters.
struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

class Screen {
 public:
  // The lines to show. Called for each change, also of the terminal's size, by either thread.
  using Draw = std::function<std::string(ScreenSize)>;

  // Whether standard input and output are terminals. A Screen requires it.
  static bool possible();

  explicit Screen(Draw draw);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Runs `change` while nothing is drawn, then draws.
  void change(const std::function<void()>& change);

 private:
  void watch();
  void draw();
  void put_back();
  [[noreturn]] void end(int code);

  Draw draw_;
  std::timed_mutex drawing_;
  termios before_{};
  net::Fd signals_;
  net::Fd stop_;  // An eventfd: the destructor ends the thread.
  std::thread watcher_;
};

}  // namespace crier::cmd
