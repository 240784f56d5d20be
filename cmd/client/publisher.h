// Sends publish requests, and tries again where the daemon says that this helps.
//
// Belongs to one thread; calls wait.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "cmd/client/http_client.h"
#include "core/result.h"

namespace crier::cmd {

class Publisher {
 public:
  using Sleep = std::function<void(std::chrono::seconds)>;

  // How long to keep trying one request, all waits together.
  static constexpr std::chrono::seconds kPatience{30};

  // `sleep` is how to wait; tests do not.
  Publisher(ServerAddress server, Sleep sleep);

  // The body of the daemon's 202. After 429 and 503 the event is not in the log, so the request is
  // sent again when Retry-After says, until kPatience is used up; so it is when nobody listens any
  // more at an address that has answered before (a restart). Any other failure is returned at once:
  // whether the event was accepted is then unknown, or it never will be.
  Result<std::string> post(const ClientRequest& request);

 private:
  HttpClient client_;
  Sleep sleep_;
  bool has_answered_ = false;
};

// How long to wait before trying again, or nothing if an answer like this is final or patience is
// used up.
std::optional<std::chrono::seconds> retry_delay(const net::ResponseHead& head,
                                                std::chrono::seconds waited);

}  // namespace crier::cmd
