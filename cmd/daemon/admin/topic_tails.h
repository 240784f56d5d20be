// The clients of /tail: each is sent the events of one topic, or of a pattern's topics, as they
// leave for the workers.
//
//   event: event
//   data: {"id":"…","topic":"news","event":"update","data":"…","bytes":120,"cut":false}
//   event: skipped
//   data: {"events":17}
//
// `event` is left out if the publisher gave no name. `data` is the beginning, if `cut` is true;
// `bytes` is what the event takes on the wire. A tail is sent a bounded number of events in a
// quarter of a second, and none until the next one once its client has too many bytes to read: it
// is told how many were skipped. A tail whose client takes nothing for kUnreadSeconds is ended, and
// all are ended when admin.debug is no longer true.
//
// Without a tail nothing looks at batches. Belongs to the control loop, and must outlive the server
// of its clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/daemon/control/batch_watchers.h"
#include "config/config.h"
#include "core/instant.h"
#include "core/topic.h"
#include "net/http/http_handler.h"
#include "net/loop/loop.h"
#include "net/loop/timer.h"

namespace crier::cmd {

class TopicTails final : private BatchWatcher {
 public:
  static constexpr std::size_t kTailsMax = 4;
  static constexpr std::uint64_t kTickMs = 250;
  static constexpr std::size_t kEventsPerTick = 100;
  static constexpr std::size_t kDataBytesMax = 2'048;
  static constexpr std::uint64_t kHeartbeatSeconds = 5;
  static constexpr std::uint64_t kUnreadSeconds = 30;

  // All outlive the tails.
  struct Parts {
    net::Loop& loop;
    const crier::config::Config& config;  // The one in force.
    BatchWatchers& batches;
    std::function<Instant()> now;
    std::size_t tails_max = kTailsMax;  // The endpoint needs connections for other requests.
    std::uint64_t tick_ms = kTickMs;
  };
  explicit TopicTails(Parts parts);
  ~TopicTails() override { rest(); }
  TopicTails(const TopicTails&) = delete;
  TopicTails& operator=(const TopicTails&) = delete;

  // Whether another tail is one too many.
  bool full();
  // Answers with the events that match `topic`. Requires: !full().
  void add(const net::Responder& responder, std::string_view trace_id, bool head_only,
           Selector topic);
  // Ends every answer. Call it before the server closes.
  void close();

  std::size_t count() const { return tails_.size(); }

 private:
  struct Tail {
    net::AnswerStream stream;
    Selector topic;
    Instant took_all;  // When it last had nothing left to take.
    Instant wrote_at;
    std::size_t sent = 0;       // Events, in this tick.
    std::uint64_t skipped = 0;  // Events of which the client was not told.
  };
  void on_batch(const broadcast::Batch& batch) override;
  bool write(Tail& tail, std::string_view message) const;
  void on_tick();
  void forget_gone();
  void rest();

  Parts parts_;
  std::vector<Tail> tails_;
  net::Timer timer_;  // Runs while there is a tail.
};

// The data of an `event`, from the text of a frame.
std::string tailed_event_json(std::string_view topic, std::string_view text);

}  // namespace crier::cmd
