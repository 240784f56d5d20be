// A worker's lines about the streams that an operator wants logged one by one: opened, each event
// delivered, behind and caught up, gaps, the end.
//
// They become notes to control. There is a bound on the lines of each rule in a second; what is
// beyond it, or finds no room on the way, is counted, and the count is told when the second is
// over. A stream to which several rules apply has its lines from the first.
//
// Belongs to one worker. Watches nothing while there is no rule.
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
    std::uint32_t lines_per_second;         // Of each rule, here.
    std::function<bool(DebugNote&&)> send;  // False: there is no room.
  };
  explicit StreamDebug(Parts parts) : parts_(std::move(parts)) {}
  ~StreamDebug() override { parts_.broadcaster.watch(nullptr); }

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

  // Ends the second that is over, if it is. At least four times a second.
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
  // A stream, and what one call has found out about it.
  struct Subject {
    broadcast::StreamToken token;
    const broadcast::Stream& stream;
    std::optional<std::optional<net::PeerAddress>> address{};
  };

  const std::optional<net::PeerAddress>& address_of(Subject& subject);
  bool concerns(const DebugRule& rule, const broadcast::Stream& stream) const;
  Running* rule_of(Subject& subject, const Frame* event);
  // The same, but null where the rule has had its lines of this second; counts the line.
  Running* rule_with_room(Subject& subject, const Frame* event);
  void write(Running& running, std::string_view message, Subject& subject, DebugNote::Fields more);
  void tell_left_out(Running& running);

  Parts parts_;
  std::vector<Running> rules_;
  // Of streams that an address rule concerned: the kernel forgets it when the peer cuts the
  // connection. Bounded.
  std::unordered_map<broadcast::StreamIndex, Known> known_;
  Period second_;
};

}  // namespace crier::cmd
