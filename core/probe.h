// Probes for bpftrace, perf and gdb: static points (USDT) of the provider `crier`, to be watched
// in a running daemon. An unwatched probe is one nop instruction.
//
//   accept         fd, address, family, port
//                  a connection to the subscriber port; `address` points to the 4 or 16 bytes of
//                  the peer's address, `family` is 4 or 6
//   stream_open    slot, generation, fd, opening_us, resumed
//                  head and crier.open were written; opening_us: since its request began to arrive
//   stream_end     slot, generation, reason, duration_ms, bytes, events
//   publish        sequence, topic, topic_size, bytes
//                  an event is committed; `bytes`: on the wire of each stream
//   batch          events, first, last, accepted_us
//                  a worker takes a batch: how many events, the sequences of its first and last
//                  one, and when the first was accepted, in microseconds of the monotonic clock
//   write_blocked  slot, generation, fd, cause, bytes
//                  a write was cut short after so many bytes; cause: socket (its buffer is full),
//                  memory (the kernel has none), rate (the stream has no token)
//   overflow       slot, generation, policy, owed_events, owed_bytes
//                  a stream is owed too much; what happens next is the policy's
//   gap            slot, generation, reason, missed, topic, topic_size
//                  a stream is told of lost events; missed: how many, or -1; topic: its first
//
// Threads are named: crier is the control loop, crier-w0 the first worker. A stream is named by
// worker, slot and generation, as its session_id is. Words (reason, cause, policy) are strings,
// those of metrics and log lines. A topic is not terminated: its size follows.
//
// Arguments are computed even while a probe is unwatched, so pass only values that the caller
// already has. Operators' scripts use these names: see deploy/bpftrace. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#else  // Built without systemtap-sdt-dev: there are no probes.
namespace crier::probe {
template <typename... Arguments>
void ignore(const Arguments&... /*arguments*/) {}
}  // namespace crier::probe
#define STAP_PROBE4(provider, name, ...) ignore(__VA_ARGS__)
#define STAP_PROBE5(provider, name, ...) ignore(__VA_ARGS__)
#define STAP_PROBE6(provider, name, ...) ignore(__VA_ARGS__)
#endif

namespace crier::probe {

[[gnu::always_inline]] inline void accept(int fd, const std::uint8_t* address, int family,
                                          std::uint16_t port) {
  STAP_PROBE4(crier, accept, fd, address, family, port);
}

[[gnu::always_inline]] inline void stream_open(std::uint32_t slot, std::uint32_t generation,
                                               std::uint32_t fd, std::uint64_t opening_us,
                                               bool resumed) {
  STAP_PROBE5(crier, stream_open, slot, generation, fd, opening_us, resumed);
}

[[gnu::always_inline]] inline void stream_end(std::uint32_t slot, std::uint32_t generation,
                                              std::string_view reason, std::uint64_t duration_ms,
                                              std::uint64_t bytes, std::uint32_t events) {
  STAP_PROBE6(crier, stream_end, slot, generation, reason.data(), duration_ms, bytes, events);
}

[[gnu::always_inline]] inline void publish(std::uint64_t sequence, std::string_view topic,
                                           std::size_t bytes) {
  STAP_PROBE4(crier, publish, sequence, topic.data(), topic.size(), bytes);
}

[[gnu::always_inline]] inline void batch(std::size_t events, std::uint64_t first,
                                         std::uint64_t last, std::uint64_t accepted_us) {
  STAP_PROBE4(crier, batch, events, first, last, accepted_us);
}

[[gnu::always_inline]] inline void write_blocked(std::uint32_t slot, std::uint32_t generation,
                                                 std::uint32_t fd, const char* cause,
                                                 std::size_t bytes) {
  STAP_PROBE5(crier, write_blocked, slot, generation, fd, cause, bytes);
}

[[gnu::always_inline]] inline void overflow(std::uint32_t slot, std::uint32_t generation,
                                            std::string_view policy, std::uint32_t owed_events,
                                            std::uint32_t owed_bytes) {
  STAP_PROBE5(crier, overflow, slot, generation, policy.data(), owed_events, owed_bytes);
}

[[gnu::always_inline]] inline void gap(std::uint32_t slot, std::uint32_t generation,
                                       std::string_view reason, std::int64_t missed,
                                       std::string_view topic) {
  STAP_PROBE6(crier, gap, slot, generation, reason.data(), missed, topic.data(), topic.size());
}

}  // namespace crier::probe
