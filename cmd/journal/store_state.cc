#include "cmd/journal/store_state.h"

#include <cstring>

#include "core/crc32c.h"

namespace crier::cmd {
namespace {

// The same layout for reading and for writing, so that the two cannot differ. Numbers are as the
// machine has them: a journal is not moved to a machine of the other byte order.
template <typename State, typename Part>
void each_part(State& state, const Part& part) {
  part(state.identity.topic_key.k0);
  part(state.identity.topic_key.k1);
  part(state.identity.idempotency_key.k0);
  part(state.identity.idempotency_key.k1);
  part(state.last);
  part(state.rows);
  part(state.rows_sum);
  part(state.remembered_sum);
  part(state.floor);
  part(state.clean);
  part(state.interval);
  part(state.boot_id);
}

}  // namespace

std::string to_bytes(const StoreState& state) {
  std::string bytes(state.identity.epoch.view());
  each_part(state, [&](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  });
  const std::uint32_t sum = crc32c(bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  return bytes;
}

std::optional<StoreState> read_store_state(std::string_view bytes) {
  StoreState state;
  if (bytes.size() != to_bytes(state).size()) return std::nullopt;
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof(sum), sizeof(sum));
  if (sum != crc32c(bytes.substr(0, bytes.size() - sizeof(sum)))) return std::nullopt;
  const auto epoch = Epoch::parse(bytes.substr(0, Epoch::kBytes));
  if (!epoch) return std::nullopt;
  state.identity.epoch = *epoch;
  std::size_t at = Epoch::kBytes;
  each_part(state, [&](auto& value) {
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    at += sizeof(value);
  });
  return state;
}

}  // namespace crier::cmd
