// What the limits add up to: memory and open files, before the first stream is accepted.
//
// Two sums of user memory. `full_bytes` is a full house in good health: every stream open and
// keeping up, history and idempotency table full; that is what the machine must have. `worst_bytes`
// is every limit reached at once, which takes an attacker with as many addresses as streams; it is
// printed, not required.
//
//   full  = streams × 128                                  slot, two topics, a trace id
//         + streams × 32, with a cap per address           counts per address
//         + 65,536 × 34, with limits.requests_per_address  request buckets of addresses
//         + streams × 24, with trusted proxies             addresses that proxies named
//         + history.bytes_max                                  frames and their index
//         + publish.idempotency_keys_max × 128
//   worst = full
//         + history.bytes_max                                  events far apart in the index
//         + topics_max × (640 + workers × 384)                 each topic, log and workers
//         + topics_max × workers × 32, with a cap per topic    counts per topic
//         + streams × topics_per_stream_max × 16           every stream with all its topics
//         + streams × 192                                  every stream behind,
//         + min(streams × owed_events_max × 8,             its ring at its cap,
//               workers × 2 × ring_bytes_max)
//         + min(streams × owed_bytes_max,                  none of its frames shared or in the
//               owed_total_bytes_max)                          history
//         + workers × 48 MiB                                   frames on their way to streams
//         + workers × replay_bytes_in_flight_max
//         + pending_requests_max × 24 KiB                      parser and a request head of 16 KiB
//         + publish.connections_max × (32 KiB + 2 × request_bytes_max)    the body, and its frames
//         + admin.connections_max × 1 MiB                      an answer being sent
//
// Kernel memory comes on top: at most socket.send_buffer_bytes, doubled, of a stream that does not
// read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/affinity.h"
#include "config/config.h"

namespace crier::config {

// What may limit the streams, in words for the operator.
inline constexpr std::string_view kByStreamsMax = "limits.streams_max";
inline constexpr std::string_view kByOpenFiles = "the limit on open files";
inline constexpr std::string_view kByWatches = "fs.epoll.max_user_watches";
inline constexpr std::string_view kByMemory = "limits.memory_max";

struct BudgetRow {
  std::string_view name;
  std::uint64_t bytes = 0;
  bool worst_only = false;
};

struct Budget {
  std::vector<BudgetRow> rows;
  std::uint64_t full_bytes = 0;
  std::uint64_t worst_bytes = 0;  // Stays at its highest value instead of wrapping.
  std::uint64_t streams = 0;      // limits.streams_max, or what `auto` comes to.
  std::uint64_t requests = 0;     // limits.pending_requests_max, or the room that `auto` leaves.
  bool automatic = false;         // limits.streams_max is auto.
  std::string_view bound = kByStreamsMax;  // What of these allows no more streams.
  unsigned workers = 1;
  // Open files: in the one table of the process, or in the fullest of one table a worker. The
  // kernel deals connections out to workers by a hash, so the fullest has a little more than its
  // part.
  std::uint64_t descriptors_together = 0;
  std::uint64_t descriptors_apart = 0;
};

// What the machine offers, as far as it is known.
struct Machine {
  std::uint64_t memory_bytes = 0;     // The smaller of RAM and the cgroup's limit; 0: unknown.
  std::uint64_t descriptors_max = 0;  // RLIMIT_NOFILE, after it was raised; 0: unknown.
  std::uint64_t watches_max = 0;      // fs.epoll.max_user_watches; 0: unknown.
  std::vector<Processor> processors;  // That this process may run on; empty: unknown.
  std::uint64_t page_bytes = 4'096;   // Of memory.
  bool own_tables = true;             // A worker may have a descriptor table of its own.
};

// What limits.streams_max `auto` is where nothing of the machine is less.
inline constexpr std::uint32_t kAutoStreamsMax = 1'000'000;

// `machine` matters to limits.streams_max `auto` alone: as many streams as it has room for, in one
// descriptor table unless workers.own_descriptor_table is on. Requires: workers >= 1, the number
// that will really run.
Budget budget_of(const Config& config, unsigned workers, const Machine& machine = {});

// "145 MiB with 1000000 streams that keep up, at most 1.1 TiB with every limit reached, 1016740
// open files"
std::string to_line(const Budget& budget);
// One row a line, for `crier check`.
std::string to_table(const Budget& budget);

// User memory of a stream that keeps up, and the most of a request that is not whole yet; see
// above.
inline constexpr std::uint64_t kStreamBytes = 128;
inline constexpr std::uint64_t kPendingRequestBytes = 24 * 1'024;

// Beyond connections_max, at the publish socket as at the admin endpoint: see
// net/http/http_server.h.
inline constexpr std::uint64_t kLingerSlots = 32;

struct Fit {
  // Each worker should have a descriptor table of its own: it must, or `automatic`, one is too
  // small for the streams that were asked for and the machine allows it.
  bool own_descriptor_tables = false;
  // What can be open at a time with that many descriptors and watches of epoll; Budget::streams
  // when there is room for all.
  std::uint64_t streams_possible = 0;
  std::string_view bound = kByStreamsMax;  // What of these allows no more streams.
  // The same of limits.pending_requests_max: all of them, up to a sixteenth of all connections, or
  // of few connections a quarter.
  std::uint64_t requests_possible = 0;
  std::uint64_t memory_max = 0;  // limits.memory_max in bytes; 0: no limit, or it is unknown.
  // Sentences that name the knobs; empty: there is enough.
  std::string memory_problem;
  std::string memory_warning;
  std::string descriptor_problem;
  std::string watch_problem;
};

Fit fit(const Config& config, const Budget& budget, const Machine& machine);

}  // namespace crier::config
