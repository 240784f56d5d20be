// The random numbers of one run of the daemon, drawn once from the kernel.
//
// Immutable; any thread.
#pragma once

#include <sys/random.h>

#include <cstdint>
#include <type_traits>

#include "core/check.h"
#include "core/keyed_hash.h"

namespace crier::cmd {

struct Keys {
  Keys() {
    static_assert(std::is_trivially_copyable_v<Keys>);
    const ssize_t drawn = ::getrandom(this, sizeof(Keys), 0);
    CRIER_CHECK(drawn == static_cast<ssize_t>(sizeof(Keys)));
  }

  HashKey topics;  // Of the log; workers need the same.
  HashKey addresses;
  HashKey idempotency;
  HashKey traces;
  std::uint64_t epoch;
  std::uint64_t worker_seed;
  std::uint64_t publish_seed;
  std::uint64_t admin_seed;
};

}  // namespace crier::cmd
