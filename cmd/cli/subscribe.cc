#include "cmd/cli/commands.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "cmd/cli/interrupt.h"
#include "cmd/cli/report.h"
#include "cmd/client/backoff.h"
#include "cmd/client/http_client.h"
#include "cmd/client/terminal.h"
#include "cmd/client/topic_follower.h"
#include "core/text/decimal.h"
#include "core/text/topic_text.h"
#include "core/topic.h"

namespace crier::cmd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSilenceMax{30'000};
// The daemon's events are at most 1 MiB; another server's may be larger.
constexpr std::size_t kReceivedBytesMax = 8 * 1024 * 1024;
constexpr std::size_t kErrorBytesMax = 64 * 1024;
constexpr std::chrono::seconds kRetryAfterMax{300};

bool is_event_stream(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return type.substr(0, type.find_last_not_of(" \t") + 1) == "text/event-stream";
}

// Returns true if the same request may succeed later.
bool is_passing(int status) {
  return status == 408 || status == 429 || status >= 500;
}

milliseconds retry_after(std::string_view text) {
  const auto seconds = parse_decimal<std::uint32_t>(text);
  return seconds ? std::min(std::chrono::seconds{*seconds}, kRetryAfterMax)
                 : std::chrono::seconds{0};
}

std::string hint(const Error& error) {
  return error.code == Errc::not_found ? "; is `crier serve` running? --url says where" : "";
}

class SubscribeRun {
 public:
  SubscribeRun(const Arguments& arguments, const ServerUrl& url, SubscribeAs as)
      : arguments_(arguments),
        client_(url.address, kSilenceMax),
        follower_(std::move(as), {.print = &print_whole, .warn = [this](std::string_view text) {
                                    warn(arguments_, text);
                                  }}) {}

  int run();

 private:
  static bool print_whole(std::string_view text) {
    const Uninterrupted whole;
    return print_out(text);
  }

  // Serves one connection until it ends. Returns the exit code, or nothing to connect again.
  std::optional<int> run_stream();
  std::optional<int> judge_answer(const ClientResponse& answer);
  std::optional<int> judge_end(const Result<void>& end);

  const Arguments& arguments_;
  HttpClient client_;
  TopicFollower follower_;
  Backoff backoff_;
  milliseconds delay_min_{0};
  bool ever_served_ = false;
};

int SubscribeRun::run() {
  std::mt19937 random{std::random_device{}()};
  while (true) {
    delay_min_ = milliseconds{0};
    if (const auto code = run_stream()) return *code;
    const auto delay = backoff_.next(static_cast<std::uint32_t>(random()));
    std::this_thread::sleep_for(std::max(delay, delay_min_));
  }
}

std::optional<int> SubscribeRun::run_stream() {
  using Then = HttpClient::Then;
  SseParser parser(kReceivedBytesMax);
  ClientResponse answer;
  bool streaming = false;
  bool readable = true;
  follower_.begin_stream();
  const auto on_head = [&](const net::ResponseHead& head) {
    answer.head = head;
    streaming = head.status == 200 && is_event_stream(head.field("content-type"));
    return Then::go_on;
  };
  const auto on_body = [&](std::string_view piece) {
    if (!streaming) {
      answer.body.append(piece.substr(0, kErrorBytesMax - answer.body.size()));
      return answer.body.size() < kErrorBytesMax ? Then::go_on : Then::stop;
    }
    readable = parser.feed(piece, [&](const SseMessage& m) { follower_.on_message(m); });
    return readable && follower_.state() == TopicFollower::State::going ? Then::go_on : Then::stop;
  };
  const auto end = client_.stream(follower_.request(), on_head, on_body);

  if (follower_.state() == TopicFollower::State::counted) return kExitOk;
  if (follower_.state() == TopicFollower::State::closed) return kExitOk;
  if (follower_.state() == TopicFollower::State::output_failed) return kExitFailed;
  if (follower_.state() == TopicFollower::State::unverified) return kExitFailed;
  if (!readable) return failed(arguments_, "an event is larger than 8 MiB; giving up");
  if (answer.head.status != 0 && !streaming) return judge_answer(answer);
  if (const auto retry = parser.retry_ms()) backoff_.set_retry(milliseconds{*retry});
  return judge_end(end);
}

std::optional<int> SubscribeRun::judge_answer(const ClientResponse& answer) {
  if (answer.head.status == 204) {
    warn(arguments_, "all topics are closed");
    return kExitOk;
  }
  if (answer.head.status == 200) return failed(arguments_, "the answer is not an event stream");
  const std::string failure = describe_failure(answer);
  if (!is_passing(answer.head.status)) return failed(arguments_, failure);
  delay_min_ = retry_after(answer.head.field("retry-after"));
  warn(arguments_, failure + "; trying again");
  return std::nullopt;
}

std::optional<int> SubscribeRun::judge_end(const Result<void>& end) {
  if (follower_.served()) {
    ever_served_ = true;
    backoff_.worked();
    if (!end) warn(arguments_, "the connection was lost; connecting again");
    return std::nullopt;
  }
  // A wrong address should not be tried for ever; a daemon that is restarting should.
  if (!end && !ever_served_) return failed(arguments_, end.error().detail + hint(end.error()));
  return std::nullopt;
}

}  // namespace

int subscribe(const Arguments& arguments) {
  const auto url = parse_url(arguments.text("--url", "http://127.0.0.1:8080"));
  if (!url) return misused(arguments, url.error().detail);
  for (const std::string& topic : arguments.operands()) {
    if (topic.find("://") != std::string::npos) {
      const auto given = parse_url(topic);
      return misused(arguments, given ? "give `" + topic + "` with --url, and topics without it"
                                      : given.error().detail);
    }
    if (!valid_pattern(topic)) return misused(arguments, describe_bad_pattern(topic));
  }
  SubscribeAs as{.topics = arguments.operands(),
                 .base = url->base,
                 .last_event_id = arguments.text("--last-event-id"),
                 .from = arguments.text("--from"),
                 .json = arguments.has("--json"),
                 .all = arguments.has("--all"),
                 .escape = ::isatty(STDOUT_FILENO) == 1,
                 .verify = arguments.has("--verify"),
                 .count = arguments.number("--count")};
  if (arguments.has("--from") && !valid_from(as.from)) {
    return misused(arguments, "--from is `earliest`, `latest` or `last=N`, not `" + as.from + "`");
  }
  if (arguments.has("--from") && arguments.has("--last-event-id")) {
    return misused(arguments, "--from and --last-event-id exclude each other");
  }
  if (as.count == 0) return kExitOk;
  exit_on_interrupt();
  return SubscribeRun(arguments, *url, std::move(as)).run();
}

}  // namespace crier::cmd
