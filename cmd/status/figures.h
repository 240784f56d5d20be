// The figures of a daemon's status, one row each: what /status and `crier status` show, in this
// order. Constants; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier::cmd {

struct Figure {
  // What is taken of the metric, and how a person is shown it.
  enum class Kind : std::uint8_t {
    count,  // This one and the next three: the sum.
    bytes,
    duration,
    outcome,
    by_reason,  // Each series that is not 0.
    p50,
    p99,
    uptime,   // No metric: StatusFacts has it.
    version,  // The only label of the only series.
  };

  std::string_view key;  // In the JSON of /status.
  std::string_view metric;
  Kind kind = Kind::count;
  std::string_view title = {};    // In the text. Empty: no line of its own.
  std::string_view max_key = {};  // Of the bound, if it is shown: "5 of 8".
  bool hidden_if_zero = false;    // In the text: crier does not have it.
};

inline constexpr Figure kFigures[] = {
    {"version", "crier_build_info", Figure::Kind::version, "version"},
    {"uptime_seconds", "", Figure::Kind::uptime, "up for"},
    {"reload_successful", "crier_config_last_reload_successful", Figure::Kind::outcome,
     "last reload"},
    {"pending_settings", "crier_config_pending_settings", Figure::Kind::count, "pending settings"},
    {"streams", "crier_stream_active_connections", Figure::Kind::count, "streams", "streams_max"},
    {"streams_max", "crier_streams_max"},
    {"events_published", "crier_events_published_total", Figure::Kind::count, "events published"},
    {"events_delivered", "crier_events_delivered_total", Figure::Kind::count, "events delivered"},
    {"chunks_sent", "crier_stream_chunks_total", Figure::Kind::count, "chunks sent"},
    {"bytes_sent", "crier_bytes_sent_total", Figure::Kind::bytes, "bytes sent"},
    {"latency_p50_seconds", "crier_stream_latency_seconds", Figure::Kind::p50, "latency p50"},
    {"latency_p99_seconds", "crier_stream_latency_seconds", Figure::Kind::p99, "latency p99"},
    {"publish_latency_p50_seconds", "crier_publish_latency_seconds", Figure::Kind::p50,
     "publish p50"},
    {"publish_latency_p99_seconds", "crier_publish_latency_seconds", Figure::Kind::p99,
     "publish p99"},
    {"topics", "crier_topics", Figure::Kind::count, "topics", "topics_max"},
    {"topics_max", "crier_topics_max"},
    {"history_events", "crier_history_events", Figure::Kind::count, "history events"},
    {"history_bytes", "crier_history_bytes", Figure::Kind::bytes, "history size",
     "history_bytes_max"},
    {"history_bytes_max", "crier_history_bytes_max"},
    {"history_oldest_age_seconds", "crier_history_oldest_age_seconds", Figure::Kind::duration,
     "oldest event"},
    {"journal_bytes", "crier_journal_file_bytes", Figure::Kind::bytes, "journal size", {}, true},
    {"journal_behind_events", "crier_journal_behind_events", Figure::Kind::count, "journal behind"},
    {"gaps", "crier_gaps_total", Figure::Kind::by_reason, "gaps"},
    {"requests_refused", "crier_requests_refused_total", Figure::Kind::by_reason,
     "requests refused"},
    {"streams_ended", "crier_streams_ended_total", Figure::Kind::by_reason, "streams ended"},
    {"memory_bytes", "process_resident_memory_bytes", Figure::Kind::bytes, "memory"},
};

}  // namespace crier::cmd
