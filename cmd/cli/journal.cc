#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cmd/cli/commands.h"
#include "cmd/cli/journal_file.h"
#include "cmd/cli/report.h"
#include "cmd/client/http_client.h"
#include "cmd/system/journal_path.h"
#include "cmd/system/socket_path.h"
#include "config/json_value.h"
#include "net/socket/fd.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kRefusalBytesMax = std::size_t{64} << 10;

HttpClient client_of(const Arguments& arguments) {
  const std::string socket =
      arguments.has("--socket") ? arguments.text("--socket") : find_publish_socket();
  return {{.path = socket, .host = {}, .port = {}}, kAnswerTimeout};
}

auto ask_figures(HttpClient& client) {
  return client.exchange({.method = "GET", .target = "/journal", .fields = {}, .body = {}});
}

// What to do instead if the running daemon's journal has no file; empty: nothing.
std::string instead_of_file(const Arguments& arguments) {
  HttpClient client = client_of(arguments);
  const auto answer = ask_figures(client);
  if (!answer || answer->head.status != 200) return {};
  const config::Json figures = config::read_json(answer->body);
  if (!figures.is_object() || !figures.contains("stream") || !figures["stream"].is_string()) {
    return {};
  }
  const std::string stream = figures["stream"].get<std::string>();
  return "the daemon's journal is the stream " + stream +
         " of NATS, not a file: `nats stream backup " + stream +
         " DIRECTORY` copies it, `nats "
         "stream info " +
         stream + "` and `crier journal info` look at it";
}

int info(const Arguments& arguments) {
  HttpClient client = client_of(arguments);
  auto answer = ask_figures(client);
  if (!answer) return failed(arguments, answer.error().detail);
  if (answer->head.status != 200) return failed(arguments, describe_failure(*answer));
  const config::Json figures = config::read_json(answer->body);
  return figures.is_object() ? print_figures(arguments, figures)
                             : failed(arguments, "the answer is not a JSON object");
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Whether the file is as long as the head of an SQLite file says: size of a page, number of pages.
bool has_all_pages(int fd) {
  std::array<unsigned char, 32> head{};
  struct stat found{};
  if (::pread(fd, head.data(), head.size(), 0) != ssize_t{head.size()}) return false;
  if (::fstat(fd, &found) != 0) return false;
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + bytes; ++i) value = value << 8 | head[i];
    return value;
  };
  const std::uint64_t page = number(16, 2) == 1 ? 65'536 : number(16, 2);
  return page > 0 && page * number(28, 4) == static_cast<std::uint64_t>(found.st_size);
}

// Receives the copy into an open file. The error's detail is a sentence; `refused` is the answer
// if it is none.
Result<void> receive_copy(HttpClient& client, int fd, const std::string& file,
                          ClientResponse& refused) {
  int error = 0;
  const auto ended = client.stream(
      {.method = "GET", .target = "/journal/backup", .fields = {}, .body = {}},
      [&](const net::ResponseHead& head) {
        refused.head = head;
        return HttpClient::Then::go_on;
      },
      [&](std::string_view bytes) {
        if (refused.head.status != 200) {
          refused.body += bytes;
          return refused.body.size() < kRefusalBytesMax ? HttpClient::Then::go_on
                                                        : HttpClient::Then::stop;
        }
        if (!write_all(fd, bytes)) error = errno;
        return error == 0 ? HttpClient::Then::go_on : HttpClient::Then::stop;
      });
  if (error == 0 && ended && refused.head.status == 200 && ::fsync(fd) != 0) error = errno;
  if (error != 0) return net::os_failure(file, error);
  if (!ended) return ended;
  if (refused.head.status != 200) return fail(Errc::bad_request, describe_failure(refused));
  if (has_all_pages(fd)) return {};
  return fail(Errc::os, "the daemon could not make or read the whole copy; its log says why");
}

int back_up(const Arguments& arguments, const std::string& file) {
  const net::Fd copy(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy) return failed(arguments, net::os_failure(file).error().detail);
  HttpClient client = client_of(arguments);
  ClientResponse refused;
  const auto received = receive_copy(client, copy.get(), file, refused);
  if (received) return kExitOk;
  ::unlink(file.c_str());
  if (refused.head.status == 404) {
    if (const auto instead = instead_of_file(arguments); !instead.empty()) {
      return misused(arguments, instead);
    }
  }
  return failed(arguments, received.error().detail);
}

}  // namespace

int journal(const Arguments& arguments) {
  const auto& operands = arguments.operands();
  const std::string& action = operands[0];
  if (action == "info") {
    return operands.size() == 1 ? info(arguments) : misused(arguments, "`info` takes no FILE");
  }
  if (action == "backup") {
    return operands.size() == 2 ? back_up(arguments, operands[1])
                                : misused(arguments, "`backup` needs a FILE");
  }
  const std::pair<std::string_view, int (*)(const Arguments&, const std::string&)> of_file[] = {
      {"verify", &verify_journal},
      {"export", &export_journal},
      {"new-epoch", &begin_journal_epoch}};
  for (const auto& [name, run] : of_file) {
    if (action != name) continue;
    if (operands.size() == 2) return run(arguments, operands[1]);
    const std::string instead = instead_of_file(arguments);
    return instead.empty() ? run(arguments, default_journal_path()) : misused(arguments, instead);
  }
  return misused(arguments, "`" + action +
                                "` is not an action: use info, backup, verify, export or "
                                "new-epoch");
}

}  // namespace crier::cmd
