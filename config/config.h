// Everything an operator can set, as plain values: one struct per section of the configuration
// file, one member per key, the member's initialiser its default.
//
// A Config that came from load() is within every range and consistent (see load.h); one that was
// made by hand holds the defaults, which are both. Ranges and descriptions are in knobs.cc, one row
// per member. Sizes are bytes, times are in the unit their name ends with, and 0 means "none" only
// where the row says so. Values only: copy it to hand it to another thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "core/proxies.h"
#include "core/topic_rows.h"

namespace crier::config {

// How crier refuses a request while it is full, rate-limited or draining.
enum class RefuseWith : std::uint8_t {
  stream,  // A browser gets a stream that says `crier.busy` and when to come back.
  status,  // Every client gets 429 or 503 with Retry-After.
};
constexpr std::array<std::string_view, 2> names_of(RefuseWith /*selects*/) {
  return {"stream", "status"};
}

enum class Patterns : std::uint8_t { deny, allow };
constexpr std::array<std::string_view, 2> names_of(Patterns /*selects*/) {
  return {"deny", "allow"};
}

enum class OwnDescriptorTable : std::uint8_t { automatic, on, off };
constexpr std::array<std::string_view, 3> names_of(OwnDescriptorTable /*selects*/) {
  return {"auto", "on", "off"};
}

enum class LogFormat : std::uint8_t { text, logfmt, json };
constexpr std::array<std::string_view, 3> names_of(LogFormat /*selects*/) {
  return {"text", "logfmt", "json"};
}

// Which worker's listener the kernel gives a connection to.
enum class Steering : std::uint8_t { off, cpu };
constexpr std::array<std::string_view, 2> names_of(Steering /*selects*/) {
  return {"off", "cpu"};
}

// How a start treats kernel parameters that are lower than the configuration needs.
enum class KernelTuning : std::uint8_t { off, check, apply };
constexpr std::array<std::string_view, 3> names_of(KernelTuning /*selects*/) {
  return {"off", "check", "apply"};
}

// Permission bits of a file; four octal digits in quotes in the file, "0660".
struct FileMode {
  std::uint32_t bits = 0660;
  friend bool operator==(FileMode, FileMode) = default;
};

struct Http {
  std::string listen = "127.0.0.1:8080";
  std::vector<std::string> hosts;    // Empty: any Host.
  std::vector<std::string> origins;  // Beside the request's own host.
  std::uint32_t backlog = 4'096;
  std::vector<std::string> trusted_proxies;  // Ranges of addresses; empty: no peer is a proxy.
  ClientHeader client_address_from = ClientHeader::x_forwarded_for;
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
};

struct Publish {
  std::string socket;  // Empty: /run/crier/publish.sock for root, else in the user's own directory.
  FileMode mode;
  std::string owner;  // Name or number; empty: the user that runs crier. `group`: the same.
  std::string group;
  // Allowed peers, names or numbers. If both lists are empty, every user whom the file mode allows.
  std::vector<std::string> users;
  std::vector<std::string> groups;
  std::uint32_t connections_max = 256;
  std::uint32_t pipelined_max = 1'024;
  std::uint32_t rate = 0;  // Events per second of one user; 0: no limit.
  std::uint32_t burst = 1'000;
  std::uint32_t idempotency_keys_max = 100'000;
  std::uint32_t idempotency_seconds_max = 300;
};

struct Admin {
  std::string listen = "127.0.0.1:8081";  // Or "unix:/path".
  bool debug = false;
  std::uint32_t trace_every = 0;   // 0: no publish is followed.
  bool publish = false;            // The dashboard may publish.
  std::vector<std::string> hosts;  // Beside addresses and localhost.
  std::uint32_t connections_max = 64;
};

inline constexpr unsigned kWorkersMax = 1'024;

struct Workers {
  std::uint32_t count = 0;       // 0: one per core, or per processor that `affinity` lists.
  std::string affinity = "off";  // See affinity.h.
  Steering steering = Steering::off;
  OwnDescriptorTable own_descriptor_table = OwnDescriptorTable::automatic;
};

struct Subscribe {
  Patterns patterns = Patterns::deny;
};

// The value of a number that is `auto` in the file, if its row in knobs.cc allows that.
inline constexpr std::uint32_t kAuto = 0;

struct Limits {
  std::uint32_t streams_max = kAuto;          // What the machine allows: Budget::streams.
  std::uint32_t streams_per_address_max = 0;  // 0: no cap.
  std::uint32_t streams_per_topic_max = 0;    // 0: no cap.
  std::uint32_t requests_per_address = 0;     // Per second; 0: no limit.
  std::uint32_t requests_per_address_burst = 200;
  std::uint32_t breaker_seconds = 60;  // 0: no breaker.
  std::string memory_max = "80%";      // See memory_max.h.
  RefuseWith refuse_with = RefuseWith::stream;
  std::uint32_t event_bytes_max = 256 * 1024;
  std::uint32_t request_bytes_max = 8 * 1024 * 1024;
  std::uint32_t request_lines_max = 5'000;
  std::uint32_t owed_bytes_max = 1024 * 1024;
  std::uint32_t owed_events_max = 1'024;                   // Rings round it up to a power of two.
  std::uint64_t owed_total_bytes_max = 128 * 1024 * 1024;  // Beyond the history.
  std::uint64_t ring_bytes_max = 64 * 1024 * 1024;         // Of one worker; twice: see knobs.cc.
  std::uint32_t owing_seconds_max = 30;
  std::uint32_t topics_per_stream_max = 64;
  std::uint32_t topics_max = 1'000'000;
  std::uint32_t patterns_max = 10'000;   // Of one worker.
  std::uint32_t stream_seconds_max = 0;  // 0: no end.
  std::uint32_t pending_requests_max = 8'192;
  std::uint32_t pending_seconds_max = 10;
  std::uint32_t events_per_second = 0;  // To one stream; 0: no limit.
  std::uint32_t events_burst = 1'000;
  std::uint64_t bytes_per_second = 0;  // To one stream, on the wire; 0: no limit.
  std::uint64_t bytes_burst = 1024 * 1024;
  std::uint64_t replay_bytes_in_flight_max = 16 * 1024 * 1024;  // Of one worker.
};

// The checksum that published events carry.
enum class Checksum : std::uint8_t { off, crc32c };
constexpr std::array<std::string_view, 2> names_of(Checksum /*selects*/) {
  return {"off", "crc32c"};
}

struct Frames {
  Checksum checksum = Checksum::off;
};

struct Heartbeat {
  std::uint32_t interval_seconds = 15;
};

struct History {
  std::uint32_t events_max = 1'000;               // Of one topic.
  std::uint64_t bytes_max = 64ULL * 1024 * 1024;  // Of all topics, index included.
  std::uint64_t topic_bytes_max = 0;              // Of one topic; 0: only bytes_max bounds it.
  std::uint32_t age_seconds_max = 3'600;
};

// Where accepted events are kept.
enum class JournalKind : std::uint8_t { memory, sqlite, nats };
constexpr std::array<std::string_view, 3> names_of(JournalKind /*selects*/) {
  return {"memory", "sqlite", "nats"};
}

// What an acknowledged event has waited for.
enum class JournalSync : std::uint8_t {
  commit,    // It is on the disk.
  interval,  // The kernel has it; it is on the disk sync_ms later.
};
constexpr std::array<std::string_view, 2> names_of(JournalSync /*selects*/) {
  return {"commit", "interval"};
}

struct Journal {
  JournalKind kind = JournalKind::memory;
  std::string path;  // Empty: see cmd/system/journal_path.h.
  JournalSync sync = JournalSync::commit;
  std::uint32_t sync_ms = 1'000;
  std::uint64_t bytes_max = 1024ULL * 1024 * 1024;
};

// The stream of NATS JetStream that nodes share, if journal.kind is nats.
struct Nats {
  std::vector<std::string> servers;
  std::string stream = "crier";
  std::string prefix = "crier";
  std::uint32_t replicas = 1;
  std::string credentials;  // Files, here and below; empty: none.
  std::string ca;
  std::string certificate;
  std::string key;
};

struct Overflow {
  OverflowPolicy policy = OverflowPolicy::catch_up;
};

struct Drain {
  std::uint32_t window_seconds = 5;
  std::uint32_t delay_seconds = 0;
};

struct Log {
  Level level = Level::info;
  LogFormat format = LogFormat::text;
  std::uint32_t connections_per_second = 100;
};

struct Kernel {
  KernelTuning tuning = KernelTuning::check;
  bool keep = false;  // Leave at exit what `apply` changed.
  bool bbr = false;
};

struct Reload {
  std::uint32_t canary_percent = 100;
};

// Of subscribers' sockets. 0 or empty: the kernel's own setting.
struct Socket {
  bool no_delay = true;
  std::uint32_t send_buffer_bytes = 64 * 1024;
  std::uint32_t unsent_low_water_bytes = 16 * 1024;
  std::uint32_t user_timeout_seconds = 75;
  std::uint32_t busy_poll_microseconds = 0;
  std::string congestion_control;
  std::uint32_t keepalive_idle_seconds = 60;
  std::uint32_t keepalive_interval_seconds = 15;
  std::uint32_t keepalive_probes = 4;
  std::uint32_t defer_accept_seconds = 3;  // 0: off.
};

// One row of `topics`: a class. The first row whose pattern covers a subscription counts. The
// sections above apply to what a row leaves out.
struct TopicRow {
  std::string match;  // A pattern.
  std::optional<std::uint32_t> events_max;
  // Of one topic; absent: history.topic_bytes_max. 0 retains nothing.
  std::optional<std::uint64_t> bytes_max;
  std::optional<std::uint32_t> age_seconds_max;
  std::optional<OverflowPolicy> policy;
  std::optional<std::uint32_t> rate;  // Events per second to one stream; 0: no limit.
  std::optional<std::uint32_t> burst;
  std::optional<std::uint64_t> bytes_rate;  // Bytes per second to one stream; 0: no limit.
  std::optional<std::uint64_t> bytes_burst;
  std::optional<bool> subscribe;             // Absent: true.
  std::optional<std::uint32_t> streams_max;  // Of all streams with these topics; 0: no cap.
  friend bool operator==(const TopicRow&, const TopicRow&) = default;
};

struct Config {
  Http http;
  Publish publish;
  Admin admin;
  Workers workers;
  Subscribe subscribe;
  Limits limits;
  Frames frames;
  Heartbeat heartbeat;
  History history;
  Journal journal;
  Nats nats;
  Overflow overflow;
  Drain drain;
  Log log;
  Kernel kernel;
  Reload reload;
  Socket socket;
  std::vector<TopicRow> topics;
};

}  // namespace crier::config
