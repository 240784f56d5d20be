#include "cmd/cli/commands.h"

#include <string>

#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/terminal.h"
#include "cmd/status/status_text.h"

namespace crier::cmd {

int status(const Arguments& arguments) {
  auto address = parse_address(arguments.text("--admin", "127.0.0.1:8081"));
  if (!address) return misused(arguments, address.error().detail);
  HttpClient client(*std::move(address), kAnswerTimeout);
  const auto answer =
      client.exchange({.method = "GET", .target = "/status", .fields = {}, .body = {}});
  if (!answer) return failed(arguments, unanswered(answer.error()));
  if (answer->head.status != 200) return failed(arguments, describe_failure(*answer));
  const auto text = status_text(answer->body);
  if (!text) return failed(arguments, text.error().detail);
  return print_result(arguments.has("--json") ? answer->body : printable(*text, Keep::lines));
}

}  // namespace crier::cmd
