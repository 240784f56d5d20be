#include "cmd/daemon/control/accepted_reply.h"

#include "net/http/http_date.h"
#include "net/http/reply.h"

namespace crier::cmd {
namespace {

// The head of a 202, up to the number in Content-Length.
std::string accepted_head(bool keep_alive) {
  std::string head = net::ReplyBuilder(202)
                         .options({.keep_alive = keep_alive})
                         .field("Content-Type", net::kJsonType)
                         .finish();
  head.resize(head.size() - 2);  // Removes the blank line.
  return head;
}

}  // namespace

std::string AcceptedReply::reply(std::string_view body, bool keep_alive, bool replayed,
                                 std::string_view trace_id) {
  if (const std::string_view date = net::http_date_now(); date_ != date) {
    date_ = date;
    heads_ = {accepted_head(false), accepted_head(true)};
  }
  std::string bytes;
  bytes.reserve(512);
  bytes.append(heads_[keep_alive ? 1 : 0]);
  if (replayed) bytes.append("Idempotency-Replayed: true\r\n");
  if (!trace_id.empty()) bytes.append("X-Trace-Id: ").append(trace_id).append("\r\n");
  bytes.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  bytes.append(body);
  return bytes;  // Moved: what append() returns would be copied.
}

}  // namespace crier::cmd
