#include "net/pending/pending_requests.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/check.h"
#include "net/http/head_refusals.h"
#include "net/http/proxy_header.h"
#include "net/socket/socket_ops.h"

namespace crier::net {

static constexpr Refusal kTooSlow{408, "request_timeout",
                                  "The request head did not arrive in time."};

PendingRequests::PendingRequests(const PendingLimits& limits, ReadySet& ready,
                                 RequestHandler& handler)
    : limits_(limits),
      ready_(ready),
      handler_(handler),
      // One row more, so that a new connection is served before an older one is evicted.
      pool_(limits.capacity + 1, limits.head) {
  CRIER_CHECK(limits.capacity > 0);
}

PendingRequests::~PendingRequests() = default;

void PendingRequests::accept(const Accepted& connection, Instant now) {
  CRIER_CHECK(connection.fd >= 0);
  counters_.accepted.add();
  if (handler_.turns_away(connection.peer, now)) return turn_away(connection.fd);
  const auto rented = pool_.rent(after_ms(now, limits_.head_ms));
  CRIER_CHECK(rented.has_value());  // Between two calls at most `capacity` rows are rented.
  const std::uint32_t row = *rented;
  PendingRequest& request = pool_[row];
  request.socket.reset(connection.fd);
  request.peer = connection.peer;
  request.canary = connection.canary;
  request.proxy_protocol = handler_.proxy_protocol(connection.peer);
  const std::uint32_t generation = request.generation;

  serve(row, now);
  if (!pool_.holds(row, generation) || !watch(row)) return;
  if (pool_.rented() > limits_.capacity) evict_one(row);
}

void PendingRequests::on_ready(const Ready& ready, Instant now) {
  CRIER_CHECK(is_pending(ready.token));
  const std::uint32_t row = row_of(ready.token);
  if (!pool_.holds(row, ready.token.generation)) return;
  if (ready.error) {
    if (pool_[row].phase != PendingPhase::linger) counters_.abandoned.add();
    drop(row);
    return;
  }
  // While an answer waits to be written, input waits as well; serve() follows the flush.
  const bool flushing = pool_[row].phase == PendingPhase::flush;
  if (flushing ? ready.writable : ready.readable || ready.peer_closed) resume(row, now);
}

void PendingRequests::run(Instant now) {
  for (std::size_t left = std::min(work_.size(), kRowsPerRun); left > 0; --left) {
    const Token token = work_.front();
    work_.pop_front();
    const std::uint32_t row = row_of(token);
    if (!pool_.holds(row, token.generation)) continue;
    pool_[row].queued = false;
    resume(row, now);
  }
  if (more_are_due_) expire_some(now);
}

void PendingRequests::sweep(Instant now) {
  work_.insert(work_.end(), starved_.begin(), starved_.end());
  starved_.clear();
  expire_some(now);
  counters_.held.set(pool_.rented());
  counters_.heads.set(pool_.readers());
}

void PendingRequests::expire_some(Instant now) {
  std::size_t left = kRowsPerRun;
  for (const PendingPhase phase : {PendingPhase::head, PendingPhase::idle, PendingPhase::deferred,
                                   PendingPhase::flush, PendingPhase::linger}) {
    for (; left > 0; --left) {
      const auto row = pool_.oldest(phase);
      if (!row || pool_[*row].deadline > now) break;
      expire(*row, now);
    }
  }
  more_are_due_ = left == 0;
}

void PendingRequests::close_idle(Instant now) {
  closes_idle_ = true;
  // A row that is served leaves the front of the list, so each row is served once.
  for (std::size_t left = pool_.count(PendingPhase::idle); left > 0; --left) {
    if (const auto row = pool_.oldest(PendingPhase::idle)) serve(*row, now);
  }
}

// --- the steps ---

void PendingRequests::resume(std::uint32_t row, Instant now) {
  switch (pool_[row].phase) {
    case PendingPhase::flush:
      if (flush(row, now) == Step::answered) serve(row, now);
      return;
    case PendingPhase::linger:
      linger(row);
      return;
    case PendingPhase::deferred:
      return hold(row, {});
    case PendingPhase::head:
    case PendingPhase::idle:
      return serve(row, now);
  }
}

// Reads and answers until the socket is empty, the share is used up, or an answer has to wait.
void PendingRequests::serve(std::uint32_t row, Instant now) {
  std::string carried = std::exchange(pool_[row].input, {});
  std::string_view bytes = carried;
  std::size_t requests_left = kRequestsPerBurst;
  std::size_t reads_left = kReadsPerBurst;
  for (;;) {
    if (bytes.empty()) {
      if (reads_left-- == 0) return queue(row, work_);
      Step step = read_some(row, bytes);
      if (step == Step::waiting && closes_idle_ && pool_[row].phase == PendingPhase::idle) {
        step = drop(row);
      }
      if (step != Step::more) return;
      if (!pool_[row].input.empty()) {  // The beginning of a PROXY header.
        carried = std::exchange(pool_[row].input, {}).append(bytes);
        bytes = carried;
      }
    }
    switch (feed(row, bytes, now)) {
      case Step::more:
        break;
      case Step::answered:
        if (--requests_left > 0) break;
        pool_[row].input = bytes;
        return queue(row, work_);
      case Step::waiting:
        if (pool_[row].phase == PendingPhase::deferred) return hold(row, bytes);
        // Bytes behind an answer that ends the connection are dropped: they may be a body.
        if (pool_[row].phase == PendingPhase::flush && !pool_[row].close_after_flush) {
          pool_[row].input = bytes;
        }
        return;
      case Step::gone:
        return;
    }
  }
}

// Returns `more` with `bytes` in the scratch, `waiting` if the socket is empty, or `gone`.
PendingRequests::Step PendingRequests::read_some(std::uint32_t row, std::string_view& bytes) {
  for (;;) {
    const ssize_t got =
        ::recv(pool_[row].socket.get(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes = {scratch_.data(), static_cast<std::size_t>(got)};
      return Step::more;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Step::waiting;
    CRIER_CHECK(got == 0 || errno != EBADF);
    if (pool_[row].begun()) counters_.abandoned.add();
    return drop(row);
  }
}

PendingRequests::Step PendingRequests::feed(std::uint32_t row, std::string_view& bytes,
                                            Instant now) {
  PendingRequest& request = pool_[row];
  if (request.proxy_protocol != ProxyProtocol::off) {
    const Step step = take_proxy_header(row, bytes, now);
    if (step != Step::more || bytes.empty()) return step;
  }
  if (!request.reader) {
    pool_.rent_reader(row);
    // The deadline of a connection's first head runs from accept already.
    if (request.phase == PendingPhase::idle) {
      pool_.enter(row, PendingPhase::head, after_ms(now, limits_.head_ms));
    }
  }
  std::size_t used = 0;
  const HeadProgress progress = request.reader->consume(bytes, used);
  bytes.remove_prefix(used);
  switch (progress) {
    case HeadProgress::more:
      return Step::more;
    case HeadProgress::complete:
      return judge(row, now);
    case HeadProgress::refused: {
      const Refusal refusal = request.reader->refusal();
      if (request.reader->parsers_disagreed()) counters_.parser_disagreements.add();
      counters_.count_refusal(refusal.status);
      return refuse(row, refusal, now);
    }
  }
  CRIER_CHECK(false);
  return Step::gone;
}

// Returns `more` if the head may be read, or if the header needs more bytes: `bytes` is empty then.
PendingRequests::Step PendingRequests::take_proxy_header(std::uint32_t row, std::string_view& bytes,
                                                         Instant now) {
  PendingRequest& request = pool_[row];
  const ProxyHeader header = parse_proxy_header(bytes);
  const bool required = request.proxy_protocol == ProxyProtocol::required;
  if (header.progress == ProxyHeader::Progress::more) {
    request.input = std::exchange(bytes, {});
    return Step::more;
  }
  request.proxy_protocol = ProxyProtocol::off;
  if (header.progress == ProxyHeader::Progress::malformed ||
      (header.progress == ProxyHeader::Progress::absent && required)) {
    const bool malformed = header.progress == ProxyHeader::Progress::malformed;
    const Refusal& refusal =
        malformed ? refusals::kProxyHeaderMalformed : refusals::kProxyHeaderMissing;
    counters_.count_refusal(refusal.status);
    return refuse(row, refusal, now);
  }
  if (header.client) {
    request.peer = *header.client;
    request.behind_proxy = true;
  }
  request.unnamed = header.size > 0 && !header.client;
  bytes.remove_prefix(header.size);
  return Step::more;
}

PendingRequests::Step PendingRequests::judge(std::uint32_t row, Instant now) {
  const PendingRequest& request = pool_[row];
  const Request& head = request.reader->request();
  Accepted connection = request.connection();
  connection.since = Instant{request.deadline.us - std::uint64_t{limits_.head_ms} * 1'000};
  counters_.requests.add();
  Reply reply = handler_.on_request(head, connection, request.registered);
  if (reply.then == Reply::Then::later) {
    if (pool_.count(PendingPhase::deferred) < limits_.deferred_max) return defer(row, now);
    reply = handler_.on_deferral_refused(head, connection);
    CRIER_CHECK(reply.then != Reply::Then::taken);
  }
  return finish(row, std::move(reply), now);
}

PendingRequests::Step PendingRequests::finish(std::uint32_t row, Reply reply, Instant now) {
  CRIER_CHECK(reply.then != Reply::Then::later);
  PendingRequest& request = pool_[row];
  pool_.give_back_reader(row);
  if (reply.then == Reply::Then::taken) {
    CRIER_CHECK(reply.bytes.empty());
    static_cast<void>(request.socket.release());  // The handler owns it now.
    pool_.give_back(row);
    return Step::gone;
  }
  // The row leaves the phase `deferred` before writing: drop() must not cancel an ended deferral.
  if (request.phase == PendingPhase::deferred) {
    pool_.enter(row, PendingPhase::flush, after_ms(now, limits_.flush_ms));
  }
  request.close_after_flush = reply.then == Reply::Then::close;
  if (request.close_after_flush) request.input = {};
  request.output = std::move(reply.bytes);
  return flush(row, now);
}

PendingRequests::Step PendingRequests::refuse(std::uint32_t row, const Refusal& refusal,
                                              Instant now) {
  PendingRequest& request = pool_[row];
  pool_.give_back_reader(row);
  request.close_after_flush = true;
  request.output = handler_.on_refused(refusal, request.peer);
  return flush(row, now);
}

PendingRequests::Step PendingRequests::flush(std::uint32_t row, Instant now) {
  PendingRequest& request = pool_[row];
  if (request.output_sent < request.output.size()) {
    const iovec rest{.iov_base = request.output.data() + request.output_sent,
                     .iov_len = request.output.size() - request.output_sent};
    const Then then = request.close_after_flush ? Then::fin : Then::nothing;
    const WriteOutcome outcome = write_pieces(request.socket.get(), std::span(&rest, 1), then);
    request.output_sent += outcome.bytes;
    if (outcome.status == WriteStatus::gone) {
      counters_.abandoned.add();
      return drop(row);
    }
    if (outcome.status == WriteStatus::partial) {
      if (request.phase != PendingPhase::flush) {
        pool_.enter(row, PendingPhase::flush, after_ms(now, limits_.flush_ms));
      }
      if (outcome.starved) queue(row, starved_);
      if (request.registered && !request.output_watched) watch(row);
      return Step::waiting;
    }
  }
  request.output = {};
  request.output_sent = 0;
  if (request.close_after_flush) return start_linger(row, now);
  pool_.enter(row, PendingPhase::idle, after_ms(now, limits_.idle_ms));
  return Step::answered;
}

PendingRequests::Step PendingRequests::start_linger(std::uint32_t row, Instant now) {
  ::shutdown(pool_[row].socket.get(), SHUT_WR);
  pool_.enter(row, PendingPhase::linger, after_ms(now, limits_.linger_ms));
  return pool_[row].registered ? linger(row) : Step::waiting;  // Registering reports old input.
}

PendingRequests::Step PendingRequests::linger(std::uint32_t row) {
  PendingRequest& request = pool_[row];
  const DiscardOutcome outcome =
      discard_input(request.socket.get(), kLingerBytesMax - request.lingered_bytes);
  request.lingered_bytes += static_cast<std::uint32_t>(outcome.bytes);
  if (outcome.end == InputEnd::drained) return Step::waiting;
  if (outcome.end != InputEnd::more || request.lingered_bytes >= kLingerBytesMax) return drop(row);
  if (outcome.bytes == 0) {
    queue(row, starved_);  // The kernel had no memory for the read.
  } else {
    queue(row, work_);
  }
  return Step::waiting;
}

// --- deadlines, watching and eviction ---

void PendingRequests::expire(std::uint32_t row, Instant now) {
  const PendingRequest& request = pool_[row];
  if (request.phase == PendingPhase::head && request.begun()) {
    counters_.timeouts.add();
    refuse(row, kTooSlow, now);
    return;
  }
  if (request.phase == PendingPhase::deferred) {
    Reply reply = handler_.on_deferral_expired({row, request.deferral}, request.reader->request(),
                                               request.connection());
    CRIER_CHECK(reply.then != Reply::Then::taken);
    go_on(row, finish(row, std::move(reply), now));
    return;
  }
  if (request.phase == PendingPhase::head || request.phase == PendingPhase::idle) {
    counters_.silent_timeouts.add();
  } else if (request.phase == PendingPhase::flush) {
    counters_.abandoned.add();
  }
  drop(row);
}

// Asks for writable edges only in `flush`. Returns false if there was no room: the row is free.
bool PendingRequests::watch(std::uint32_t row) {
  PendingRequest& request = pool_[row];
  const Token token = pending_token(row, request.generation);
  request.output_watched = request.phase == PendingPhase::flush;
  const Watch what = request.output_watched ? Watch::input_and_output : Watch::input;
  if (request.registered) {
    ready_.retag(request.socket.get(), token, what);
  } else if (!ready_.add(request.socket.get(), token, what)) {
    counters_.starved.add();
    drop(row);
    return false;
  }
  return request.registered = true;
}

void PendingRequests::evict_one(std::uint32_t newcomer) {
  using enum PendingPhase;
  const bool unread = pool_.count(flush) > pool_.count(head);  // More of them: an attacker's.
  for (const PendingPhase phase :
       {idle, linger, unread ? flush : head, unread ? head : flush, deferred}) {
    if (const auto row = pool_.oldest(phase, newcomer)) {
      counters_.evicted.add();
      drop(*row);
      return;
    }
  }
  CRIER_CHECK(false);  // capacity > 0: there is a row beside the newcomer's.
}

void PendingRequests::queue(std::uint32_t row, std::deque<Token>& list) {
  PendingRequest& request = pool_[row];
  if (!std::exchange(request.queued, true)) list.push_back(pending_token(row, request.generation));
}

PendingRequests::Step PendingRequests::drop(std::uint32_t row) {
  const bool deferred = pool_[row].phase == PendingPhase::deferred;
  const DeferralToken token{row, pool_[row].deferral};
  pool_.give_back(row);
  if (deferred) handler_.on_deferral_cancelled(token);
  return Step::gone;
}

}  // namespace crier::net
