// How a node reaches NATS, and the stream that it shares with the other nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmd/journal/nats/stream_state.h"

namespace crier::cmd {

struct NatsJournalOptions {
  std::vector<std::string> servers;  // nats://host:port or tls://host:port; at least one.
  std::string credentials_file;      // Empty: none, here and below.
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  StreamSettings stream;
  std::uint64_t event_bytes_max = 0;  // What a message must be able to hold.
  // How long an event waits to be seen in the stream before its publisher is told that it may be
  // lost.
  std::uint32_t answer_ms = 5'000;
  std::uint32_t check_ms = 5'000;  // How often the stream is looked at.
};

}  // namespace crier::cmd
