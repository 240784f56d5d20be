// Answers the requests of the subscriber port: opens a stream, answers OPTIONS and HEAD, or
// refuses.
//
// A refusal is counted under one reason, and its answer has a code and a trace id. Where crier has
// no room for a stream, an EventSource is answered with the event crier.busy, because it never
// reconnects after an error status. A client that has had the last events of all its topics, which
// are closed, is answered 204.
//
// Every request counts for limits.requests_per_address once its head was read or refused, whatever
// the answer is: for the client's address, and never for that of a trusted proxy. Belongs to one
// worker; its parts must outlive it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/link/refusal_counts.h"
#include "cmd/daemon/link/trace_id.h"
#include "cmd/daemon/link/worker_orders.h"
#include "cmd/daemon/worker/stream_names.h"
#include "cmd/daemon/worker/worker_io.h"
#include "core/random.h"
#include "core/request_limiter.h"
#include "core/text/event_id.h"
#include "net/http/reply.h"
#include "net/pending/request_handler.h"
#include "net/pending/subscribe_request.h"

namespace crier::cmd {

// A request that was refused, for the log. Views live during the call.
struct RefusedStream {
  RefusalReason reason;
  net::Refusal refusal;          // Its status is that of the answer.
  const net::PeerAddress& peer;  // The client's address; of a head that was not read, its proxy's.
  std::string_view origin;       // Empty: the request had none, or was not read so far.
  std::string_view trace_id;
  std::string_view path = {};  // As it was sent; empty unless there is no such path.
};

struct NotNow;

class SubscribeRoutes final : public net::RequestHandler {
 public:
  struct Parts {
    broadcast::Broadcaster& broadcaster;
    const broadcast::TopicClasses& classes;
    WorkerIo& io;
    RefusalCounts& refusals;
    StreamNames& names;
    const std::atomic<std::uint64_t>& log_head;
    RequestLimiter& requests;
    std::function<void(const RefusedStream&)> tell_refused;
    std::function<void(ShutOutNote)> tell_shut_out;
  };
  // The values that make this worker's ids and random numbers its own.
  struct Identity {
    Epoch epoch;
    HashKey trace_key;
    std::uint32_t worker = 0;
    std::uint64_t random_seed = 0;
    bool other_nodes = false;  // Ids may be of events that this daemon does not have yet.
  };
  SubscribeRoutes(const Parts& parts, const Identity& identity, SubscribePolicy policy);

  bool turns_away(const net::PeerAddress& peer, Instant now) override;
  ProxyProtocol proxy_protocol(const net::PeerAddress& peer) const override;
  net::Reply on_request(const net::Request& request, const net::Accepted& connection,
                        bool registered) override;
  std::string on_refused(const net::Refusal& refusal, const net::PeerAddress& peer) override;

  void set_policy(SubscribePolicy policy) { policy_ = std::move(policy); }

 private:
  // A request on its way through the checks.
  struct Call {
    const net::Request& request;
    const net::Accepted& connection;
    bool registered;
    net::Cors cors{};
    std::string_view trace_id{};  // The client's own; empty if it sent none.
  };

  std::optional<NotNow> count_request(const net::PeerAddress& client);
  net::Reply serve(Call& call);
  net::Reply serve_events(Call& call);
  net::Reply open_stream(const Call& call, const net::SubscribeRequest& wanted,
                         const broadcast::ResumePlan& resume);
  net::Reply answer_closed(const Call& call);
  net::Reply answer_options(const Call& call) const;
  net::Reply answer_head(const Call& call);
  net::Reply refuse(const Call& call, RefusalReason reason, const net::Refusal& refusal,
                    std::string_view allow = {});
  net::Reply refuse_method(const Call& call);
  net::Reply refuse_for_now(const Call& call, const NotNow& why);
  broadcast::ResumePlan plan(const net::SubscribeRequest& wanted) const;

  Parts parts_;
  Identity identity_;
  SubscribePolicy policy_;
  Random random_;
  TraceIds traces_;
};

}  // namespace crier::cmd
