// One sample of /stats, the stream that the live dashboard and `crier top` watch:
//
//   {"time":1764278643.123,"start":1764278600.5,"ready":true,"figures":{…as /status…},
//    "histograms":{"stream_latency":{"le":[5e-05,…],"counts":[0,…],"sum":0.5},…},
//    "memory":{"streams":640,…},"memory_per_stream":4711,
//    "workers":[{"worker":"0","streams":10,"delivered":20,"bytes":900,"turns":7,
//                "busy_seconds":0.25},…],
//    "ended":{"client_closed":3},"refused":{},"gaps":{},"evicted":{},
//    "kernel":[{"setting":"net.core.somaxconn","now":"128","wanted":"4096",
//               "command":"sysctl -w net.core.somaxconn=4096"}],
//    "limits":[{"knob":"limits.streams_max","now":10,"max":8000,"reached":0},…],
//    "topics":[{"topic":"news","events_per_second":20.5,"streams":3,
//               "deliveries_per_second":61.5},…],
//    "lagging":[{"worker":0,"address":"203.0.113.7:50312","topic":"news","topics":1,
//                "trace_id":"…","lag_events":12,"lag_seconds":3.25,"owed_bytes":900},…],
//    "tail":true,"publish":false}
//
// `topics` are the busiest ones first, `lagging` the streams that are the furthest behind. Both are
// there only if admin.debug is true; `tail` says whether /tail answers, `publish` whether the
// dashboard may publish.
//
// Counters count from the start, and `start` changes with it: a viewer takes differences. The
// counts of a histogram are not cumulative; there is one more of them than of `le`, for values
// above all bounds. Counts of 0 by reason are left out, and so is what is not known.
//
// A sample is shorter than kSampleBytesMax, however many clients, topics and workers there are.
// Pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/catalogue.h"

namespace crier::cmd {

inline constexpr std::size_t kSampleBytesMax = std::size_t{31} * 1024;

struct WorkerFigures {
  std::string name;  // The value of the label `worker` in /metrics.
  std::uint64_t streams = 0;
  std::uint64_t delivered = 0;
  std::uint64_t bytes = 0;
  std::uint64_t turns = 0;
  double busy_seconds = 0;
};

// A parameter of the kernel that falls short.
struct KernelAdvice {
  std::string setting;
  std::string now;
  std::string wanted;
  std::string command;
};

// One of the busiest topics.
struct TopicFigures {
  std::string topic;
  double events_per_second = 0;
  std::optional<std::uint64_t> streams;  // Those that name the topic; not known at once.
};

// One of the streams that are the furthest behind.
struct LaggingFigures {
  std::uint32_t worker = 0;
  std::string address;
  std::string topic;  // The first of `topics`.
  std::size_t topics = 0;
  std::string trace_id;
  std::optional<std::uint64_t> lag_events;  // Not known: the log would have to be searched.
  std::optional<double> lag_seconds;
  std::uint64_t owed_bytes = 0;
};

// Connections that wait to be accepted, in the queue that is the fullest.
struct AcceptQueue {
  std::uint64_t waiting = 0;
  std::uint64_t max = 0;
};

struct SampleFacts {
  const metrics::Catalogue& catalogue;  // Must be refreshed.
  std::string_view why_not_ready;       // Empty: ready.
  double now_unix_seconds = 0;
  double uptime_seconds = 0;  // Since the daemon's start, not since its process's.
  std::span<const WorkerFigures> workers;
  std::span<const KernelAdvice> kernel;
  AcceptQueue accept_queue = {};
  std::optional<std::vector<TopicFigures>> topics = {};
  std::optional<std::vector<LaggingFigures>> lagging = {};
  bool tail = false;
  bool publish = false;
};

// The JSON in one line, without a line end. Requires: as status_json().
std::string sample_json(const SampleFacts& facts);

}  // namespace crier::cmd
