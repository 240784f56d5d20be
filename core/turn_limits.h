// How much one turn of a worker's loop may do before the others have theirs.
//
// What is written is counted in steps, since a write of 150 bytes costs 1 to 7 microseconds and one
// of 256 KiB 30 to 60. The slices of a turn write to 512 streams or some 8 MiB, and what ready
// sockets and answers may take beside them is half as much. So a turn stays within a few
// milliseconds: that is the longest a ready socket, an accept or another topic waits.
#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>

namespace crier {

inline constexpr std::size_t kAcceptsPerTurn = 64;
inline constexpr std::size_t kReadyBatchMax = 256;  // Tokens taken from the ready set at once.
inline constexpr std::size_t kReadyBatchesPerTurn = 4;
// Streams written to in a turn, in slices. A worker reads the clock once a slice, so a slice is
// small: the time it has is late by no more writes than these.
inline constexpr std::size_t kFanoutSlice = 512;
inline constexpr std::size_t kGroupSlice = 16;
// A write takes as many steps, and one more for each so many bytes.
inline constexpr std::size_t kStepsPerWrite = 16;
inline constexpr std::size_t kBytesPerStep = 1'024;
// A slice ends with the write that takes its last step.
inline constexpr std::size_t kSliceSteps = kGroupSlice * kStepsPerWrite;
inline constexpr std::size_t kTurnSteps = kFanoutSlice * kStepsPerWrite;
inline constexpr std::size_t kReplaysInFlightMax = 256;  // Of one worker, whatever its byte budget.
inline constexpr std::uint32_t kSweepTickMs = 50;
inline constexpr std::uint32_t kSweepRoundMs = 1'000;  // Every slot is looked at once in a round,
inline constexpr std::size_t kSweepShareMax = 65'536;  // a bounded share in each tick,
inline constexpr std::size_t kSweepWritesMax = 2'048;  // with a bounded number of heartbeats.
inline constexpr std::uint32_t kRevisitTickMs = 20;    // Streams that wait for tokens,
inline constexpr std::size_t kRevisitLooks = 256;      // looked at for the price of a slice.
inline constexpr std::size_t kPiecesPerWrite = 64;     // iovecs handed to one sendmsg.
inline constexpr std::size_t kWriteBytesMax = 256 * 1024;  // Bytes gathered for one write.
// Frames on their way to one worker's streams: in its inbox, and taken out of it. Beyond it the
// worker is fed from the history, which is bounded.
inline constexpr std::size_t kInboxBytesMax = 32u << 20;
inline constexpr std::size_t kPendingBytesMax = 16u << 20;
inline constexpr std::size_t kInputDiscardBytes =
    64 * 1024;  // What a stream may send us in its life.

static_assert(kPiecesPerWrite <= IOV_MAX);
static_assert(kFanoutSlice % kGroupSlice == 0);

}  // namespace crier
