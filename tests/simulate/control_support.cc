#include <utility>

#include "tests/broadcast/log/log_support.h"
#include "tests/simulate/control.h"
#include "tests/support/catch.h"

namespace crier::broadcast::simulate {

void Control::publish(const Event& event, std::uint64_t hole, Instant now) {
  pending_.push_back(append(log_, event, now, &account_, hole));
  head_ = log_.head();
}

void Control::feed() {
  if (!lagging_ && !pending_.empty()) {
    if (room()) {
      fed_through_ = pending_.back()->sequence();
      inbox_.emplace_back(std::make_shared<const Batch>(std::move(pending_)));
      ++batches_;
    } else {
      lagging_ = true;
      ++lags_;
    }
  }
  pending_.clear();
  while (lagging_ && room()) feed_from_history();
}

void Control::feed_from_history() {
  MissedFrames missed = log_.frames_after(fed_through_, sizes_.frames_max, 4'096);
  if (missed.lost) {
    ++losses_;
    if (missed.lost->topics) ++topic_losses_;
    inbox_.emplace_back(std::move(*missed.lost));
    ++batches_;
  }
  if (!missed.frames.empty()) {
    inbox_.emplace_back(std::make_shared<const Batch>(std::move(missed.frames)));
    ++batches_;
  }
  fed_through_ = missed.through;
  lagging_ = fed_through_ < head_;
}

bool Control::answer(Instant now, const std::function<void(const ReplayRequest&)>& about) {
  if (requests_.empty()) return false;
  log_.expire(now);
  about(requests_.front());
  inbox_.emplace_back(log_.replay(requests_.front(), now));
  requests_.pop_front();
  return true;
}

bool Control::hand_over(Broadcaster& worker, Instant now) {
  if (inbox_.empty() || !worker.wants_input()) return false;
  Item item = std::move(inbox_.front());
  inbox_.pop_front();
  if (auto* answer = std::get_if<ReplayAnswer>(&item)) {
    worker.take_answer(std::move(*answer), now);
    return true;
  }
  --batches_;
  if (const auto* batch = std::get_if<SharedBatch>(&item)) {
    worker.take_batch(*batch);
  } else {
    worker.take_lost(std::get<LostEvents>(item));
  }
  return true;
}

bool Control::ask(ReplayRequest&& request) {
  if (requests_.size() >= sizes_.requests_max) return false;
  requests_.push_back(std::move(request));
  return true;
}

}  // namespace crier::broadcast::simulate
