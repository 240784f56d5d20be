#include "cmd/cli/commands.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/status_text.h"
#include "cmd/client/terminal.h"

namespace crier::cmd {
namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};

Result<ClientResponse> get(HttpClient& client, const char* path) {
  return client.exchange({.method = "GET", .target = path, .fields = {}, .body = {}});
}

// A sentence, whether the daemon answered with its JSON or with plain text.
std::string detail_of(const ClientResponse& answer) {
  const std::string line =
      answer.body.substr(0, std::min<std::size_t>(answer.body.find('\n'), 200));
  return line.empty() || line.starts_with('{') ? describe_failure(answer) : line;
}

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

int status(const Arguments& arguments) {
  auto address = parse_address(arguments.text("--admin", "127.0.0.1:8081"));
  if (!address) return misused(arguments, address.error().detail);
  HttpClient client(*std::move(address), kTimeout);
  const auto metrics = get(client, "/metrics");
  if (!metrics) {
    const bool nobody = metrics.error().code == Errc::not_found;
    return failed(arguments, metrics.error().detail +
                                 (nobody ? "; is `crier serve` running? --admin says where" : ""));
  }
  if (metrics->head.status != 200) return failed(arguments, describe_failure(*metrics));
  const auto ready = get(client, "/readyz");
  if (!ready) return failed(arguments, ready.error().detail);

  const StatusFacts facts{.ready = ready->head.status == 200,
                          .ready_detail = detail_of(*ready),
                          .metrics = MetricsText::parse(metrics->body),
                          .now_unix_seconds = unix_seconds()};
  const std::string text =
      arguments.has("--json") ? status_json(facts) : printable(status_text(facts), Keep::lines);
  return print_result(text);
}

}  // namespace crier::cmd
