// The reasons to refuse a request of a publisher, and the answer for each. Metrics and log lines
// use the words of this list. Constants; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier::cmd {

// The reasons to refuse a request, for counting.
enum class PublishRefusal : std::uint8_t {
  malformed,     // 400
  forbidden,     // 403: the peer is not listed, or the request comes from a web page.
  not_found,     // 404
  method,        // 405
  closed,        // 409: an event for a topic that is closed.
  too_large,     // 413
  content_type,  // 415
  key_reused,    // 422; 409 if the answer to its first use cannot be had.
  rate,          // 429: the user publishes faster than publish.rate allows.
  draining,      // 503
  busy,          // 503: a worker did not answer a question, or too many are waiting.
  no_space,      // 507: the journal has no room.
  journal,       // 503: the journal cannot commit now.
  memory,        // 503: limits.memory_max is nearly reached.
  head,          // The server refused it before it was a complete request, with any status.
};
constexpr std::array<std::string_view, 15> names_of(PublishRefusal /*selects*/) {
  return {"malformed", "forbidden",    "not_found",  "method", "closed",
          "too_large", "content_type", "key_reused", "rate",   "draining",
          "busy",      "no_space",     "journal",    "memory", "head"};
}

// What is answered, by reason.
struct RefusalRow {
  int status;
  std::string_view code;
  std::uint32_t retry_after_seconds = 0;  // 0: not said.
};

inline constexpr std::array<RefusalRow, kNamesOf<PublishRefusal>.size()> kRefusalRows = {{
    {400, "bad_request"},
    {403, "forbidden"},
    {404, "not_found"},
    {405, "method_not_allowed"},
    {409, "topic_closed"},
    {413, "content_too_large"},
    {415, "unsupported_media_type"},
    {422, "idempotency_key_reused"},
    {429, "rate_limited", 1},
    {503, "draining", 5},  // The default drain window, and a restart.
    {503, "busy", 1},
    {507, "no_space", 30},  // The operator has to make room.
    {503, "journal", 5},
    {503, "memory", 30},
    {400, "bad_request"},
}};

inline constexpr RefusalRow kAnswerLost = {409, "idempotency_answer_lost"};

inline const RefusalRow& row_of(PublishRefusal refusal) {
  return kRefusalRows[static_cast<std::size_t>(refusal)];
}

}  // namespace crier::cmd
