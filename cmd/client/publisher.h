// Sends publish requests, and sends a request again if that cannot publish an event twice.
//
// Belongs to one thread; calls block.
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

  // The sum of all waits for one request.
  static constexpr std::chrono::seconds kPatience{30};

  // The publisher waits by calling `sleep`; tests pass one that returns at once.
  Publisher(ServerAddress server, Sleep sleep);

  // Sends `request` and returns the body of the daemon's 202.
  //
  // After 429 and 503 the event is not in the log: the publisher sends the request again after the
  // time in Retry-After, until kPatience is used up. It does the same when nothing listens any more
  // at an address that has answered before, as during a restart. It returns any other failure at
  // once: either the daemon will never accept the event, or it may have accepted it already.
  Result<std::string> post(const ClientRequest& request);

 private:
  HttpClient client_;
  Sleep sleep_;
  bool has_answered_ = false;
};

// The wait before the next attempt, or nothing if the answer is final or the wait would exceed
// Publisher::kPatience. `waited`: the sum of the waits before.
std::optional<std::chrono::seconds> retry_delay(const net::ResponseHead& head,
                                                std::chrono::seconds waited);

}  // namespace crier::cmd
