// What libnats' threads and the sender tell the control loop, in order.
//
//   threads ──► put_message() … put() ──► Wakeup ──► take() on the loop
//
// Messages of the stream are bounded: put_message() waits while there are too many, so that the
// server, which waits for this node's replies, sends no more.
//
// Any thread may put; one thread takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "cmd/journal/nats/nats_handles.h"
#include "core/instant.h"

namespace crier::cmd {

// A message of the stream.
struct NatsArrival {
  NatsMessageHandle message;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;  // Since 1970, by the server's clock.
};

enum class NatsFate : std::uint8_t {
  stored,
  repeated,   // The stream has an event with this key: compare() finds out the rest.
  known,      // The stream has an event with this key and this content.
  conflict,   // The stream has an event with this key and other content.
  forgotten,  // The stream has had an event with this key, which is gone.
  no_space,
  unsent,  // Not stored, or not known to be.
};

// What became of an event that was sent.
struct NatsFateOf {
  std::uint64_t group = 0;
  std::uint32_t index = 0;
  NatsFate fate = NatsFate::unsent;
  std::uint64_t sequence = 0;  // Of `stored`, `repeated` and `known`.
};

struct NatsReach {
  bool reachable = false;
  std::uint64_t first = 0;  // Of the stream; 0: not asked.
  std::uint64_t last = 0;
  Instant began = {};    // When the stream was asked.
  std::string why = {};  // Not reachable.
};

// The stream is not the one that this node has loaded.
struct NatsLost {
  std::string why;
};

using NatsReport = std::variant<NatsArrival, NatsFateOf, NatsReach, NatsLost>;

class NatsInbox {
 public:
  // `wake` is called on the thread that puts something into an empty inbox.
  explicit NatsInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void put(NatsReport report) {
    const std::unique_lock lock(mutex_);
    add(std::move(report));
  }

  // Waits for room. Drops the message if the inbox is closed.
  void put_message(NatsArrival arrival) {
    const std::size_t bytes = data_of(arrival.message.get()).size() + kMessageBytes;
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return closed_ || bytes_ < kBytesMax; });
    if (closed_) return;
    bytes_ += bytes;
    add(std::move(arrival));
  }

  // Returns what has arrived. Waits for it up to `wait`.
  std::vector<NatsReport> take(std::chrono::milliseconds wait = {}) {
    std::unique_lock lock(mutex_);
    if (wait.count() > 0) {
      some_.wait_for(lock, wait, [this] { return !reports_.empty(); });
    }
    bytes_ = 0;
    room_.notify_all();
    return std::exchange(reports_, {});
  }

  // From now on nobody waits for room.
  void close() {
    const std::unique_lock lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  static constexpr std::size_t kBytesMax = std::size_t{16} << 20;
  static constexpr std::size_t kMessageBytes = 512;  // What a message costs beside its payload.

  void add(NatsReport report) {
    const bool first = reports_.empty();
    reports_.push_back(std::move(report));
    if (!first) return;
    some_.notify_one();
    wake_();
  }

  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable some_;
  std::vector<NatsReport> reports_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace crier::cmd
