#include "net/http/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <type_traits>

#include "core/check.h"

namespace crier::net {
namespace {

constexpr std::size_t kDateBytes = 29;

}  // namespace

std::string http_date(std::int64_t unix_seconds) {
  using std::chrono::days;
  constexpr std::array<const char*, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::seconds{unix_seconds}};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
      kWeekdays[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  CRIER_CHECK(size == static_cast<int>(kDateBytes));
  return {text.data(), kDateBytes};
}

std::string_view http_date_now() {
  struct Formatted {
    std::int64_t second = -1;
    std::array<char, kDateBytes> text = {};
  };
  // glibc allocates memory for each thread's destructors, and ends the process without it.
  static_assert(std::is_trivially_destructible_v<Formatted>);
  thread_local Formatted last;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);  // Milliseconds late, and cheap.
  if (last.second != now.tv_sec) {
    std::ranges::copy(http_date(now.tv_sec), last.text.begin());
    last.second = now.tv_sec;
  }
  return {last.text.data(), last.text.size()};
}

}  // namespace crier::net
