#include "net/http/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>
#include <utility>

#include "core/check.h"
#include "core/out_of_memory.h"
#include "net/http/head_refusals.h"
#include "net/http/http_server.h"
#include "net/socket/socket_ops.h"

namespace crier::net {

namespace {

constexpr std::uint64_t kMicrosPerSecond = 1'000'000;
constexpr std::uint64_t kLingerMicros = 2 * kMicrosPerSecond;
constexpr std::size_t kDiscardBytesMax = std::size_t{64} << 20;  // While lingering.
// A connection takes no further request while more answer bytes than this wait for its client.
constexpr std::size_t kOwedBytesMax = std::size_t{256} << 10;
// The same for requests that wait for answers: a POST counts as its body, others as large pages.
constexpr std::size_t kUnansweredBytesMax = std::size_t{1} << 20;
constexpr std::size_t kPageBytes = kUnansweredBytesMax / 8;
// An idle connection keeps buffers up to this size, so that small requests allocate nothing.
constexpr std::size_t kKeptCapacityMax = std::size_t{16} << 10;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacityMax) buffer.shrink_to_fit();
}

}  // namespace

// --- life ---

HttpConnection::HttpConnection(HttpServer& server, std::uint32_t index, std::uint32_t generation,
                               Fd socket, const HttpPeer& peer)
    : server_(server),
      index_(index),
      generation_(generation),
      peer_(peer),
      socket_(std::move(socket)),
      reader_(server.options_.head),
      chunks_(server.options_.body_bytes_max),
      active_at_(Loop::now()) {
  // A failure is ignored: the next read finds out if the peer has already gone.
  constexpr int kOn = 1;
  if (!peer.local) ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof(kOn));
}

void HttpConnection::close() {
  if (std::exchange(closed_, true)) return;
  if (phase_ == Phase::lingering) server_.lingering_.erase(linger_place_);
  answers_.drop_all();
  server_.call_next_turn(answers_.take_calls(0));
  socket_.reset();
  server_.forget(index_);
}

void HttpConnection::flush_and_close() {
  flush();
  close();
}

void HttpConnection::refuse_all(const Refusal& refusal) {
  server_.now_ = Loop::now();
  refuse(refusal);
  if (!closed_) settle();
}

// --- answers ---

void HttpConnection::collect_answers() {
  if (answers_.collect(output_)) {
    phase_ = Phase::finished;
    empty(held_);
  }
  if (!in_serve_) mark();
}

void HttpConnection::tell_writers() {
  for (const OnChange& call : answers_.take_calls(bytes_ahead())) call();
}

void HttpConnection::mark() {
  if (std::exchange(marked_, true)) return;
  server_.serve_next_turn(index_);
}

void HttpConnection::on_ready(const Ready& ready) {
  hung_up_ = hung_up_ || ready.peer_closed || ready.error;
  readable_ = readable_ || ready.readable || hung_up_;
  if (ready.writable) blocked_ = false;
  mark();
}

void HttpConnection::serve(Instant marked_at) {
  CRIER_CHECK(!closed_);
  marked_at_ = marked_at;
  marked_ = false;
  if (phase_ == Phase::lingering) return discard();
  if (!held_.empty() && may_take_request()) return take_input(std::exchange(held_, {}));
  if (wants_input()) return read_some();
  settle();
}

bool HttpConnection::nothing_owed() const {
  return answers_.empty() && output_.empty();
}

bool HttpConnection::idle() const {
  return phase_ == Phase::head && !reader_.started() && held_.empty() && !readable_ &&
         nothing_owed();
}

bool HttpConnection::has_only_head() const {
  const bool in_head = phase_ == Phase::head && reader_.started();
  return (in_head || (phase_ == Phase::body && body_.empty())) && !readable_ && nothing_owed();
}

std::optional<Instant> HttpConnection::waits_for_client_since() const {
  if (phase_ == Phase::body && !readable_ && nothing_owed()) return request_began_;
  if (progress_at_.us != 0) return progress_at_;
  return std::nullopt;
}

void HttpConnection::make_way(const Refusal& refusal) {
  progress_at_.us == 0 ? refuse_all(refusal) : close();
}

// Writes the output and decides the next step. Every event of a connection ends here.
void HttpConnection::settle() {
  if (owes_continue_ && phase_ == Phase::body && answers_.empty()) {
    owes_continue_ = false;
    output_.append(kContinue);
  }
  flush();
  tell_writers();
  if (closed_) return;
  if (phase_ == Phase::finished && nothing_owed()) return linger();
  if (phase_ == Phase::finished || phase_ == Phase::lingering) return;
  if (at_end_ && held_.empty() && nothing_owed()) return close();
  if (wants_input() || (!held_.empty() && may_take_request())) mark();
}

void HttpConnection::flush() {
  if (closed_ || output_.empty() || blocked_) return;
  const iovec rest{.iov_base = output_.data() + sent_, .iov_len = output_.size() - sent_};
  const WriteOutcome outcome = write_pieces(socket_.get(), std::span(&rest, 1));
  if (outcome.status == WriteStatus::gone) return abandon();
  sent_ += outcome.bytes;
  active_at_ = server_.now_;
  if (outcome.status == WriteStatus::all) {
    sent_ = 0;
    progress_at_ = {};
    return output_.clear();  // A connection in the middle of a burst keeps its room.
  }
  if (outcome.bytes > 0 || progress_at_.us == 0) progress_at_ = active_at_;
  if (sent_ >= output_.size() / 2) output_.erase(0, std::exchange(sent_, 0));
  blocked_ = true;
  if (std::exchange(watches_output_, true)) return;
  server_.ready_->retag(socket_.get(), {generation_, index_}, Watch::input_and_output);
}

// The client has left while answers were on their way.
void HttpConnection::abandon() {
  if (!nothing_owed()) server_.counters_.abandoned.add();
  close();
}

// The client may still be sending: closing now would cause a RST, which can destroy answers that
// the client has not read yet.
void HttpConnection::linger() {
  CRIER_CHECK(nothing_owed());
  if (at_end_ || ::shutdown(socket_.get(), SHUT_WR) != 0) return close();
  phase_ = Phase::lingering;
  linger_place_ = server_.lingering_.insert(server_.lingering_.end(), this);
  linger_began_ = Loop::now();
  mark();
}

void HttpConnection::discard() {
  const DiscardOutcome outcome = discard_input(socket_.get(), server_.read_buffer_.size());
  discarded_bytes_ += outcome.bytes;
  if (outcome.end == InputEnd::drained) return;
  if (outcome.end != InputEnd::more || discarded_bytes_ > kDiscardBytesMax) return close();
  if (outcome.bytes > 0) mark();
}

void HttpConnection::check_deadlines(Instant now) {
  const auto& options = server_.options_;
  const std::uint64_t request_us = options.request_seconds_max * kMicrosPerSecond;
  const std::uint64_t answer_us = options.answer_seconds_max * kMicrosPerSecond;
  if (output_.empty()) empty(output_);
  answers_.shrink();
  if (phase_ == Phase::lingering) {
    if (now.us - linger_began_.us >= kLingerMicros) close();
    return;
  }
  if (progress_at_.us != 0 && now.us - progress_at_.us >= request_us) {
    server_.counters_.stalled.add();
    return close();
  }
  // After a lack of memory the kernel reports no edge, so writing is tried again here.
  if (std::exchange(blocked_, false) || wants_input()) mark();
  if (!answers_.empty() && peer_left(socket_.get())) return abandon();
  const auto unanswered_since = answers_.unanswered_since();
  if (unanswered_since && now.us - unanswered_since->us >= answer_us) return refuse_late();
  if (phase_ == Phase::finished) return;
  if (request_began_.us != 0) {
    if (now.us - request_began_.us < request_us) return;
    server_.counters_.timeouts.add();
    return refuse_all(refusals::kRequestTooSlow);
  }
  if (!idle()) return;
  if (now.us - active_at_.us < options.idle_seconds_max * kMicrosPerSecond) return;
  server_.counters_.idle_closed.add();
  close();
}

// --- input ---

bool HttpConnection::wants_input() const {
  const bool takes_more = phase_ == Phase::head || phase_ == Phase::body;
  return takes_more && readable_ && !at_end_ && held_.empty();
}

void HttpConnection::read_some() {
  auto& buffer = server_.read_buffer_;
  iovec room{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (got > 0) {
    const auto size = static_cast<std::size_t>(got);
    // After a short read the kernel reports the next bytes as a new edge. But a read also ends at a
    // descriptor that the client has sent along, and more bytes may follow it. The kernel drops the
    // descriptor, and MSG_CTRUNC says so.
    readable_ = hung_up_ || size == buffer.size() || (message.msg_flags & MSG_CTRUNC) != 0;
    active_at_ = server_.now_;
    return take_input({buffer.data(), size});
  }
  if (got == 0) return on_end(false);
  if (errno == ENOMEM || errno == ENOBUFS) return;  // check_deadlines() marks the connection again.
  if (errno == EINTR) return mark();
  if (errno != EAGAIN && errno != EWOULDBLOCK) return on_end(true);
  readable_ = false;
  settle();
}

void HttpConnection::on_end(bool lost) {
  at_end_ = true;
  if (lost || (!answers_.empty() && peer_left(socket_.get()))) return abandon();
  settle();
}

void HttpConnection::take_input(std::string_view bytes) {
  CRIER_CHECK(held_.empty());
  in_serve_ = true;
  const std::size_t used = take(bytes);
  in_serve_ = false;
  if (closed_) return;
  if (used < bytes.size()) held_.assign(bytes.substr(used));
  const bool begun = phase_ == Phase::body || (phase_ == Phase::head && reader_.started());
  if (begun && request_began_.us == 0) request_began_ = active_at_;
  settle();
}

// Returns the number of bytes taken: all of them, unless a further request has to wait.
std::size_t HttpConnection::take(std::string_view bytes) {
  std::size_t at = 0;
  while (!closed_ && at < bytes.size()) {
    if (phase_ == Phase::head) {
      const bool between = !reader_.started();
      if (between && (!may_take_request() || (at > 0 && turn_is_over()))) break;
      at += take_head(bytes.substr(at));
    } else if (phase_ == Phase::body) {
      at += take_body(bytes.substr(at));
    } else {
      return bytes.size();
    }
  }
  return at;
}

bool HttpConnection::may_take_request() const {
  return answers_.size() < server_.options_.pipelined_max &&
         answers_.charged() < kUnansweredBytesMax && bytes_ahead() < kOwedBytesMax;
}

bool HttpConnection::turn_is_over() const {
  return server_.now_ >= server_.turn_ends_;
}

std::size_t HttpConnection::take_head(std::string_view bytes) {
  std::size_t used = 0;
  const HeadProgress progress = reader_.consume(bytes, used);
  if (progress == HeadProgress::complete) return used + begin_body(bytes.substr(used));
  if (progress == HeadProgress::refused) {
    if (reader_.parsers_disagreed()) server_.counters_.parsers_disagreed.add();
    refuse(reader_.refusal());
  }
  return used;
}

std::size_t HttpConnection::begin_body(std::string_view bytes) {
  const Request& request = reader_.request();
  const std::size_t bytes_max = server_.options_.body_bytes_max;
  if (request.content_length > bytes_max || (bytes_max == 0 && request.chunked)) {
    refuse(bytes_max == 0 ? refusals::kNotPublishing : refusals::kBodyTooLarge);
    return 0;
  }
  const auto size = static_cast<std::size_t>(request.content_length);
  if (!request.chunked && bytes.size() >= size) {
    dispatch(bytes.substr(0, size));  // The body is whole in `bytes`: it is not copied.
    return size;
  }
  phase_ = Phase::body;
  owes_continue_ = request.expect_continue && bytes.empty();
  chunks_ = ChunkedBody(bytes_max);
  return bytes.empty() ? 0 : take_body(bytes);
}

std::size_t HttpConnection::take_body(std::string_view bytes) {
  owes_continue_ = false;
  const MemoryShortage* const shortage = server_.options_.shortage;
  if (shortage != nullptr && shortage->is_at(MemoryStage::refuse_events)) {
    refuse(refusals::kNoMemory);
    return bytes.size();
  }
  std::size_t used = 0;
  HeadProgress progress = HeadProgress::more;
  try {
    const MayLackMemory answered_with_503;
    progress = collect_body(bytes, used);
  } catch (const std::bad_alloc&) {
    refuse(refusals::kNoMemory);  // Frees the body first.
    return bytes.size();
  }
  if (progress == HeadProgress::complete) dispatch(body_);
  if (progress == HeadProgress::refused) refuse(chunks_.refusal());
  return used;
}

// Throws std::bad_alloc: bodies are the most that clients can have the server keep.
HeadProgress HttpConnection::collect_body(std::string_view bytes, std::size_t& used) {
  if (reader_.request().chunked) return chunks_.consume(bytes, used, body_);
  const auto size = static_cast<std::size_t>(reader_.request().content_length);
  used = std::min(bytes.size(), size - body_.size());
  body_.append(bytes.substr(0, used));
  return body_.size() == size ? HeadProgress::complete : HeadProgress::more;
}

void HttpConnection::dispatch(std::string_view body) {
  const Request& request = reader_.request();
  const std::size_t charge = request.method == Method::post ? body.size() : kPageBytes;
  const std::uint64_t ordinal = answers_.push(request, charge, server_.now_);
  phase_ = request.keep_alive ? Phase::head : Phase::finished;
  request_began_ = {};
  server_.counters_.requests.add();
  server_.handler_.on_http_request(
      {.head = request, .body = body, .peer = peer_, .arrived = marked_at_},
      Responder(&server_, index_, generation_, ordinal));
  server_.now_ = Loop::now();
  if (closed_) return;
  reader_.reset();
  empty(body_);
}

void HttpConnection::refuse(const Refusal& refusal) {
  phase_ = Phase::finished;
  request_began_ = {};
  empty(body_);
  server_.counters_.refused.add();
  std::string bytes = server_.handler_.on_http_refused(refusal, peer_);
  if (closed_) return;
  answers_.push_last(std::move(bytes));
  collect_answers();
}

// Answers the oldest request with 503 in the handler's place, and drops the answers behind it.
void HttpConnection::refuse_late() {
  server_.counters_.unanswered.add();
  answers_.drop_all();
  tell_writers();
  if (closed_) return;
  refuse_all(refusals::kUnanswered);
}

}  // namespace crier::net
