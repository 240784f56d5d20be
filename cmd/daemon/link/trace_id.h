// Makes trace ids, which name one request in its answer and in the log: 32 hexadecimal digits, or
// the id that the client sent.
//
// Belongs to one thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/random.h"
#include "net/http/request.h"

namespace crier::cmd {

class TraceIds {
 public:
  explicit TraceIds(std::uint64_t random_seed) : random_(random_seed) {}

  // A new trace id.
  std::string make();
  // The trace id that the client sent, otherwise a new one.
  std::string of(const net::Request& request);

 private:
  Random random_;
};

}  // namespace crier::cmd
