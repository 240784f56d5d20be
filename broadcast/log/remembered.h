// What the log knows of events that it no longer has: which topics have lost events, and which are
// closed. A journal keeps it instead of these events, so that a loss is told after a restart, too.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/closed_topics.h"

namespace crier::broadcast {

struct Remembered {
  struct Topic {
    std::uint64_t hash = 0;
    std::uint64_t evicted_through = 0;  // 0: the topic has lost nothing, whatever the floor says.
    Closing closing;
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::uint64_t head = 0;   // The log's newest sequence then.
  std::uint64_t floor = 0;  // Each topic that is not listed may have lost events up to it.
  // In the order of time. A topic may be listed more than once: the greatest number counts, and the
  // last one says whether the topic is closed.
  std::vector<Topic> topics;

  friend bool operator==(const Remembered&, const Remembered&) = default;
};

// Appends it as bytes. Leaves out open topics that say nothing more than the floor does.
void append_remembered(std::string& out, const Remembered& remembered);

// Returns nothing for bytes that append_remembered() does not write.
std::optional<Remembered> read_remembered(std::string_view bytes);

}  // namespace crier::broadcast
