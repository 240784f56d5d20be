#include "net/loop/loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "net/loop/poll_handle.h"
#include "net/loop/signals.h"
#include "net/loop/timer.h"
#include "net/loop/wakeup.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;

TEST_CASE("the clock leaves room for times before the machine's start") {
  timespec now{};
  REQUIRE(::clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  const auto before = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000;
  const crier::Instant read = Loop::now();
  CHECK(crier::micros_since_boot(read) >= before);
  CHECK(crier::micros_since_boot(read) < before + 60'000'000);
  CHECK(read.us - crier::micros_since_boot(read) == crier::kMicrosBeforeBoot);
  CHECK(crier::micros_since_boot({5}) == 0);
}

TEST_CASE("the end of a turn comes after what a timer did, before the loop sleeps") {
  Loop loop;
  std::vector<char> order;
  Timer first(loop, [&] { order.push_back('t'); });
  Timer last(loop, [&] { loop.stop(); });
  loop.set_end_of_turn([&] {
    if (!order.empty() && order.back() == 't') order.push_back('e');
  });
  first.start_once(1);
  last.start_once(40);
  const auto began = Loop::now();
  loop.run();
  CHECK(Loop::now().us - began.us >= 39'000);  // libuv counts whole milliseconds.
  CHECK(order == std::vector<char>{'t', 'e'});
}

TEST_CASE("a loop without a descriptor throws an error that says what was tried") {
  std::string told;
  const bool tested = crier::tests::while_failing({SYS_epoll_create1, EMFILE}, [&] {
    try {
      Loop loop;
    } catch (const std::system_error& error) {
      told = error.what();
    }
  });
  if (!tested) {
    WARN("not tested: this system has no filters for system calls");
    return;
  }
  CHECK(told.find("cannot make an event loop") != std::string::npos);
}

TEST_CASE("the last turn of a run has an end, too") {
  Loop loop;
  bool marked = false;
  bool finished = false;
  Wakeup wakeup(loop, [&] {
    marked = true;
    loop.stop();
  });
  loop.set_end_of_turn([&] { finished = marked; });
  wakeup.send();
  loop.run();
  CHECK(finished);
}

TEST_CASE("a loop that is kept awake turns without waiting") {
  Loop loop;
  int turns = 0;
  loop.set_end_of_turn([&] {
    ++turns;
    loop.keep_awake(turns < 100);
    if (turns == 100) loop.stop();
  });
  Timer far_away(loop, [] {});
  far_away.start_once(60'000);
  loop.keep_awake(true);
  const auto began = Loop::now();
  loop.run();
  CHECK(turns >= 100);
  CHECK(Loop::now().us - began.us < 5'000'000);
}

TEST_CASE("wake-ups from another thread coalesce and none is lost") {
  constexpr int kSends = 20'000;
  Loop loop;
  std::atomic<int> sent{0};
  int seen = 0;
  int calls = 0;
  Wakeup wakeup(loop, [&] {
    ++calls;
    seen = sent.load(std::memory_order_acquire);
    if (seen == kSends) loop.stop();
  });
  std::thread sender([&] {
    for (int i = 0; i < kSends; ++i) {
      sent.fetch_add(1, std::memory_order_release);
      wakeup.send();
    }
  });
  loop.run();
  sender.join();
  CHECK(seen == kSends);
  CHECK(calls <= kSends);
}

TEST_CASE("a repeating timer repeats until it is stopped, a single one does not") {
  Loop loop;
  int often = 0;
  int once = 0;
  Timer repeating(loop, [&] {
    if (++often == 3) repeating.stop();
  });
  Timer single(loop, [&] { ++once; });
  repeating.start_repeating(2);
  single.start_once(1);
  CHECK(repeating.running());
  loop.run();  // Returns, because nothing is watched any more.
  CHECK(often == 3);
  CHECK(once == 1);
  CHECK_FALSE(repeating.running());
}

TEST_CASE("a timer may destroy itself in its callback") {
  Loop loop;
  std::unique_ptr<Timer> timer;
  int calls = 0;
  timer = std::make_unique<Timer>(loop, [&] {
    timer.reset();
    ++calls;
  });
  timer->start_repeating(1);
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("signals arrive as calls") {
  Loop loop;
  std::vector<int> numbers;
  constexpr std::array kWatched = {SIGTERM, SIGHUP, SIGUSR1};
  Signals signals(loop, kWatched, [&](int number) {
    numbers.push_back(number);
    if (number == SIGTERM) loop.stop();
  });
  ::raise(SIGHUP);
  ::raise(SIGUSR1);
  ::raise(SIGTERM);
  loop.run();
  CHECK(numbers == std::vector<int>{SIGHUP, SIGUSR1, SIGTERM});
}

TEST_CASE("a broken pipe is an error code, not the end") {
  ignore_broken_pipes();
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  ::close(ends[0]);
  CHECK(::write(ends[1], "x", 1) == -1);
  CHECK(errno == EPIPE);
  ::close(ends[1]);
}

TEST_CASE("a poll handle watches a nested epoll set until it is closed") {
  Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 7}};
  REQUIRE(::epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);

  int calls = 0;
  Timer end(loop, [&] { loop.stop(); });
  PollHandle poll(loop, [&] {
    ++calls;  // Nothing is read: the level-triggered call comes again.
    if (calls == 3) poll.pause();
  });
  REQUIRE(poll.watch(set).has_value());
  end.start_once(30);
  loop.run();
  CHECK(calls == 3);

  poll.resume();
  end.start_once(30);
  loop.settle();
  CHECK(calls == 4);
  poll.close();
  ::close(set);  // At once: libuv has already forgotten it.
  loop.run();
  CHECK(calls == 4);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a descriptor that cannot be watched is refused") {
  Loop loop;
  PollHandle poll(loop, [] {});
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const auto result = poll.watch(::fileno(file));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == crier::Errc::os);
  CHECK_FALSE(poll.watching());
  std::fclose(file);
}

TEST_CASE("a watch fails if the kernel refuses it, and resumes after a pause") {
  const int error = GENERATE(ENOSPC, ENOMEM);
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  int calls = 0;
  bool tested = false;
  crier::Result<void> refused;
  // while_failing() would be too late: the loop already has its watches.
  std::thread([&] {
    Loop loop;
    PollHandle watched(loop, [&] { ++calls; });
    PollHandle late(loop, [] {});
    if (!watched.watch(ends[0])) return;
    loop.settle();
    tested = crier::tests::make_fail({SYS_epoll_ctl, error, EPOLL_CTL_ADD});
    if (!tested) return;
    watched.pause();
    loop.settle();
    watched.resume();
    loop.settle();
    refused = late.watch(ends[1]);
    loop.settle();
  }).join();
  ::close(ends[0]);
  ::close(ends[1]);
  if (!tested) {
    WARN("not tested: this system has no filters for system calls");
    return;
  }
  CHECK(calls == 3);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().detail.starts_with("cannot watch descriptor "));
}

TEST_CASE("a loop runs on another thread than the one that made and destroys it") {
  Loop loop;
  int calls = 0;
  Wakeup wakeup(loop, [&] {
    ++calls;
    loop.stop();
  });
  std::thread worker([&] {
    {
      Timer local(loop, [] {});
      local.start_repeating(1);
      loop.run();
    }
    loop.settle();
  });
  wakeup.send();
  worker.join();
  CHECK(calls == 1);
}

TEST_CASE("a loop counts its turns, with the time of their events and of their end") {
  Loop loop;
  Timer timer(loop, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    loop.stop();
  });
  loop.set_end_of_turn([] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
  timer.start_once(200);  // The sleep does not count.
  loop.run();
  CHECK(loop.stats().turns.count() >= 1);
  CHECK(loop.stats().turns.sum() >= 5'000);
  CHECK(loop.stats().turns.sum() < 200'000);
  CHECK(loop.stats().lateness.count() == 0);
}

TEST_CASE("a loop counts how late its repeating timers are") {
  Loop loop;
  int calls = 0;
  Timer timer(loop, [&] {
    if (++calls == 2) return loop.stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
  });
  loop.set_end_of_turn([] {});
  timer.start_repeating(10);
  loop.run();
  CHECK(loop.stats().lateness.count() == 2);
  CHECK(loop.stats().lateness.sum() >= 29'000);  // The second call was due 30 ms earlier.
}
