// Bounds on the work of one turn of a worker's loop. They keep a turn within a few milliseconds,
// which is the longest that a ready socket, an accept or another topic has to wait.
//
// Writes are counted in steps, because a write of 150 bytes costs 1 to 7 microseconds and a write
// of 256 KiB costs 30 to 60. The slices of one turn write to 512 streams or about 8 MiB; ready
// sockets and answers may take half as much in addition.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>

namespace crier {

inline constexpr std::size_t kAcceptsPerTurn = 64;
// From an accept for which the kernel has no descriptor or memory to the next try.
inline constexpr std::uint64_t kStarvedPauseMs = 50;
// From turning away a connection of an address that is shut out to the next accept.
inline constexpr std::uint64_t kFloodedPauseMs = 2;
inline constexpr std::size_t kReadyBatchMax = 256;  // Tokens taken from the ready set at once.
inline constexpr std::size_t kReadyBatchesPerTurn = 4;
// Streams written to in one turn, and in one slice of it. A worker reads the clock once per slice,
// so a slice is small: the worker's time is late by at most the writes of one slice.
inline constexpr std::size_t kFanoutSlice = 512;
inline constexpr std::size_t kGroupSlice = 16;
// A write costs kStepsPerWrite steps, and one more for each kBytesPerStep bytes.
inline constexpr std::size_t kStepsPerWrite = 16;
inline constexpr std::size_t kBytesPerStep = 1'024;
// So many references to frames are dropped, or moved to a larger ring, in one step.
inline constexpr std::size_t kReferencesPerStep = 16;
// A slice ends with the write that uses up its last step.
inline constexpr std::size_t kSliceSteps = kGroupSlice * kStepsPerWrite;
inline constexpr std::size_t kTurnSteps = kFanoutSlice * kStepsPerWrite;
// Per worker, in addition to the byte budget.
inline constexpr std::size_t kReplaysInFlightMax = 256;
inline constexpr std::uint32_t kSweepTickMs = 50;
// The sweep visits every slot once per round.
inline constexpr std::uint32_t kSweepRoundMs = 1'000;
inline constexpr std::size_t kSweepShareMax = 65'536;  // Slots that the sweep visits per tick.
// Streams whose lag and path the sweep looks at per tick. Each takes two system calls, about 3
// microseconds: 0.03 % of a processor for each worker.
inline constexpr std::size_t kSweepSamplesMax = 4;
inline constexpr std::size_t kSweepWritesMax = 2'048;  // Heartbeats that the sweep sends per tick.
// How often streams that wait for tokens are visited.
inline constexpr std::uint32_t kRevisitTickMs = 20;
// Waiting streams that are visited for the price of one slice.
inline constexpr std::size_t kRevisitLooks = 256;
inline constexpr std::size_t kPiecesPerWrite = 64;         // iovecs in one sendmsg.
inline constexpr std::size_t kWriteBytesMax = 256 * 1024;  // Bytes gathered for one write.
// Bytes of frames in a worker's inbox, and of frames that were taken out of it and wait for
// fan-out. When the inbox is full, the control loop feeds the worker from the history later.
inline constexpr std::size_t kInboxBytesMax = 32u << 20;
inline constexpr std::size_t kPendingBytesMax = 16u << 20;
// Input that a client may send on an open stream, before the stream ends.
inline constexpr std::size_t kInputDiscardBytes = 64 * 1024;

static_assert(kPiecesPerWrite <= IOV_MAX);
static_assert(kFanoutSlice % kGroupSlice == 0);

}  // namespace crier
