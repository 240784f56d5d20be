// Adds up the memory and open files that the limits allow, before the first stream is accepted.
//
// There are two sums of resident memory. `full_bytes` is what crier uses if all streams are open
// and keep up, and history and idempotency table are full; the machine must have it. `worst_bytes`
// is every limit reached at once, which takes an attacker with as many addresses as streams; it is
// printed, not required.
//
//   full  = 11 MiB + workers × 256 KiB                     the program: code and libraries 6.2 MiB,
//                                                          data 0.6, malloc's free blocks 4
//         + streams × 128                                  slot, two topics, a trace id
//         + streams × 32, with a cap per address           counts per address
//         + 65,536 × 34, with limits.requests_per_address  request buckets of addresses
//         + streams × 24, with trusted proxies             addresses that proxies named
//         + history.bytes_max × 9/8                            frames, their index, and what malloc
//                                                              cannot use between frames
//         + publish.idempotency_keys_max × 128
//         + history.bytes_max / 16, with journal.kind sqlite   8 bytes for each event of 128
//         + 5 MiB, with journal.kind nats                      libnats, its threads and buffers
//   worst = full
//         + workers × 2 MiB                                    what malloc keeps for each worker
//         + history.bytes_max                                  events far apart in the index
//         + 64 MiB, with journal.kind nats                     16 of events that were sent, 16 that
//         came,
//                                                              32 on the way: the server's bound
//         + topics_max × (640 + workers × 384)                 each topic, log and workers
//         + topics_max × workers × 32, with a cap per topic    counts per topic
//         + 4 MiB                                              the last 65,536 forgotten topics
//         + streams × topics_per_stream_max × 16           every stream with all its topics
//         + streams × 192                                  every stream behind,
//         + min(streams × owed_events_max × 8,             its ring at its cap,
//               workers × 2 × ring_bytes_max)
//         + min(streams × owed_bytes_max,                  none of its frames shared or in the
//               owed_total_bytes_max)                          history
//         + workers × 48 MiB                                   frames on their way to streams
//         + workers × replay_bytes_in_flight_max
//         + pending_requests_max × 24 KiB                      parser and a request head of 16 KiB
//         + publish.connections_max × (32 KiB + 2 × request_bytes_max    the body, and its frames
//                                      + publish.pipelined_max × 1 KiB)  requests unanswered
//         + admin.connections_max × 1 MiB                      an answer being sent
//         + admin.connections_max × 2 × admin_body_bytes_max()    an event, and its frames
//         with journal.kind sqlite:
//         + 3 × (16 MiB + request_bytes_max)                   events that wait, their row in the
//                                                              file, and one that is compacted
//         + (topics_max + 65,536) × 80                         what it remembers of topics
//
// The items of the program and of malloc were measured (tests/attack/README.md); all others are
// counted. Kernel memory comes on top: at most socket.send_buffer_bytes, doubled, of a stream that
// does not read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/affinity.h"
#include "config/config.h"

namespace crier::config {

// The bounds on the number of streams, in words for the operator.
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
  std::string_view bound = kByStreamsMax;  // Which of these allows no more streams.
  unsigned workers = 1;
  // Open files: in one table for the whole process, or in the fullest of the workers' own tables.
  // The kernel spreads connections by a hash, so the fullest table has a little more than its part.
  std::uint64_t descriptors_together = 0;
  std::uint64_t descriptors_apart = 0;
};

// The machine's resources, as far as they are known.
struct Machine {
  std::uint64_t memory_bytes = 0;     // The smaller of RAM and the cgroup's limit; 0: unknown.
  std::uint64_t descriptors_max = 0;  // RLIMIT_NOFILE, after it was raised; 0: unknown.
  std::uint64_t watches_max = 0;      // fs.epoll.max_user_watches; 0: unknown.
  std::vector<Processor> processors;  // On which this process may run; empty: unknown.
  std::uint64_t page_bytes = 4'096;   // A page of memory.
  bool own_tables = true;             // A worker may have a descriptor table of its own.
};

// The most that limits.streams_max `auto` comes to.
inline constexpr std::uint32_t kAutoStreamsMax = 1'000'000;

// `machine` is only used if limits.streams_max is `auto`: the budget then has as many streams as
// the machine has room for, in one descriptor table unless workers.own_descriptor_table is on.
// Requires: workers >= 1, the number that will really run.
Budget budget_of(const Config& config, unsigned workers, const Machine& machine = {});

// "145 MiB with 1000000 streams that keep up, at most 1.1 TiB with every limit reached, 1016740
// open files"
std::string to_line(const Budget& budget);
// One row a line, for `crier check`.
std::string to_table(const Budget& budget);

// The most bytes of a body that the admin endpoint takes: a JSON object with one event, whose data
// takes twice its bytes if each character is escaped, such as `\n`. 0: it takes none.
std::uint64_t admin_body_bytes_max(const Config& config);

// User memory of a stream that keeps up, and the most that an incomplete request takes: see above.
inline constexpr std::uint64_t kStreamBytes = 128;
inline constexpr std::uint64_t kPendingRequestBytes = 24 * 1'024;

// Lingering connections of the publish socket, and of the admin endpoint, beyond their
// connections_max: see net/http/http_server.h.
inline constexpr std::uint64_t kLingerSlots = 32;

struct Fit {
  // Whether each worker gets a descriptor table of its own: the setting is on; or it is auto, one
  // table is too small for the streams that were asked for, and the system allows it.
  bool own_descriptor_tables = false;
  // The streams for which there are descriptors and epoll watches, at most Budget::streams.
  std::uint64_t streams_possible = 0;
  std::string_view bound = kByStreamsMax;  // Which of these allows no more streams.
  // The same for pending requests. If room is short, they keep a sixteenth of all connections, or
  // of few connections a quarter.
  std::uint64_t requests_possible = 0;
  std::uint64_t memory_max = 0;  // limits.memory_max in bytes; 0: no limit, or unknown.
  // Sentences that name the settings; empty if there is enough.
  std::string memory_problem;
  std::string memory_warning;
  std::string descriptor_problem;
  std::string watch_problem;
};

Fit fit(const Config& config, const Budget& budget, const Machine& machine);

}  // namespace crier::config
