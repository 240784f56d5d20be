#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "cmd/cli/commands.h"
#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/screen.h"
#include "cmd/status/top_text.h"
#include "core/text/sse_parser.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kSampleBytesMax = 1024 * 1024;
constexpr std::chrono::seconds kAgain{1};
constexpr std::chrono::seconds kSilence{10};  // A daemon that hangs sends no sample.

// The daemon's samples, on the screen from the first one on.
class TopRun {
 public:
  TopRun(const Arguments& arguments, ServerAddress address)
      : arguments_(arguments), client_(std::move(address), kAnswerTimeout) {}

  int run() {
    while (true) {
      const auto code = run_stream();
      if (code) return *code;
      screen_->change([this] { samples_.trouble = "connection lost, connecting again"; });
      std::this_thread::sleep_for(kAgain);
    }
  }

 private:
  using Then = HttpClient::Then;

  // Shows one connection's samples. Returns the exit code, or nothing to connect again.
  std::optional<int> run_stream();
  void take(std::string sample);

  const Arguments& arguments_;
  HttpClient client_;
  TopSamples samples_;
  std::unique_ptr<Screen> screen_;  // From the first sample on.
};

std::optional<int> TopRun::run_stream() {
  ClientResponse answer;
  SseParser parser(kSampleBytesMax);
  const auto on_head = [&](const net::ResponseHead& head) {
    answer.head = head;
    return Then::go_on;
  };
  const auto on_body = [&](std::string_view piece) {
    if (answer.head.status != 200) {
      answer.body.append(piece.substr(0, kSampleBytesMax - answer.body.size()));
      return Then::go_on;
    }
    const bool readable = parser.feed(piece, [this](const SseMessage& message) {
      if (message.event == "sample") take(message.data);
    });
    return readable ? Then::go_on : Then::stop;
  };
  const auto ended = client_.stream({.method = "GET", .target = "/stats", .fields = {}, .body = {}},
                                    on_head, on_body, kSilence);
  if (screen_) return std::nullopt;
  if (!ended) return failed(arguments_, unanswered(ended.error()));
  return failed(arguments_,
                answer.head.status == 200 ? "the answer has no samples" : describe_failure(answer));
}

void TopRun::take(std::string sample) {
  if (!top_text({.now = sample, .before = {}, .trouble = {}}, 1, 1)) return;
  if (!screen_) {
    screen_ = std::make_unique<Screen>([this](ScreenSize size) {
      return top_text(samples_, size.columns, size.rows).value_or("");
    });
  }
  screen_->change([&] {
    samples_ = {.now = std::move(sample), .before = std::move(samples_.now), .trouble = {}};
  });
}

}  // namespace

int top(const Arguments& arguments) {
  auto address = parse_address(arguments.text("--admin", "127.0.0.1:8081"));
  if (!address) return misused(arguments, address.error().detail);
  if (!Screen::possible()) {
    return misused(arguments,
                   "needs a terminal; to read figures from a script: `crier status "
                   "--json --watch 1`");
  }
  return TopRun(arguments, *std::move(address)).run();
}

}  // namespace crier::cmd
