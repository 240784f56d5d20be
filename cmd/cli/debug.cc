#include "cmd/cli/commands.h"

#include <chrono>
#include <cmath>
#include <string>

#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/client/terminal.h"
#include "config/json_value.h"

namespace crier::cmd {
namespace {

constexpr const char* kPath = "/debug/log";

// One rule: "3 topic=orders address=10.0.0.0/8  287 s left  by uid 0\n"
std::string line_of(const config::Json& rule) {
  std::string line =
      std::to_string(rule.at("id").get_ref<const config::Json::number_unsigned_t&>());
  for (const char* key : {"topic", "address"}) {
    if (rule.at(key).is_string()) line += " " + (key + ("=" + rule.at(key).get<std::string>()));
  }
  const auto seconds = std::lround(std::ceil(rule.at("seconds_left").get<double>()));
  return line + "  " + std::to_string(seconds) + " s left  by " + rule.at("by").get<std::string>() +
         "\n";
}

// nullopt: not what a crier answers.
std::optional<std::string> text_of(const std::string& body) {
  try {
    std::string text;
    const config::Json answer = config::read_json(body);
    for (const config::Json& rule : answer.at("rules")) text += line_of(rule);
    return text.empty() ? "no debug rules are in force\n" : text;
  } catch (const config::Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

int debug(const Arguments& arguments) {
  auto address = parse_address(arguments.text("--admin", "127.0.0.1:8081"));
  if (!address) return misused(arguments, address.error().detail);
  const bool adds = arguments.has("--topic") || arguments.has("--address");
  if (adds && arguments.has("--off")) {
    return misused(arguments, "--off cannot be combined with --topic or --address");
  }
  if (!adds && arguments.has("--seconds")) {
    return misused(arguments, "--seconds needs --topic or --address");
  }
  if (!arguments.has("--off") && !arguments.operands().empty()) {
    return misused(arguments, "a rule's number needs --off");
  }

  ClientRequest request{.method = "GET", .target = kPath, .fields = {}, .body = {}};
  if (adds) {
    request.method = "POST";
    char separator = '?';
    for (const std::string name : {"topic", "address", "seconds"}) {
      const std::string option = "--" + name;
      if (!arguments.has(option)) continue;
      const std::string value =
          name == "seconds" ? std::to_string(*arguments.number(option)) : arguments.text(option);
      request.target += separator + name + "=" + percent_encoded(value);
      separator = '&';
    }
  } else if (arguments.has("--off")) {
    request.method = "DELETE";
    if (!arguments.operands().empty()) {
      request.target += "?id=" + percent_encoded(arguments.operands().front());
    }
  }
  const auto answer = HttpClient(*std::move(address), kAnswerTimeout).exchange(request);
  if (!answer) return failed(arguments, unanswered(answer.error()));
  if (answer->head.status != 200) return failed(arguments, describe_failure(*answer));
  const auto text = text_of(answer->body);
  if (!text) return failed(arguments, "the server's answer does not come from crier");
  return print_result(printable(*text, Keep::lines));
}

}  // namespace crier::cmd
