// The mark by which a client recognises an event: the first bytes of its data.
//
//   ~ g ccccccc tttttt      group (1 hex digit), event of that group (7), topic of that group (6),
//                           as TopicPlan numbers topics
//
// Nothing else that a server sends may contain '~': no padding, no head, no id of the three servers
// measured does. The time of sending is not in the mark: publisher and clients share memory, and
// the event's number finds it there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace crier::bench {

struct Mark {
  std::uint32_t group = 0;
  std::uint32_t event = 0;
  std::uint32_t topic = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

inline constexpr std::size_t kMarkBytes = 15;
inline constexpr std::uint32_t kEventsEver = 0x0fff'ffff;
inline constexpr std::uint32_t kTopicsMax = 0x00ff'ffff;

// Event data of `size` bytes (at least kMarkBytes), padded with dots.
std::string marked_data(Mark mark, std::size_t size);

// Requires: text.size() == kMarkBytes, text[0] == '~'. Digits that are not hex read as 0.
Mark parse_mark(std::string_view text);

// Finds the marks in a stream's bytes however they are cut into reads. 16 bytes, one per stream.
class MarkScanner {
 public:
  // Calls on_mark(Mark) for each mark that `bytes` completes.
  template <typename OnMark>
  void feed(std::string_view bytes, OnMark&& on_mark) {
    if (held_ > 0 && !complete(bytes, on_mark)) return;
    while (!bytes.empty()) {
      const void* at = std::memchr(bytes.data(), '~', bytes.size());
      if (at == nullptr) return;
      bytes.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data()));
      if (bytes.size() < kMarkBytes) return hold(bytes);
      on_mark(parse_mark(bytes.substr(0, kMarkBytes)));
      bytes.remove_prefix(kMarkBytes);
    }
  }

 private:
  void hold(std::string_view bytes) {
    std::memcpy(kept_.data() + held_, bytes.data(), bytes.size());
    held_ = static_cast<std::uint8_t>(held_ + bytes.size());
  }

  // Takes from `bytes` what the mark begun in an earlier read lacks. False: still not complete.
  template <typename OnMark>
  bool complete(std::string_view& bytes, OnMark&& on_mark) {
    const std::size_t wanted = std::min(kMarkBytes - held_, bytes.size());
    hold(bytes.substr(0, wanted));
    bytes.remove_prefix(wanted);
    if (held_ < kMarkBytes) return false;
    held_ = 0;
    on_mark(parse_mark({kept_.data(), kMarkBytes}));
    return true;
  }

  std::array<char, kMarkBytes> kept_{};
  std::uint8_t held_ = 0;
};

}  // namespace crier::bench
