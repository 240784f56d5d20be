#include "cmd/cli/commands.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "cmd/cli/interrupt.h"
#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/terminal.h"
#include "cmd/status/status_text.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kWatchSecondsMax = 86'400;
constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

// The figures as text or JSON. The error's detail is a sentence.
Result<std::string> asked(HttpClient& client, bool json) {
  auto answer = client.exchange({.method = "GET", .target = "/status", .fields = {}, .body = {}});
  if (!answer) return fail(answer.error().code, unanswered(answer.error()));
  if (answer->head.status != 200) return fail(Errc::bad_request, describe_failure(*answer));
  auto text = status_text(answer->body);
  if (!text) return text;
  return json ? std::move(answer->body) : printable(*text, Keep::lines);
}

}  // namespace

int status(const Arguments& arguments) {
  auto address = parse_address(arguments.text("--admin", "127.0.0.1:8081"));
  if (!address) return misused(arguments, address.error().detail);
  const auto seconds = arguments.number("--watch");
  if (seconds && (*seconds == 0 || *seconds > kWatchSecondsMax)) {
    return misused(arguments, "--watch is 1 to 86,400 seconds");
  }
  HttpClient client(*std::move(address), kAnswerTimeout);
  auto report = asked(client, arguments.has("--json"));
  if (!report) return failed(arguments, report.error().detail);
  if (!seconds) return print_result(*report);

  exit_on_interrupt();
  const bool clears = ::isatty(STDOUT_FILENO) == 1 && !arguments.has("--json");
  while (true) {
    if (report && !print_out((clears ? kClearScreen : "") + *report)) return kExitFailed;
    if (!report) warn(arguments, report.error().detail);
    std::this_thread::sleep_for(std::chrono::seconds(*seconds));
    report = asked(client, arguments.has("--json"));
  }
}

}  // namespace crier::cmd
