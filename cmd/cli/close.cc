#include <string>
#include <thread>

#include "cmd/cli/commands.h"
#include "cmd/cli/report.h"
#include "cmd/client/publisher.h"
#include "cmd/system/socket_path.h"
#include "core/text/topic_text.h"
#include "core/topic.h"

namespace crier::cmd {

int close_topic(const Arguments& arguments) {
  const auto& operands = arguments.operands();
  if (!valid_topic(operands[0])) return misused(arguments, describe_bad_topic(operands[0]));
  ClientRequest request{
      .method = "DELETE", .target = "/topics/" + operands[0], .fields = {}, .body = {}};
  if (operands.size() > 1) request.body = operands[1];
  if (arguments.has("--event")) {
    request.target += "?event=" + percent_encoded(arguments.text("--event"));
  }
  if (arguments.has("--key")) request.fields = {{"Idempotency-Key", arguments.text("--key")}};
  const std::string socket =
      arguments.has("--socket") ? arguments.text("--socket") : find_publish_socket();
  Publisher publisher({.path = socket, .host = {}, .port = {}},
                      [](std::chrono::seconds delay) { std::this_thread::sleep_for(delay); });
  const auto answer = publisher.post(request);
  return answer ? kExitOk : failed(arguments, answer.error().detail);
}

}  // namespace crier::cmd
