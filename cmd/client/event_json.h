// The JSON that `crier publish` sends: an event as an object, or a batch of them, one a line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::cmd {

// What all events of one command have in common.
struct PublishAs {
  std::string topic;
  std::string event;  // Empty: none.
  std::string key;    // Empty: none.
  bool json = false;  // The data is JSON, passed on as the bytes it is.
};

// {"topic":…,"event":…,"key":…,"data":…}. Fails with Errc::bad_request, "is not …", if the data is
// not what `as` says, or not UTF-8 without NUL.
Result<std::string> publish_object(const PublishAs& as, std::string_view data);

// Lines on their way into one NDJSON request. A batch is bounded so that a request stays well below
// limits.request_bytes_max, and what is published becomes visible piece by piece.
class LineBatch {
 public:
  // The least that limits.request_lines_max can be.
  static constexpr std::size_t kLinesMax = 1'000;
  static constexpr std::size_t kBytesMax = 1024 * 1024;

  explicit LineBatch(PublishAs as) : as_(std::move(as)) {}

  // Nothing is added on failure.
  Result<void> add(std::string_view line);

  bool full() const { return lines_ >= kLinesMax || body_.size() >= kBytesMax; }
  std::size_t lines() const { return lines_; }
  const std::string& body() const { return body_; }
  void clear();

 private:
  PublishAs as_;
  std::string body_;
  std::size_t lines_ = 0;
};

}  // namespace crier::cmd
