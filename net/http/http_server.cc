#include "net/http/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <span>
#include <utility>

#include "core/check.h"
#include "core/turn_limits.h"
#include "net/http/http_connection.h"
#include "net/socket/peer_address.h"

namespace crier::net {

namespace {

constexpr std::uint64_t kSweepMillis = 250;
// The time that one turn gives to connections. It is short because workers are fed after it, and
// not shorter because a burst that takes several turns reaches each stream in several writes.
constexpr std::uint64_t kTurnMicros = 4'000;
// A connection that has waited this long goes first, however much time it has used.
constexpr std::uint64_t kWaitMicrosMax = 1'000'000;
// Slots that displace_one() compares: all of them with the default cap.
constexpr std::size_t kComparedMax = 320;
// A younger connection is never displaced: its client's first request may still be unread.
constexpr std::uint64_t kLateMicrosMin = 100'000;
constexpr Refusal kTooManyConnections{503, "too_many_connections",
                                      "There are too many connections; try again later."};
constexpr Refusal kTooManyOfOneUser{503, "too_many_connections",
                                    "Your user holds more than half of the connections, and "
                                    "another user needs one; try again later."};

bool is_starvation(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

HttpConnection* Responder::connection() const {
  return server_->find(index_, generation_);
}

void Responder::reply(std::string bytes, bool close) const {
  HttpConnection* const to = connection();
  if (to == nullptr) return;
  to->answers().reply(ordinal_, std::move(bytes), close);
  to->collect_answers();
}

AnswerStream Responder::stream(std::string head, OnChange on_change) const {
  if (wanted()) {
    HttpConnection* const to = connection();
    to->answers().begin(ordinal_, std::move(head), std::move(on_change));
    to->collect_answers();
  } else if (on_change) {
    server_->call_next_turn({std::move(on_change)});
  }
  return AnswerStream(*this);
}

bool Responder::wanted() const {
  HttpConnection* const to = connection();
  return to != nullptr && to->answers().awaits(ordinal_);
}

bool AnswerStream::write(std::string_view bytes) const {
  HttpConnection* const to = responder_.connection();
  if (to == nullptr) return false;
  const bool taken = to->answers().write(responder_.ordinal_, bytes, to->bytes_ahead());
  to->collect_answers();
  return taken;
}

std::size_t AnswerStream::waiting() const {
  HttpConnection* const to = responder_.connection();
  return to == nullptr ? 0 : to->answers().waiting(responder_.ordinal_, to->bytes_ahead());
}

void AnswerStream::end() const {
  HttpConnection* const to = responder_.connection();
  if (to == nullptr) return;
  to->answers().end(responder_.ordinal_);
  to->collect_answers();
}

HttpServer::Acceptor::Acceptor(HttpServer& server, int listening_fd)
    : poll(server.loop_, [&server, this] { server.accept_some(*this); }), fd(listening_fd) {}

HttpServer::HttpServer(Loop& loop, HttpHandler& handler, const HttpServerOptions& options)
    : loop_(loop),
      handler_(handler),
      options_(options),
      ready_poll_(loop, [this] { on_sockets_ready(); }),
      slots_(options.connections_max + kLingerSlots),
      sweep_(loop, [this] { sweep(); }),
      starved_timer_(loop, [this] { resume_accepts(); }) {
  CRIER_CHECK(options.connections_max > 0);
  CRIER_CHECK(options.pipelined_max > 0);
  free_.reserve(slots_.size());
  for (std::size_t i = slots_.size(); i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
  const auto init = [&](uv_idle_t* idle) { return uv_idle_init(loop.raw(), idle); };
  CRIER_CHECK(next_turn_.open(this, init) == 0);
}

HttpServer::~HttpServer() {
  close();
}

Result<void> HttpServer::listen(int fd) {
  if (!ready_) {
    auto made = ReadySet::create();
    if (!made) return std::unexpected(made.error());
    ready_.emplace(std::move(*made));
  }
  if (!ready_poll_.watching()) {
    if (auto watched = ready_poll_.watch(ready_->fd()); !watched) return watched;
  }
  Acceptor& acceptor = acceptors_.emplace_back(*this, fd);
  Result<void> watched = acceptor.poll.watch(fd);
  if (!watched) acceptors_.pop_back();
  return watched;
}

void HttpServer::stop_accepting() {
  // The acceptors are kept: one of them may be the caller.
  for (Acceptor& acceptor : acceptors_) acceptor.poll.close();
}

void HttpServer::close() {
  stop_accepting();
  for (const Slot& slot : slots_) {
    if (slot.connection != nullptr) slot.connection->flush_and_close();
  }
  CRIER_CHECK(open_ == 0);
  sweep_.stop();
  starved_timer_.stop();
  marked_.clear();
  uv_idle_stop(next_turn_.get());
  make_calls();
}

void HttpServer::accept_some(Acceptor& acceptor) {
  for (std::size_t i = 0; i < kAcceptsPerTurn; ++i) {
    if (!acceptor.poll.watching() || starved_timer_.running()) return;
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    Fd socket(::accept4(acceptor.fd, reinterpret_cast<sockaddr*>(&address), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      HttpPeer peer{.local = address.ss_family == AF_UNIX};
      if (!peer.local) peer.address = peer_address(address);
      adopt(std::move(socket), peer);
    } else if (is_starvation(errno)) {
      pause_accepts();
    } else if (errno == EAGAIN || errno == EINVAL || errno == EBADF) {
      return;
    }
    // Any other error concerns only the connection that was first in the queue.
  }
}

void HttpServer::pause_accepts() {
  counters_.accepts_starved.add();
  for (Acceptor& each : acceptors_) {
    if (each.poll.watching()) each.poll.pause();
  }
  starved_timer_.start_once(kStarvedPauseMs);
}

void HttpServer::resume_accepts() {
  for (Acceptor& each : acceptors_) {
    if (each.poll.watching()) each.poll.resume();
  }
}

void HttpServer::adopt(Fd socket, HttpPeer peer) {
  const auto credentials = peer.local ? peer_credentials(socket.get()) : PeerCredentials{};
  const bool fits = credentials && make_room(credentials->uid);
  if (free_.empty() || !credentials) {
    counters_.connections_refused.add();
    return;
  }
  peer.credentials = *credentials;
  const std::uint32_t index = free_.back();
  Slot& slot = slots_[index];
  if (!ready_->add(socket.get(), {slot.generation, index}, Watch::input)) return pause_accepts();
  free_.pop_back();
  slot.used_us = 0;
  slot.connection =
      std::make_unique<HttpConnection>(*this, index, slot.generation, std::move(socket), peer);
  if (++open_ == 1) sweep_.start_repeating(kSweepMillis);
  if (fits) {
    counters_.connections.add();
  } else {
    counters_.connections_refused.add();
    slot.connection->refuse_all(kTooManyConnections);
  }
}

// Frees a slot if it can. Returns true if the new connection may be served, and false if it may
// only be answered 503.
bool HttpServer::make_room(uid_t newcomer) {
  const bool fits =
      serving() < options_.connections_max || displace_one() || displace_one_of_crowd(newcomer);
  if (free_.empty() && !lingering_.empty()) lingering_.front()->close();
  return fits;
}

bool HttpServer::displace_one() {
  HttpConnection* idlest = nullptr;
  HttpConnection* slowest = nullptr;
  Instant idle_since{Loop::now().us - kLateMicrosMin};
  Instant slow_since = idle_since;
  for (std::size_t i = std::min(kComparedMax, slots_.size()); i > 0; --i) {
    HttpConnection* const connection = slots_[hand_].connection.get();
    hand_ = (hand_ + 1) % slots_.size();
    if (connection == nullptr) continue;
    if (connection->idle() && connection->active_at() <= idle_since) {
      idlest = connection;
      idle_since = connection->active_at();
    } else if (connection->has_only_head() && connection->waited_for_since() <= slow_since) {
      slowest = connection;
      slow_since = connection->waited_for_since();
    }
  }
  HttpConnection* const leaving = idlest != nullptr ? idlest : slowest;
  if (leaving == nullptr) return false;
  counters_.displaced.add();
  leaving->close();
  return true;
}

// Two passes: a vote that only the user of more than half of the connections is sure to win, and a
// count of that user's connections.
bool HttpServer::displace_one_of_crowd(uid_t newcomer) {
  uid_t crowd = newcomer;
  std::size_t votes = 0;
  for (const Slot& slot : slots_) {
    if (slot.connection == nullptr) continue;
    const uid_t user = slot.connection->user();
    if (votes == 0) crowd = user;
    user == crowd ? ++votes : --votes;
  }
  if (crowd == newcomer) return false;
  std::size_t places = 0;
  HttpConnection* leaving = nullptr;
  Instant since{Loop::now().us - kLateMicrosMin};
  for (const Slot& slot : slots_) {
    HttpConnection* const connection = slot.connection.get();
    if (connection == nullptr || connection->user() != crowd) continue;
    ++places;
    const auto waits_since = connection->waits_for_client_since();
    if (!waits_since || *waits_since > since) continue;
    leaving = connection;
    since = *waits_since;
  }
  if (leaving == nullptr || places <= options_.connections_max / 2) return false;
  counters_.displaced.add();
  leaving->make_way(kTooManyOfOneUser);
  return true;
}

void HttpServer::sweep() {
  const Instant now = Loop::now();
  for (const Slot& slot : slots_) {
    if (slot.connection != nullptr) slot.connection->check_deadlines(now);
  }
  if (open_ == 0) sweep_.stop();
}

HttpConnection* HttpServer::find(std::uint32_t index, std::uint32_t generation) const {
  CRIER_CHECK(index < slots_.size());
  const Slot& slot = slots_[index];
  return slot.generation == generation ? slot.connection.get() : nullptr;
}

void HttpServer::forget(std::uint32_t index) {
  Slot& slot = slots_[index];
  CRIER_CHECK(slot.connection != nullptr);
  CRIER_CHECK(open_ > 0);
  closed_.push_back(std::move(slot.connection));
  ++slot.generation;
  free_.push_back(index);
  --open_;
  start_next_turn();
}

// An idle handle works in every phase of the loop: the next poll does not wait, and the callback
// runs before or directly after it.
void HttpServer::start_next_turn() {
  uv_idle_start(next_turn_.get(), [](uv_idle_t* handle) {
    Loop::of(handle->loop).note_event();
    static_cast<HttpServer*>(handle->data)->serve_marked();
  });
}

void HttpServer::serve_next_turn(std::uint32_t index) {
  Slot& slot = slots_[index];
  // Raised to 1 us less than `least_used_us_`, so that it goes before others that have used just
  // as much.
  slot.used_us = std::max(slot.used_us + 1, least_used_us_) - 1;
  marked_.push_back({.index = index, .generation = slot.generation, .marked_at = Loop::now()});
  start_next_turn();
}

// The calls wait for the next turn: a connection may close in the middle of serve(), and a writer
// that is called may close the server.
void HttpServer::call_next_turn(std::vector<OnChange> calls) {
  if (calls.empty()) return;
  std::ranges::move(calls, std::back_inserter(calls_));
  start_next_turn();
}

void HttpServer::make_calls() {
  for (const OnChange& call : std::exchange(calls_, {})) call();
}

void HttpServer::on_sockets_ready() {
  const std::size_t count = ready_->wait(batch_);
  for (const Ready& ready : std::span(batch_).first(count)) {
    HttpConnection* connection = find(ready.token.index, ready.token.generation);
    if (connection != nullptr) connection->on_ready(ready);
  }
}

void HttpServer::serve_marked() {
  uv_idle_stop(next_turn_.get());
  closed_.clear();
  auto waiting = std::exchange(marked_, std::exchange(spare_, {}));
  now_ = Loop::now();
  std::ranges::sort(waiting, {}, [&](const Marked& each) {
    const bool late = now_.us - each.marked_at.us >= kWaitMicrosMax;
    return std::pair(late ? each.marked_at.us : ~std::uint64_t{0}, slots_[each.index].used_us);
  });
  turn_ends_ = Instant{now_.us + kTurnMicros};
  std::size_t served = 0;
  for (; served < waiting.size() && now_ < turn_ends_; ++served) {
    HttpConnection* connection = find(waiting[served].index, waiting[served].generation);
    if (connection == nullptr) continue;
    Slot& slot = slots_[waiting[served].index];
    least_used_us_ = std::max(least_used_us_, slot.used_us);
    const Instant began = now_;
    connection->serve(waiting[served].marked_at);
    now_ = Loop::now();
    slot.used_us += now_.us - began.us + 1;
  }
  if (served < waiting.size()) {
    std::ranges::copy(waiting.begin() + static_cast<std::ptrdiff_t>(served), waiting.end(),
                      std::back_inserter(marked_));
    start_next_turn();
  }
  waiting.clear();
  spare_ = std::move(waiting);
  make_calls();
}

}  // namespace crier::net
