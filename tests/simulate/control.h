// The control loop of a simulation: a real log, a bounded inbox of one worker, and the worker's
// requests, of which it serves a few at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <variant>

#include "broadcast/log/event.h"
#include "broadcast/log/log.h"
#include "broadcast/streams/broadcaster.h"

namespace crier::broadcast::simulate {

class Control : public ReplayPort {
 public:
  struct Sizes {
    std::size_t inbox_max = 4;     // Batches; answers have their own room.
    std::size_t requests_max = 4;  // Requests that wait for the log.
    std::size_t frames_max = 64;   // Frames in one batch for a lagging worker.
  };
  Control(LogOptions options, const Sizes& sizes, FrameAccount& account)
      : log_(std::move(options)), sizes_(sizes), account_(account) {}

  Log& log() { return log_; }
  const std::atomic<std::uint64_t>& head() const { return head_; }

  // Appends an event and leaves out `hole` numbers before it.
  void publish(const Event& event, std::uint64_t hole, Instant now);
  // Feeds the worker with the events appended since the last call.
  void feed();
  // Calls `about` with the oldest request and answers it. Returns false if there is none.
  bool answer(Instant now, const std::function<void(const ReplayRequest&)>& about);
  // Hands the worker the next item. Returns false if there is none or the worker wants none.
  bool hand_over(Broadcaster& worker, Instant now);

  bool idle() const { return inbox_.empty() && requests_.empty() && fed_through_ == head_; }
  std::uint64_t lags() const { return lags_; }
  std::uint64_t losses() const { return losses_; }  // Losses, including those told by topic.
  std::uint64_t topic_losses() const { return topic_losses_; }

  bool ask(ReplayRequest&& request) override;

 private:
  using Item = std::variant<SharedBatch, ReplayAnswer, LostEvents>;

  bool room() const { return batches_ < sizes_.inbox_max; }
  void feed_from_history();

  Log log_;
  Sizes sizes_;
  FrameAccount& account_;
  std::atomic<std::uint64_t> head_{0};
  std::uint64_t fed_through_ = 0;
  bool lagging_ = false;
  Batch pending_;  // Appended since the last feed().
  std::deque<Item> inbox_;
  std::size_t batches_ = 0;  // Batches in the inbox.
  std::deque<ReplayRequest> requests_;
  std::uint64_t lags_ = 0;
  std::uint64_t losses_ = 0;
  std::uint64_t topic_losses_ = 0;
};

}  // namespace crier::broadcast::simulate
