// Trace ids: what a client and a log line call one request. 32 hexadecimal digits, unless the
// client brought its own.
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

  std::string make();
  // The client's own, else a new one.
  std::string of(const net::Request& request);

 private:
  Random random_;
};

}  // namespace crier::cmd
