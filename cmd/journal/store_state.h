// What a journal's file says of itself, in one row that is written with each commit: which epoch it
// is, which sequence was the last, and which rows must be there.
//
// Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broadcast/log/journal.h"

namespace crier::cmd {

struct StoreState {
  broadcast::JournalIdentity identity;
  std::uint64_t last = 0;      // The last sequence ever given; 0: none was.
  std::uint64_t rows = 0;      // How many batches there are,
  std::uint32_t rows_sum = 0;  // and all their checksums, combined by XOR: a row that vanished.
  std::uint32_t remembered_sum = 0;  // The checksum of what is remembered.
  std::uint64_t floor = 0;           // Events up to here may have been dropped or damaged.
  bool clean = false;                // The daemon that used it has closed it.
  bool interval = false;             // That daemon answered before a commit was on the disk.
  std::array<char, 36> boot_id{};    // The life of the machine in which it was used.
  std::uint64_t bytes = 0;           // What the batches take, about. Not in the file: see load().
};

std::string to_bytes(const StoreState& state);
// Returns nothing for bytes that to_bytes() does not make.
std::optional<StoreState> read_store_state(std::string_view bytes);

}  // namespace crier::cmd
