#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "cmd/bench/marker.h"
#include "cmd/bench/report.h"
#include "cmd/bench/server.h"
#include "cmd/bench/shared_state.h"
#include "cmd/bench/trial.h"
#include "cmd/cli/commands.h"
#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/terminal.h"
#include "cmd/system/socket_path.h"
#include "net/socket/fd.h"

namespace crier::cmd {
namespace {

// Ctrl-C, SIGTERM and a hang-up, which end a run early. Blocked while this object lives, also in
// processes that are forked then: those end with this one.
class StopSignals {
 public:
  StopSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, &before_);
    fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  ~StopSignals() {
    came();  // Takes one that came last: the report is still to be printed.
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  bool came() {
    signalfd_siginfo info{};
    came_ = came_ || ::read(fd_.get(), &info, sizeof info) > 0;
    return came_;
  }

 private:
  sigset_t before_{};
  net::Fd fd_;
  bool came_ = false;
};

// A line on standard error that is written again and again; nothing if that is no terminal.
class ProgressBar {
 public:
  ~ProgressBar() { clear(); }
  void show(const bench::Progress& progress) {
    constexpr std::uint64_t kAgain = 100'000'000;
    constexpr std::size_t kWidth = 24;
    const std::uint64_t now = bench::monotonic_ns();
    if (!shown_ || now - at_ < kAgain) return;
    at_ = now;
    const auto full = static_cast<std::size_t>(progress.share * kWidth);
    print_error("\r[" + std::string(full, '#') + std::string(kWidth - full, ' ') + "] " +
                progress.doing + ": " + progress.figures + "\x1b[K");
  }
  void clear() const {
    if (at_ != 0) print_error("\r\x1b[K");
  }

 private:
  bool shown_ = ::isatty(STDERR_FILENO) == 1;
  std::uint64_t at_ = 0;
};

// A number of the command line, within bounds. Errors are sentences.
Result<std::uint32_t> bounded(const Arguments& arguments, std::string_view option,
                              std::uint32_t otherwise, std::uint32_t min, std::uint32_t max) {
  const std::uint64_t value = arguments.number(option).value_or(otherwise);
  if (value >= min && value <= max) return static_cast<std::uint32_t>(value);
  return fail(Errc::bad_request,
              std::string(option) + " is " + std::to_string(min) + " to " + std::to_string(max));
}

Result<bench::Plan> plan_of(const Arguments& arguments) {
  constexpr std::uint32_t kStreamsMax = 1'200'000;
  constexpr std::size_t kBytesAtOnceMax = std::size_t{256} << 20;  // Of what waits in memory.
  constexpr std::size_t kHeadBytes = 128;                          // Of a request.
  bench::Plan plan;
  const auto streams = bounded(arguments, "--streams", plan.streams, 1, kStreamsMax);
  const auto rate = bounded(arguments, "--rate", 20, 1, 1'000'000);
  const auto ramp = bounded(arguments, "--ramp", rate.value_or(1), 1, 1'000'000);
  const auto seconds = bounded(arguments, "--seconds", 10, 1, 3'600);
  const auto size = bounded(arguments, "--size", plan.size, bench::kMarkBytes, 1'048'576);
  const auto reuse = bounded(arguments, "--reuse", 0, 0, ~std::uint32_t{0});
  for (const auto* one : {&streams, &rate, &ramp, &seconds, &size, &reuse}) {
    if (!*one) return std::unexpected(one->error());
  }
  if (arguments.has("--find")) {
    const std::string text = arguments.text("--find");
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, plan.p99_ms);
    if (read.ec != std::errc{} || read.ptr != end || !(plan.p99_ms > 0) ||
        !std::isfinite(plan.p99_ms)) {
      return fail(Errc::bad_request, "--find is milliseconds, e.g. 5 or 0.5");
    }
    if (arguments.has("--ramp")) {
      return fail(Errc::bad_request, "--find searches one rate, --ramp has many");
    }
  }
  plan.streams = *streams;
  plan.hz = *rate;
  plan.hz_end = *ramp;
  plan.seconds = *seconds;
  plan.size = *size;
  plan.reuse = *reuse;
  plan.topics = arguments.text("--topics", plan.topics);
  if ((plan.hz + plan.hz_end) / 2 * plan.seconds > bench::kEventsPerCommand) {
    return fail(Errc::bad_request, "more than " + std::to_string(bench::kEventsPerCommand) +
                                       " events; lower --rate or --seconds");
  }
  const auto topics = bench::TopicPlan::make(plan.topics, plan.streams, 1);
  if (!topics) return std::unexpected(topics.error());
  if (topics->places(1).size() > kBytesAtOnceMax / (plan.size + kHeadBytes)) {
    return fail(Errc::bad_request,
                "one event on so many topics is too large; "
                "lower --streams or --size");
  }
  return plan;
}

Result<bench::Report> report_of_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(Errc::not_found, path + " cannot be read");
  auto report = bench::read_report(std::move(text).str());
  if (!report) return fail(Errc::bad_request, path + " is " + report.error().detail);
  return report;
}

Result<std::unique_ptr<bench::Server>> found_server(const Arguments& arguments, bench::Plan& plan) {
  auto url = parse_url(arguments.text("--to"));
  if (!url) return std::unexpected(url.error());
  plan.base = url->base;
  const std::string socket = arguments.text("--publish-socket");
  return bench::Server::find(url->address, socket.empty() ? find_publish_socket() : socket,
                             arguments.has("--remote"));
}

Result<bench::Report> measured(const Arguments& arguments, bench::Plan plan) {
  const bool starts = !arguments.has("--to");
  Result<std::unique_ptr<bench::Server>> server;
  if (!starts) server = found_server(arguments, plan);
  if (!server) return std::unexpected(server.error());
  StopSignals stop;  // Not before: a name may take long to resolve, and Ctrl-C then just ends.
  if (starts) {
    server = bench::Server::start({.settings = arguments.texts("--set"), .streams = plan.streams},
                                  [&] { return !stop.came(); });
  }
  if (!server) return std::unexpected(server.error());
  ProgressBar bar;
  const bool searches = plan.p99_ms > 0;
  bench::Trial trial(std::move(plan), **server, [&](const bench::Progress& progress) {
    bar.show(progress);
    return !stop.came();
  });
  return searches ? trial.search() : trial.run();
}

int finish(const Arguments& arguments, const bench::Report& report) {
  if (const std::string path = arguments.text("--html"); !path.empty()) {
    std::ofstream file(path, std::ios::trunc);
    file << bench::report_page(report) << std::flush;
    if (!file) return failed(arguments, path + " cannot be written");
  }
  std::string out =
      arguments.has("--json") ? config::dump(report.json, 2) + "\n" : bench::report_text(report);
  if (arguments.has("--compare")) {
    const auto before = report_of_file(arguments.text("--compare"));
    if (!before) return failed(arguments, before.error().detail);
    const std::string table = bench::comparison_text(*before, report);
    out = arguments.operands().empty() && !arguments.has("--json") ? out + "\n" + table : table;
  }
  if (const int code = print_result(out); code != kExitOk) return code;
  return bench::is_whole(report) ? kExitOk : kExitFailed;
}

}  // namespace

int bench(const Arguments& arguments) {
  if (!arguments.operands().empty()) {
    if (!arguments.has("--compare")) return misused(arguments, "FILE is for --compare");
    const auto second = report_of_file(arguments.operands()[0]);
    return second ? finish(arguments, *second) : failed(arguments, second.error().detail);
  }
  for (const char* option : {"--publish-socket", "--remote"}) {
    if (arguments.has(option) && !arguments.has("--to")) {
      return misused(arguments, std::string(option) + " needs --to");
    }
  }
  if (arguments.has("--set") && arguments.has("--to")) {
    return misused(arguments,
                   "--set is for the server that this command starts, --to names another");
  }
  if (arguments.has("--compare")) {  // Before minutes are spent on a run.
    const auto first = report_of_file(arguments.text("--compare"));
    if (!first) return failed(arguments, first.error().detail);
  }
  auto plan = plan_of(arguments);
  if (!plan) return misused(arguments, plan.error().detail);
  const auto report = measured(arguments, *std::move(plan));
  return report ? finish(arguments, *report) : failed(arguments, report.error().detail);
}

}  // namespace crier::cmd
