#include "tests/net/pending/pending_support.h"

#include <array>
#include <cerrno>
#include <chrono>

#include "tests/support/catch.h"

namespace crier::net::test {
namespace {

constexpr const char* kAddress = "127.0.0.41";

ReadySet make_ready_set() {
  auto set = ReadySet::create();
  REQUIRE(set);
  return std::move(*set);
}

}  // namespace

std::string get_request(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

Reply PathHandler::on_request(const Request& request, const Accepted& connection, bool registered) {
  const int fd = connection.fd;
  const std::string path(request.path);
  paths.push_back(path);
  if (path.starts_with("/take")) {
    const Token token = stream_token(static_cast<std::uint32_t>(taken.size()), 1);
    if (registered) {
      ready_.retag(fd, token);
    } else {
      REQUIRE(ready_.add(fd, token));
    }
    taken.push_back({Fd(fd), path, registered, connection.peer, connection.canary,
                     connection.behind_proxy, connection.since});
    return {.then = Reply::Then::taken, .bytes = {}};
  }
  if (path.starts_with("/big")) {
    return {.then = Reply::Then::keep_alive, .bytes = std::string(kBigBytes, 'b')};
  }
  if (path.starts_with("/keep")) {
    return {.then = Reply::Then::keep_alive, .bytes = "keep:" + path + "\n"};
  }
  if (path.starts_with("/later")) return {.then = Reply::Then::later, .bytes = {}};
  return {.then = Reply::Then::close, .bytes = "close:" + path + "\n"};
}

void PathHandler::on_deferred(DeferralToken token, const Request& request, const Accepted&) {
  CHECK(request.path == paths.back());
  deferred.push_back(token);
}

Reply PathHandler::on_deferral_refused(const Request& request, const Accepted&) {
  return {.then = Reply::Then::close, .bytes = "refused:" + std::string(request.path) + "\n"};
}

Reply PathHandler::on_deferral_expired(DeferralToken token, const Request& request,
                                       const Accepted&) {
  expired.push_back(token);
  const auto then = request.path == "/later/keep" ? Reply::Then::keep_alive : Reply::Then::close;
  return {.then = then, .bytes = "expired\n"};
}

std::string PathHandler::on_refused(const Refusal& refusal, const PeerAddress&) {
  return "refused:" + std::to_string(refusal.status) + ":" + std::string(refusal.code) + "\n";
}

PendingFixture::PendingFixture(const PendingLimits& limits)
    : ready(make_ready_set()),
      handler(ready),
      pending(limits, ready, handler),
      listener_(listen_on(kAddress)) {}

Fd PendingFixture::connect(std::string_view first) {
  Fd client = connect_to(kAddress, listener_.port());
  if (!first.empty()) send_text(client.get(), first);
  REQUIRE(wait_for(listener_.fd(), POLLIN));
  const AcceptEnd end = listener_.accept_some(8, [&](const Accepted& accepted) {
    if (!first.empty()) CHECK(wait_for(accepted.fd, POLLIN));
    pending.accept(accepted, now);
  });
  CHECK(end == AcceptEnd::drained);
  set_blocking(client.get(), false);
  return client;
}

void PendingFixture::turn() {
  std::array<Ready, 16> batch;
  const std::size_t count = ready.wait(batch);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_pending(batch[i].token)) {
      pending.on_ready(batch[i], now);
    } else {
      stream_tokens.push_back(batch[i].token);
    }
  }
  if (pending.has_work()) pending.run(now);
}

bool PendingFixture::turn_until(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    if (!pending.has_work()) stays_silent(ready.fd(), 1);
    turn();
  }
  return true;
}

void PendingFixture::settle() {
  while (pending.has_work() || !stays_silent(ready.fd(), 20)) turn();
}

std::string PendingFixture::receive(const Fd& client, std::size_t size) {
  std::string all;
  std::array<char, 64 * 1024> buffer{};
  turn_until([&] {
    const std::size_t want = std::min(buffer.size(), size - all.size());
    const ssize_t got = ::recv(client.get(), buffer.data(), want, MSG_DONTWAIT);
    if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
    return all.size() == size || got == 0 || (got < 0 && errno != EAGAIN);
  });
  return all;
}

std::string PendingFixture::receive_all(const Fd& client, bool* reset) {
  std::string all;
  std::array<char, 64 * 1024> buffer{};
  const bool ended = turn_until([&] {
    const ssize_t got = ::recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) all.append(buffer.data(), static_cast<std::size_t>(got));
    if (reset != nullptr) *reset = got < 0 && errno == ECONNRESET;
    return got == 0 || (got < 0 && errno != EAGAIN);
  });
  CHECK(ended);
  return all;
}

bool PendingFixture::closed(const Fd& client) {
  char byte = 0;
  const ssize_t got = ::recv(client.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got == 0 || (got < 0 && errno != EAGAIN);
}

void PendingFixture::advance_ms(std::uint64_t ms) {
  now.us += ms * 1'000;
  pending.sweep(now);
}

}  // namespace crier::net::test
