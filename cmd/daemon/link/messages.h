// The messages between the control loop and a worker; worker_link.h carries them.
//
// A message is moved into a queue and belongs to the receiving side from then on.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "cmd/daemon/link/worker_queries.h"

namespace crier::cmd {

using WorkerTask = std::move_only_function<void(WorkerPages&)>;  // Runs on the worker's thread.
using ControlTask = std::move_only_function<void()>;             // Runs on the control loop.

// Small, because every worker's inbox has room for a thousand of them.
using InboxItem =
    std::variant<std::monostate, broadcast::SharedBatch, std::unique_ptr<broadcast::ReplayAnswer>,
                 std::unique_ptr<broadcast::LostEvents>, std::unique_ptr<WorkerTask>>;

// Notes for the log. A worker sends as many in a second as the configuration allows, and counts the
// others.
struct OpenedNote {
  std::string session_id;
  std::string trace_id;
  std::string address;
  std::string topics;  // Joined by commas, shortened.
  bool resumed = false;
};
struct EndedNote {
  std::string session_id;
  std::string trace_id;
  std::string address;
  std::string topics;
  broadcast::EndReason reason = broadcast::EndReason::client_closed;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t duration_us = 0;
};
// A request that was refused. Constants, where the type is a view.
struct RefusedNote {
  std::string_view reason;
  std::string_view code;
  int status = 0;
  std::string address;
  std::string origin;  // Cut.
  std::string why;
  std::string trace_id;
  std::string path = {};  // Cut; empty unless there is no such path.
};
// The breaker of an address has opened.
struct ShutOutNote {
  std::string address;
  std::uint32_t seconds = 0;
};
struct UnloggedNote {
  std::uint64_t refused = 0;
  std::uint64_t shut_out = 0;
  std::uint64_t opened = 0;
  std::uint64_t resumed = 0;  // The part of `opened` that resumed.
  std::array<std::uint64_t, kNamesOf<broadcast::EndReason>.size()> ended{};
};
// A line about a stream that a debug rule names.
struct DebugNote {
  using Fields =
      std::vector<std::pair<std::string_view, std::variant<std::string, std::uint64_t, bool>>>;
  std::uint32_t rule = 0;    // The id of the DebugRule.
  std::string_view message;  // A constant.
  Fields fields;
};
using Note = std::variant<OpenedNote, EndedNote, RefusedNote, ShutOutNote, UnloggedNote, DebugNote>;

using OutboxItem = std::variant<std::monostate, std::unique_ptr<broadcast::ReplayRequest>,
                                std::unique_ptr<Note>, std::unique_ptr<ControlTask>>;

// The visitor for std::visit: one case for each alternative.
template <typename... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace crier::cmd
