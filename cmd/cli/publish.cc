#include "cmd/cli/commands.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "cmd/cli/report.h"
#include "cmd/client/event_json.h"
#include "cmd/client/line_reader.h"
#include "cmd/client/publisher.h"
#include "cmd/system/socket_path.h"
#include "config/json_value.h"
#include "core/text/topic_text.h"
#include "core/topic.h"

namespace crier::cmd {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The most an event may ever be (limits.event_bytes_max); the daemon's own limit is usually lower.
constexpr std::size_t kEventBytesMax = 1024 * 1024;
// How long a line waits for further lines of its batch.
constexpr milliseconds kBatchWait{50};

// One run of the command. Methods return the exit code.
class PublishRun {
 public:
  explicit PublishRun(const Arguments& arguments)
      : arguments_(arguments),
        as_{.topic = arguments.operands()[0],
            .event = arguments.text("--event"),
            .key = arguments.text("--key"),
            .json = arguments.has("--json")},
        publisher_(ServerAddress{.path = arguments.has("--socket") ? arguments.text("--socket")
                                                                   : find_publish_socket(),
                                 .host = {},
                                 .port = {}},
                   [](std::chrono::seconds delay) { std::this_thread::sleep_for(delay); }) {}

  int publish_one(std::string_view data);
  int publish_lines(int fd);

 private:
  int send_batch(const LineBatch& batch);
  int report(const std::string& answer) const;

  const Arguments& arguments_;
  PublishAs as_;
  Publisher publisher_;
  std::size_t lines_sent_ = 0;
};

int PublishRun::publish_one(std::string_view data) {
  ClientRequest request{
      .method = "POST", .target = "/topics/" + as_.topic, .fields = {}, .body = data};
  std::string object;
  if (as_.json) {
    auto made = publish_object(as_, data);
    if (!made) return failed(arguments_, "the data " + made.error().detail);
    object = *std::move(made);
    request.target = "/publish";
    request.fields = {{"Content-Type", "application/json"}};
    request.body = object;
  } else {
    if (!as_.event.empty()) request.target += "?event=" + percent_encoded(as_.event);
    if (!as_.key.empty()) request.fields = {{"Idempotency-Key", as_.key}};
  }
  const auto answer = publisher_.post(request);
  return answer ? report(*answer) : failed(arguments_, answer.error().detail);
}

int PublishRun::report(const std::string& answer) const {
  if (!arguments_.has("--verbose")) return kExitOk;
  const config::Json json = config::read_json(answer);
  std::string line;
  if (json.is_object() && json.contains("id") && json["id"].is_string()) {
    line = json["id"].get<std::string>();
  } else if (json.is_object() && json.contains("first_id") && json["first_id"].is_string() &&
             json.contains("last_id") && json["last_id"].is_string()) {
    line = json["first_id"].get<std::string>() + " " + json["last_id"].get<std::string>();
  } else {
    line = answer;
  }
  return print_result(line + "\n");
}

int PublishRun::send_batch(const LineBatch& batch) {
  const auto answer = publisher_.post({.method = "POST",
                                       .target = "/publish",
                                       .fields = {{"Content-Type", "application/x-ndjson"}},
                                       .body = batch.body()});
  if (!answer) {
    return failed(arguments_, "lines " + std::to_string(lines_sent_ + 1) + " to " +
                                  std::to_string(lines_sent_ + batch.lines()) +
                                  " of standard input failed: " + answer.error().detail);
  }
  lines_sent_ += batch.lines();
  return report(*answer);
}

int PublishRun::publish_lines(int fd) {
  using Outcome = LineReader::Outcome;
  LineReader reader(fd, kEventBytesMax);
  LineBatch batch(as_);
  Clock::time_point deadline;
  while (true) {
    std::optional<milliseconds> wait;
    if (batch.lines() > 0) {
      wait = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(deadline - Clock::now()));
    }
    const Outcome outcome = reader.next(wait);
    std::string problem;
    if (outcome == Outcome::line) {
      if (batch.lines() == 0) deadline = Clock::now() + kBatchWait;
      if (const auto added = batch.add(reader.line()); !added) problem = added.error().detail;
      if (problem.empty() && !batch.full() && Clock::now() < deadline) continue;
    } else if (outcome == Outcome::too_long) {
      problem = "is longer than " + std::to_string(kEventBytesMax) + " bytes";
    } else if (outcome == Outcome::failed) {
      problem = std::string("cannot be read: ") + std::strerror(errno);
    }
    const std::size_t line_number = lines_sent_ + batch.lines() + 1;
    // Lines before a bad one are published all the same: they may be the only copy.
    if (batch.lines() > 0) {
      if (const int code = send_batch(batch); code != kExitOk) return code;
      batch.clear();
    }
    if (!problem.empty()) {
      return failed(arguments_, "line " + std::to_string(line_number) + " " + problem);
    }
    if (outcome == Outcome::end) return kExitOk;
  }
}

// All of standard input, without one final line end.
Result<std::string> read_all(int fd) {
  std::string data;
  while (data.size() <= kEventBytesMax + 1) {
    const std::size_t size = data.size();
    data.resize(size + 64 * 1024);
    const ssize_t got = ::read(fd, data.data() + size, 64 * 1024);
    const int error = errno;
    data.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
    if (got < 0 && error != EINTR) {
      return fail(Errc::os, std::string("cannot read standard input: ") + std::strerror(error));
    }
  }
  if (data.ends_with('\n')) data.pop_back();
  if (data.ends_with('\r')) data.pop_back();
  if (data.size() > kEventBytesMax) {
    return fail(Errc::limit_reached,
                "standard input is more than " + std::to_string(kEventBytesMax) +
                    " bytes, too long for one event; --lines makes each line one");
  }
  return data;
}

}  // namespace

int publish(const Arguments& arguments) {
  const auto& operands = arguments.operands();
  if (!valid_topic(operands[0])) {
    return misused(arguments, describe_bad_topic(operands[0]));
  }
  if (arguments.has("--key") && arguments.text("--key").empty()) {
    return misused(arguments, "--key must be 1 to 255 bytes of printable ASCII, not empty");
  }
  const bool has_data = operands.size() > 1 && operands[1] != "-";
  if (arguments.has("--lines")) {
    if (has_data)
      return misused(arguments, "--lines reads standard input, so DATA cannot be given");
    if (arguments.has("--key"))
      return misused(arguments, "--key is for one event, --lines for many");
    return PublishRun(arguments).publish_lines(STDIN_FILENO);
  }
  if (has_data) return PublishRun(arguments).publish_one(operands[1]);
  const auto data = read_all(STDIN_FILENO);
  return data ? PublishRun(arguments).publish_one(*data) : failed(arguments, data.error().detail);
}

}  // namespace crier::cmd
