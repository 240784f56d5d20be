#include "net/http/http_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "net/http/head_refusals.h"
#include "net/http/http_server.h"
#include "net/socket/socket_ops.h"

namespace crier::net {

namespace {

constexpr std::uint64_t kMicrosPerSecond = 1'000'000;
constexpr std::uint64_t kLingerMicros = 2 * kMicrosPerSecond;
constexpr std::size_t kDiscardBytesMax = std::size_t{64} << 20;  // While lingering.
// More answer bytes than this that the client has not taken, and no further request is.
constexpr std::size_t kOwedBytesMax = std::size_t{256} << 10;
// An idle connection keeps buffers up to this size, so that small requests never allocate.
constexpr std::size_t kKeptCapacityMax = std::size_t{16} << 10;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacityMax) buffer.shrink_to_fit();
}

uv_buf_t view_of(std::string& bytes, std::size_t from = 0) {
  return uv_buf_init(bytes.data() + from, static_cast<unsigned>(bytes.size() - from));
}

HttpConnection* connection_of(void* data) {
  return static_cast<HttpConnection*>(data);
}

}  // namespace

// --- life ---

HttpConnection::HttpConnection(HttpServer& server, std::uint32_t index, std::uint32_t generation,
                               const HttpPeer& peer)
    : server_(&server),
      index_(index),
      generation_(generation),
      peer_(peer),
      reader_(server.options_.head),
      chunks_(server.options_.body_bytes_max),
      active_at_(Loop::now()) {}

HttpConnection* HttpConnection::adopt(HttpServer& server, std::uint32_t index,
                                      std::uint32_t generation, int fd, const HttpPeer& peer) {
  auto* connection = new HttpConnection(server, index, generation, peer);
  uv_loop_t* loop = server.loop_.raw();
  auto& uv = connection->uv_;
  CRIER_CHECK((peer.local ? uv_pipe_init(loop, &uv.pipe, 0) : uv_tcp_init(loop, &uv.tcp)) == 0);
  uv.stream.data = connection;
  const int status = peer.local ? uv_pipe_open(&uv.pipe, fd) : uv_tcp_open(&uv.tcp, fd);
  if (status < 0) {
    ::close(fd);
    connection->server_ = nullptr;  // Never was in the table.
    connection->close();
    return nullptr;
  }
  // Best effort: a peer that is gone already is noticed when it is read from.
  if (!peer.local) uv_tcp_nodelay(&uv.tcp, 1);
  connection->start_reading();
  return connection;
}

void HttpConnection::close() {
  if (closed_) return;
  closed_ = true;
  if (phase_ == Phase::lingering) server_->lingering_.erase(linger_place_);
  if (server_ != nullptr) {
    answers_.drop_all();
    server_->call_next_turn(answers_.take_calls(0));
    server_->forget(index_);
  }
  server_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&uv_.stream),
           [](uv_handle_t* handle) { delete connection_of(handle->data); });
}

void HttpConnection::flush_and_close() {
  if (!closed_ && writing_.empty() && !output_.empty()) {
    const uv_buf_t bytes = view_of(output_);
    uv_try_write(&uv_.stream, &bytes, 1);
  }
  close();
}

void HttpConnection::refuse_all(const Refusal& refusal) {
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
  server_->serve_next_turn(index_);
}

void HttpConnection::serve() {
  marked_ = false;
  if (closed_) return;
  if (held_.empty() || !may_take_request()) return settle();
  const std::string held = std::exchange(held_, {});
  take_input(held);
}

bool HttpConnection::nothing_owed() const {
  return answers_.empty() && output_.empty() && writing_.empty();
}

bool HttpConnection::idle() const {
  return phase_ == Phase::head && !reader_.started() && held_.empty() && nothing_owed();
}

bool HttpConnection::has_only_head() const {
  const bool in_head = phase_ == Phase::head && reader_.started();
  return (in_head || (phase_ == Phase::body && body_.empty())) && nothing_owed();
}

// Writes what can be written and decides how to go on. The end of everything that happens here.
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
  if (held_.empty()) {
    start_reading();
  } else if (may_take_request()) {
    mark();
  }
}

void HttpConnection::flush() {
  if (output_.empty() || !writing_.empty()) return;
  const uv_buf_t all = view_of(output_);
  const int written = uv_try_write(&uv_.stream, &all, 1);
  if (written < 0 && written != UV_EAGAIN) return abandon();
  const auto taken = static_cast<std::size_t>(std::max(written, 0));
  active_at_ = Loop::now();
  if (taken == output_.size()) return empty(output_);

  writing_ = std::exchange(output_, {});
  const uv_buf_t rest = view_of(writing_, taken);
  const auto on_written = [](uv_write_t* request, int status) {
    connection_of(request->handle->data)->on_written(status);
  };
  if (uv_write(&write_, &uv_.stream, &rest, 1, on_written) != 0) return close();
  queue_seen_ = uv_stream_get_write_queue_size(&uv_.stream);
  progress_at_ = active_at_;
}

void HttpConnection::on_written(int status) {
  if (closed_) return;
  if (status < 0) return abandon();
  empty(writing_);
  active_at_ = Loop::now();
  settle();
}

int HttpConnection::fd() const {
  uv_os_fd_t fd = -1;
  const int status = uv_fileno(reinterpret_cast<const uv_handle_t*>(&uv_.stream), &fd);
  CRIER_CHECK(status == 0);  // The stream is open, as long as the connection is not closed.
  return fd;
}

// The client has left while answers were on their way.
void HttpConnection::abandon() {
  if (!nothing_owed()) server_->counters_.abandoned.add();
  close();
}

// The client may still be sending: closing now could throw away what it has not read yet.
void HttpConnection::linger() {
  CRIER_CHECK(nothing_owed());
  if (at_end_ || ::shutdown(fd(), SHUT_WR) != 0) return close();
  phase_ = Phase::lingering;
  linger_place_ = server_->lingering_.insert(server_->lingering_.end(), this);
  linger_began_ = Loop::now();
  start_reading();
}

void HttpConnection::check_deadlines(Instant now) {
  const auto& options = server_->options_;
  const std::uint64_t request_us = options.request_seconds_max * kMicrosPerSecond;
  const std::uint64_t answer_us = options.answer_seconds_max * kMicrosPerSecond;
  if (phase_ == Phase::lingering) {
    if (now.us - linger_began_.us >= kLingerMicros) close();
    return;
  }
  if (!writing_.empty()) {
    const std::size_t queue = uv_stream_get_write_queue_size(&uv_.stream);
    if (std::exchange(queue_seen_, queue) != queue) progress_at_ = now;
    if (now.us - progress_at_.us >= request_us) {
      server_->counters_.stalled.add();
      return close();
    }
  }
  if (!answers_.empty() && peer_left(fd())) return abandon();
  const auto unanswered_since = answers_.unanswered_since();
  if (unanswered_since && now.us - unanswered_since->us >= answer_us) return refuse_late();
  if (phase_ == Phase::finished) return;
  if (request_began_.us != 0) {
    if (now.us - request_began_.us < request_us) return;
    server_->counters_.timeouts.add();
    return refuse_all(refusals::kRequestTooSlow);
  }
  if (!idle()) return;
  if (now.us - active_at_.us < options.idle_seconds_max * kMicrosPerSecond) return;
  server_->counters_.idle_closed.add();
  close();
}

// --- input ---

void HttpConnection::start_reading() {
  if (reading_ || at_end_) return;
  const auto allocate = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto& bytes = connection_of(handle->data)->server_->read_buffer_;
    *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  };
  const auto on_read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    connection_of(stream->data)->on_read(size, buffer->base);
  };
  reading_ = uv_read_start(&uv_.stream, allocate, on_read) == 0;
}

void HttpConnection::stop_reading() {
  uv_read_stop(&uv_.stream);
  reading_ = false;
}

void HttpConnection::on_read(ssize_t size, const char* bytes) {
  if (size < 0) return on_end(size);
  if (size == 0) return;
  const std::string_view input(bytes, static_cast<std::size_t>(size));
  if (phase_ == Phase::lingering) {
    discarded_bytes_ += input.size();
    if (discarded_bytes_ > kDiscardBytesMax) close();
    return;
  }
  // What comes after the last request is looked at when lingering, no earlier.
  if (phase_ == Phase::finished) return stop_reading();
  active_at_ = Loop::now();
  take_input(input);
}

void HttpConnection::on_end(ssize_t status) {
  at_end_ = true;
  stop_reading();
  if (phase_ == Phase::lingering) return close();
  if (status != UV_EOF || (!answers_.empty() && peer_left(fd()))) return abandon();
  settle();
}

void HttpConnection::take_input(std::string_view bytes) {
  CRIER_CHECK(held_.empty());
  in_serve_ = true;
  const std::size_t used = take(bytes);
  in_serve_ = false;
  if (closed_) return;
  const bool wants_more = phase_ == Phase::head || phase_ == Phase::body;
  if (wants_more && used < bytes.size()) {
    held_.assign(bytes.substr(used));
    stop_reading();
  }
  if (phase_ == Phase::body || (phase_ == Phase::head && reader_.started())) {
    if (request_began_.us == 0) request_began_ = active_at_;
  }
  settle();
}

// Returns how much of `bytes` it took: all, unless it stopped before a request that has to wait.
std::size_t HttpConnection::take(std::string_view bytes) {
  std::size_t at = 0;
  while (!closed_ && at < bytes.size()) {
    if (phase_ == Phase::head) {
      if (!reader_.started() && !may_take_request()) break;
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
  return answers_.size() < server_->options_.pipelined_max && bytes_ahead() < kOwedBytesMax;
}

std::size_t HttpConnection::take_head(std::string_view bytes) {
  std::size_t used = 0;
  const HeadProgress progress = reader_.consume(bytes, used);
  if (progress == HeadProgress::complete) return used + begin_body(bytes.substr(used));
  if (progress == HeadProgress::refused) {
    if (reader_.parsers_disagreed()) server_->counters_.parsers_disagreed.add();
    refuse(reader_.refusal());
  }
  return used;
}

std::size_t HttpConnection::begin_body(std::string_view bytes) {
  const Request& request = reader_.request();
  if (request.content_length > server_->options_.body_bytes_max) {
    refuse(refusals::kBodyTooLarge);
    return 0;
  }
  const auto size = static_cast<std::size_t>(request.content_length);
  if (!request.chunked && bytes.size() >= size) {
    dispatch(bytes.substr(0, size));  // Whole already: nothing is copied.
    return size;
  }
  phase_ = Phase::body;
  owes_continue_ = request.expect_continue && bytes.empty();
  chunks_ = ChunkedBody(server_->options_.body_bytes_max);
  return bytes.empty() ? 0 : take_body(bytes);
}

std::size_t HttpConnection::take_body(std::string_view bytes) {
  owes_continue_ = false;
  if (reader_.request().chunked) {
    std::size_t used = 0;
    const HeadProgress progress = chunks_.consume(bytes, used, body_);
    if (progress == HeadProgress::complete) dispatch(body_);
    if (progress == HeadProgress::refused) refuse(chunks_.refusal());
    return used;
  }
  const auto size = static_cast<std::size_t>(reader_.request().content_length);
  const std::size_t used = std::min(bytes.size(), size - body_.size());
  body_.append(bytes.substr(0, used));
  if (body_.size() == size) dispatch(body_);
  return used;
}

void HttpConnection::dispatch(std::string_view body) {
  const Request& request = reader_.request();
  const std::uint64_t ordinal = answers_.push(request, Loop::now());
  phase_ = request.keep_alive ? Phase::head : Phase::finished;
  request_began_ = {};
  server_->counters_.requests.add();
  server_->handler_.on_http_request({.head = request, .body = body, .peer = peer_},
                                    Responder(server_, index_, generation_, ordinal));
  if (closed_) return;
  reader_.reset();
  empty(body_);
}

void HttpConnection::refuse(const Refusal& refusal) {
  phase_ = Phase::finished;
  request_began_ = {};
  empty(body_);
  server_->counters_.refused.add();
  std::string bytes = server_->handler_.on_http_refused(refusal);
  if (closed_) return;
  answers_.push_last(std::move(bytes));
  collect_answers();
}

// Answers the oldest request in the handler's place; those behind it are dropped.
void HttpConnection::refuse_late() {
  server_->counters_.unanswered.add();
  answers_.drop_all();
  tell_writers();
  if (closed_) return;
  refuse_all(refusals::kUnanswered);
}

}  // namespace crier::net
