#include "net/http/head_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/check.h"
#include "net/http/head_gate.h"
#include "net/http/head_refusals.h"
#include "net/http/head_rules.h"
#include "net/http/second_opinion.h"

namespace crier::net {
namespace {

constexpr std::size_t kFirstBytes = 1024;    // Most heads fit.
constexpr std::size_t kKeptBytesMax = 4096;  // A larger buffer is not kept for the next request.

}  // namespace

struct HeadReader::State {
  explicit State(const HeadLimits& head_limits) : limits(head_limits), gate(head_limits) {}

  std::string_view head() const { return {buffer.get(), size}; }
  void make_room();
  HeadProgress finish(HeadProgress scanned);
  HeadProgress refuse(const Refusal& why);

  HeadLimits limits;
  HeadGate gate;
  std::unique_ptr<char[]> buffer;
  std::size_t capacity = 0;
  std::size_t size = 0;
  HeadProgress progress = HeadProgress::more;
  bool disagreed = false;
  Request request;
  Refusal refusal;
  std::string joined_accept;
};

// The buffer has room for one byte more than a head may have: that byte shows that the head is too
// large.
void HeadReader::State::make_room() {
  const std::size_t capacity_max = limits.head_bytes_max + 1;
  if (size < capacity) return;
  CRIER_CHECK(capacity < capacity_max);
  const std::size_t grown = std::min(std::max(kFirstBytes, capacity * 2), capacity_max);
  auto larger = std::make_unique_for_overwrite<char[]>(grown);
  if (size > 0) std::memcpy(larger.get(), buffer.get(), size);
  buffer = std::move(larger);
  capacity = grown;
}

HeadProgress HeadReader::State::refuse(const Refusal& why) {
  refusal = why;
  return progress = HeadProgress::refused;
}

HeadProgress HeadReader::State::finish(HeadProgress scanned) {
  if (scanned == HeadProgress::refused) return refuse(gate.refusal());
  if (const Refusal* why = judge_head(head(), gate, limits, request, joined_accept)) {
    return refuse(*why);
  }
  if (!llhttp_agrees(head(), gate, request)) {
    disagreed = true;
    return refuse(refusals::kDisagreement);
  }
  return progress = HeadProgress::complete;
}

HeadReader::HeadReader(const HeadLimits& limits) : state_(std::make_unique<State>(limits)) {}
HeadReader::~HeadReader() = default;
HeadReader::HeadReader(HeadReader&&) noexcept = default;
HeadReader& HeadReader::operator=(HeadReader&&) noexcept = default;

HeadProgress HeadReader::consume(std::string_view bytes, std::size_t& used) {
  State& state = *state_;
  used = 0;
  // Bytes behind the head are copied too, as far as the buffer has room; `state.size` then goes
  // back to the head's end.
  while (state.progress == HeadProgress::more && used < bytes.size()) {
    state.make_room();
    const std::size_t before = state.size;
    const std::size_t part = std::min(state.capacity - before, bytes.size() - used);
    std::memcpy(state.buffer.get() + before, bytes.data() + used, part);
    state.size += part;
    const HeadProgress scanned = state.gate.scan(state.head());
    if (scanned != HeadProgress::more) {
      state.size = std::max(before, state.gate.scanned());
      state.finish(scanned);
    }
    used += state.size - before;
  }
  return state.progress;
}

bool HeadReader::started() const {
  return state_->size > 0 || state_->progress != HeadProgress::more;
}

const Request& HeadReader::request() const {
  CRIER_CHECK(state_->progress == HeadProgress::complete);
  return state_->request;
}

const Refusal& HeadReader::refusal() const {
  CRIER_CHECK(state_->progress == HeadProgress::refused);
  return state_->refusal;
}

bool HeadReader::parsers_disagreed() const {
  return state_->disagreed;
}

void HeadReader::reset() {
  State& state = *state_;
  state.gate.reset();
  state.size = 0;
  state.progress = HeadProgress::more;
  state.disagreed = false;
  if (state.capacity > kKeptBytesMax) {
    state.buffer.reset();
    state.capacity = 0;
  }
}

}  // namespace crier::net
