#include "net/http/answer_queue.h"

#include <utility>

#include "core/check.h"
#include "core/frame.h"

namespace crier::net {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kKeptAnswers = 16;

}  // namespace

std::uint64_t AnswerQueue::push(const Request& request, std::size_t charge, Instant now) {
  charged_ += charge;
  answers_.push_back({.close = !request.keep_alive,
                      .http_1_0 = request.http_1_0,
                      .bodiless = request.method == Method::head,
                      .charge = charge,
                      .since = now});
  return first_ordinal_ + size() - 1;
}

void AnswerQueue::push_last(std::string bytes) {
  answers_.push_back({.state = State::complete, .close = true, .bytes = std::move(bytes)});
}

bool AnswerQueue::awaits(std::uint64_t ordinal) const {
  if (ordinal < first_ordinal_ || ordinal - first_ordinal_ >= size()) return false;
  return answers_[at(ordinal)].state != State::complete;
}

// Returns null if the answer was dropped.
AnswerQueue::Answer* AnswerQueue::find(std::uint64_t ordinal) {
  if (ordinal < first_ordinal_) {
    CRIER_CHECK(dropped_some_);  // Otherwise the handler has answered a request twice.
    return nullptr;
  }
  CRIER_CHECK(awaits(ordinal));
  return &answers_[at(ordinal)];
}

void AnswerQueue::reply(std::uint64_t ordinal, std::string bytes, bool close) {
  Answer* const found = find(ordinal);
  if (found == nullptr) return;
  Answer& answer = *found;
  CRIER_CHECK(answer.state == State::unanswered);
  answer.bytes = std::move(bytes);
  answer.close = answer.close || close;
  answer.state = State::complete;
}

void AnswerQueue::begin(std::uint64_t ordinal, std::string head, OnChange on_change) {
  Answer* const found = find(ordinal);
  if (found == nullptr) return;
  Answer& answer = *found;
  CRIER_CHECK(answer.state == State::unanswered);
  CRIER_CHECK(head.ends_with(kHeadEnd));
  head.resize(head.size() - 2);
  answer.close = answer.close || answer.http_1_0;
  if (!answer.http_1_0) head.append("Transfer-Encoding: chunked\r\n");
  head.append(answer.close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
  answer.bytes = std::move(head);
  answer.on_change = std::move(on_change);
  answer.state = State::streamed;
}

bool AnswerQueue::write(std::uint64_t ordinal, std::string_view bytes, std::size_t ahead) {
  CRIER_CHECK(bytes.size() <= kStreamPieceMax);
  Answer* const found = find(ordinal);
  if (found == nullptr) return false;
  Answer& answer = *found;
  CRIER_CHECK(answer.state == State::streamed);
  if (bytes.empty() || answer.bodiless) return true;
  const std::size_t waiting = answer.bytes.size() + (ordinal == first_ordinal_ ? ahead : 0);
  if (waiting + bytes.size() > kStreamedBytesMax) {
    answer.wants_room = true;
    return false;
  }
  if (answer.http_1_0) {
    answer.bytes.append(bytes);
  } else {
    append_chunk(answer.bytes, bytes);
  }
  return true;
}

void AnswerQueue::end(std::uint64_t ordinal) {
  Answer* const found = find(ordinal);
  if (found == nullptr) return;
  Answer& answer = *found;
  CRIER_CHECK(answer.state == State::streamed);
  if (!answer.http_1_0 && !answer.bodiless) answer.bytes.append(kLastChunk);
  answer.on_change = nullptr;
  answer.state = State::complete;
}

std::size_t AnswerQueue::waiting(std::uint64_t ordinal, std::size_t ahead) const {
  if (!awaits(ordinal)) return 0;
  for (std::size_t i = gone_; i <= at(ordinal); ++i) ahead += answers_[i].bytes.size();
  return ahead;
}

bool AnswerQueue::collect(std::string& output) {
  std::size_t complete = 0;
  for (std::size_t i = gone_; i < answers_.size(); ++i) {
    Answer& answer = answers_[i];
    if (output.empty() && answer.bytes.size() > output.capacity()) {
      output = std::exchange(answer.bytes, {});
    } else {
      output.append(answer.bytes);
      answer.bytes.clear();
    }
    if (answer.state != State::complete) break;
    ++complete;
    if (answer.close) {
      drop_all();
      return true;
    }
  }
  drop(complete);
  return false;
}

std::optional<Instant> AnswerQueue::unanswered_since() const {
  if (empty() || answers_[gone_].state != State::unanswered) return std::nullopt;
  return answers_[gone_].since;
}

void AnswerQueue::shrink() {
  if (answers_.empty() && answers_.capacity() > kKeptAnswers) answers_.shrink_to_fit();
}

void AnswerQueue::drop_all() {
  dropped_some_ = true;
  drop(size());
}

void AnswerQueue::drop(std::size_t count) {
  first_ordinal_ += count;
  for (; count > 0; --count) {
    Answer& answer = front();
    charged_ -= answer.charge;
    if (answer.on_change) calls_.push_back(std::move(answer.on_change));
    answer = {};
    ++gone_;
  }
  if (gone_ * 2 < answers_.size()) return;
  answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(gone_));
  gone_ = 0;
}

std::vector<OnChange> AnswerQueue::take_calls(std::size_t ahead) {
  std::vector<OnChange> calls = std::exchange(calls_, {});
  if (empty() || !front().wants_room) return calls;
  if (front().bytes.size() + ahead > kStreamedBytesMax - kStreamPieceMax) return calls;
  front().wants_room = false;
  if (front().on_change) calls.push_back(front().on_change);
  return calls;
}

}  // namespace crier::net
