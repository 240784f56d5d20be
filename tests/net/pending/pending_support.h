// A subscriber port without the rest of a worker: pending requests on a real ready set, a handler
// that answers by path, and clients over loopback.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/pending/pending_requests.h"
#include "tests/net/socket/socket_support.h"

namespace crier::net::test {

// GET /keep…   -> "keep:<path>\n", kept alive      GET /big…  -> kBigBytes, kept alive
// GET /close…  -> "close:<path>\n", closed         GET /take… -> taken, tagged as a stream
// GET /later…  -> deferred; "refused:<path>\n" if it cannot be; at the deadline "expired\n",
//                 kept alive after /later/keep
class PathHandler final : public RequestHandler {
 public:
  struct Taken {
    Fd socket;
    std::string path;
    bool registered = false;
    PeerAddress peer;
    bool canary = false;
    bool behind_proxy = false;
    Instant since;
  };
  static constexpr std::size_t kBigBytes = 8 * 1024 * 1024;

  explicit PathHandler(ReadySet& ready) : ready_(ready) {}
  bool turns_away(const PeerAddress& peer, Instant) override { return peer == turned_away; }
  ProxyProtocol proxy_protocol(const PeerAddress&) const override { return proxies; }
  Reply on_request(const Request& request, const Accepted& connection, bool registered) override;
  std::string on_refused(const Refusal& refusal, const PeerAddress& peer) override;

  void on_deferred(DeferralToken token, const Request& request, const Accepted&) override;
  Reply on_deferral_refused(const Request& request, const Accepted&) override;
  Reply on_deferral_expired(DeferralToken token, const Request& request, const Accepted&) override;
  void on_deferral_cancelled(DeferralToken token) override { cancelled.push_back(token); }

  std::optional<PeerAddress> turned_away;
  ProxyProtocol proxies = ProxyProtocol::off;  // What every peer is.
  std::vector<std::string> paths;
  std::vector<Taken> taken;
  std::vector<DeferralToken> deferred;
  std::vector<DeferralToken> expired;
  std::vector<DeferralToken> cancelled;

 private:
  ReadySet& ready_;
};

class PendingFixture {
 public:
  explicit PendingFixture(const PendingLimits& limits = {});

  // A connected client that has sent `first`; the port has accepted its other end after that.
  Fd connect(std::string_view first);

  // One turn of the worker: ready sockets, then work that was left.
  void turn();
  // Turns until `done`; returns false after 5 s.
  bool turn_until(const std::function<bool()>& done);
  // Turns until no socket has been ready for 20 ms.
  void settle();
  // Turns until the client has received `size` bytes or the end.
  std::string receive(const Fd& client, std::size_t size);
  // Turns until the client has received the end. Sets `reset` if that was a RST.
  std::string receive_all(const Fd& client, bool* reset = nullptr);
  // Whether the client's connection is closed now, without another turn.
  bool closed(const Fd& client);

  void advance_ms(std::uint64_t ms);  // Advances the clock, then sweeps.

  Instant now{.us = 1'000'000};
  ReadySet ready;
  PathHandler handler;
  PendingRequests pending;
  std::vector<Token> stream_tokens;  // Reported for connections that the handler took.

 private:
  Listener listener_;
};

// A complete request.
std::string get_request(std::string_view path);

}  // namespace crier::net::test
