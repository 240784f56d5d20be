// One client process: opens streams of one group, reads them, and counts what arrives.
//
// The command process forks it, sets ClientState::wanted and writes kOpen to the command pipe; the
// process then opens streams, a bounded number at a time, until so many are open or were refused.
// From kBegin to kFinish it counts what its streams receive; at kFinish it counts the events that
// they still lack as lost if the server answered their posts. What arrives later is not counted. It
// exits when the pipe is closed, so that it never outlives the command process. Streams are reset
// rather than closed at the end, which leaves no port waiting.
#pragma once

#include <cstdint>
#include <string>

#include "cmd/bench/shared_state.h"
#include "cmd/bench/topic_plan.h"
#include "net/socket/endpoint.h"

namespace crier::bench {

inline constexpr char kOpen = 'o';
inline constexpr char kBegin = 'b';
inline constexpr char kFinish = 'f';

struct ClientOptions {
  net::SocketAddress server;
  std::string host;
  std::uint32_t source = 0;  // IPv4 network of /24, host order; 0: the kernel's choice.
  std::string path;          // "{}" stands for the topics.
  TopicPlan topics;
  std::uint32_t group = 0;
  std::uint32_t first_stream = 0;  // Number of this process's first stream within the group.
  std::uint32_t connecting_max = 64;
  bool reads = true;   // False: nothing is read after the response head.
  bool trace = false;  // True: each request has a traceparent header with an id of its own.
};

// Runs until `commands` is closed. Returns the process's exit code.
int run_client(const ClientOptions& options, int commands, const Window& window,
               ClientState& state);

}  // namespace crier::bench
