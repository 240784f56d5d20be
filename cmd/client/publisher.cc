#include "cmd/client/publisher.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace crier::cmd {
namespace {

using std::chrono::seconds;

constexpr seconds kDelayMin{1};
constexpr std::chrono::seconds kTimeout{30};

// Reads Retry-After in seconds: the daemon never sends a date there.
seconds retry_after(std::string_view text) {
  seconds::rep delay = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), delay);
  if (error == std::errc::result_out_of_range) return Publisher::kPatience;
  if (error != std::errc{} || end != text.data() + text.size()) return kDelayMin;
  return std::clamp(seconds{delay}, kDelayMin, Publisher::kPatience);
}

// Says what helps if the socket cannot be reached.
Error advised(const ServerAddress& server, Error error) {
  if (server.path.empty()) return error;
  if (error.code == Errc::not_found) {
    error.detail += "; is `crier serve` running? --socket or $CRIER_SOCKET names its socket";
  } else if (error.code == Errc::denied) {
    error.detail +=
        "; publishers must be in the socket's group, which `ls -l` shows: `adduser USER GROUP`, "
        "then restart what publishes, or log in again";
  }
  return error;
}

}  // namespace

std::optional<seconds> retry_delay(const net::ResponseHead& head, seconds waited) {
  if (head.status != 429 && head.status != 503) return std::nullopt;
  const seconds delay = retry_after(head.field("retry-after"));
  if (waited + delay > Publisher::kPatience) return std::nullopt;
  return delay;
}

Publisher::Publisher(ServerAddress server, Sleep sleep)
    : client_(std::move(server), kTimeout), sleep_(std::move(sleep)) {}

Result<std::string> Publisher::post(const ClientRequest& request) {
  seconds waited{0};
  while (true) {
    auto response = client_.exchange(request);
    std::optional<seconds> delay;
    if (response) {
      has_answered_ = true;
      if (response->head.status == 202) return std::move(response->body);
      delay = retry_delay(response->head, waited);
      if (!delay) return fail(Errc::bad_request, describe_failure(*response));
    } else {
      const bool absent = response.error().code == Errc::not_found;
      if (absent && has_answered_ && waited < kPatience) delay = kDelayMin;
      if (!delay) return std::unexpected(advised(client_.server(), response.error()));
    }
    sleep_(*delay);
    waited += *delay;
  }
}

}  // namespace crier::cmd
