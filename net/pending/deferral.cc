// Requests that are answered later; see "Deferral" in pending_requests.h.
#include <utility>

#include "core/check.h"
#include "net/pending/pending_requests.h"

namespace crier::net {

std::optional<PendingRequests::Deferred> PendingRequests::deferred(DeferralToken token) {
  if (!pool_.defers(token)) return std::nullopt;
  const PendingRequest& request = pool_[token.row];
  return Deferred{request.reader->request(), request.connection()};
}

bool PendingRequests::answer(DeferralToken token, Reply reply, Instant now) {
  const bool there = pool_.defers(token);
  CRIER_CHECK(there || reply.then != Reply::Then::taken);
  if (there) go_on(token.row, finish(token.row, std::move(reply), now));
  return there;
}

PendingRequests::Step PendingRequests::defer(std::uint32_t row, Instant now) {
  PendingRequest& request = pool_[row];
  pool_.enter(row, PendingPhase::deferred, after_ms(now, limits_.deferred_ms));
  request.deferral = ++deferrals_;
  handler_.on_deferred({row, request.deferral}, request.reader->request(), request.connection());
  return Step::waiting;
}

// After answer(), requests that arrived meanwhile and the drain's close wait for run().
void PendingRequests::go_on(std::uint32_t row, Step step) {
  if (step == Step::answered && (closes_idle_ || !pool_[row].input.empty())) queue(row, work_);
}

// Keeps the bytes that the client sends while its request is deferred, and notices its FIN.
void PendingRequests::hold(std::uint32_t row, std::string_view bytes) {
  do {
    std::string& held = pool_[row].input;
    if (held.size() + bytes.size() > kHeldBytesMax) {
      counters_.abandoned.add();
      drop(row);
      return;
    }
    held.append(bytes);
  } while (read_some(row, bytes) == Step::more);
}

}  // namespace crier::net
