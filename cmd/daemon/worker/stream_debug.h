// Makes a worker's log lines about the streams that an operator wants logged one by one: opened,
// each event delivered, fallen behind, caught up, gaps, ended.
//
// It sends the lines as notes to control. The lines of each rule per second are bounded. Lines
// beyond the bound, and lines for which the outbox has no room, are counted, and a line with the
// count follows at the end of the second. If several rules match a stream, the first one counts.
//
// Belongs to one worker. It does not watch the broadcaster while there is no rule.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broadcast/streams/end_reason.h"
#include "broadcast/streams/stream_watcher.h"
#include "cmd/daemon/link/debug_rules.h"
#include "cmd/daemon/link/messages.h"
#include "cmd/daemon/worker/stream_names.h"
#include "core/lines_per_second.h"
#include "core/text/event_id.h"

namespace crier::cmd {

class StreamDebug final : public broadcast::StreamWatcher {
 public:
  struct Parts {
    broadcast::Broadcaster& broadcaster;
    const StreamNames& names;
    Epoch epoch;
    std::uint32_t lines_per_second;         // The bound of each rule in this worker.
    std::function<bool(DebugNote&&)> send;  // Returns false if there is no room.
  };
  explicit StreamDebug(Parts parts) : parts_(std::move(parts)) {}
  ~StreamDebug() override { parts_.broadcaster.unwatch(*this); }

  void set_rules(const DebugRules& rules);
  bool any_rules() const { return !rules_.empty(); }

  void on_opened(broadcast::StreamToken token, const broadcast::Stream& stream,
                 bool resumed) override;
  void on_ended(broadcast::StreamToken token, const broadcast::Stream& stream,
                broadcast::EndReason reason, Instant now);
  void on_delivered(broadcast::StreamToken token, const broadcast::Stream& stream,
                    Frames frames) override;
  void on_step(broadcast::StreamToken token, const broadcast::Stream& stream,
               broadcast::StreamStep step) override;
  void on_gap(broadcast::StreamToken token, const broadcast::Stream& stream,
              const broadcast::Gap& gap) override;

  // Sends the counts when a second is over. Call it at least four times a second.
  void tick(Instant now);

 private:
  struct Running {
    DebugRule rule;
    LinesPerSecond lines = {};
  };
  struct Known {
    std::uint32_t generation;
    net::PeerAddress address;
  };
  // A stream, and its address once this call has looked it up.
  struct Subject {
    broadcast::StreamToken token;
    const broadcast::Stream& stream;
    std::optional<std::optional<net::PeerAddress>> address{};
  };

  const std::optional<net::PeerAddress>& address_of(Subject& subject);
  bool concerns(const DebugRule& rule, const broadcast::Stream& stream) const;
  Running* rule_of(Subject& subject, const Frame* event);
  // Returns the matching rule and counts a line of it. Null if no rule matches, or if the rule has
  // used up its lines of this second.
  Running* rule_with_room(Subject& subject, const Frame* event);
  void write(Running& running, std::string_view message, Subject& subject, DebugNote::Fields more);
  void tell_left_out(Running& running);

  Parts parts_;
  std::vector<Running> rules_;
  // The addresses of streams that an address rule has matched: the kernel forgets them when the
  // peer resets the connection. Bounded.
  std::unordered_map<broadcast::StreamIndex, Known> known_;
  Period second_;
};

}  // namespace crier::cmd
