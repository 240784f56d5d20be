// Makes the JSON that `crier publish` sends: one event as an object, or a batch of lines of them.
//
// Belongs to one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::cmd {

// The members that all events of one command share.
struct PublishAs {
  std::string topic;
  std::string event;  // The event's name; may be empty.
  std::string key;    // The idempotency key; may be empty.
  bool json = false;  // The data is JSON and is sent byte by byte; otherwise it is text.
};

// {"topic":…,"event":…,"key":…,"data":…}. Fails with Errc::bad_request if the data is not UTF-8
// without NUL, or not JSON where `as` says so. The detail begins with "is not", so that a caller
// can put the name of its input before it.
Result<std::string> publish_object(const PublishAs& as, std::string_view data);

// The lines of one NDJSON request. A batch is bounded, so that the request stays below
// limits.request_bytes_max and subscribers see the first events before the last line is read.
class LineBatch {
 public:
  // The lowest value allowed for limits.request_lines_max.
  static constexpr std::size_t kLinesMax = 1'000;
  static constexpr std::size_t kBytesMax = 1024 * 1024;

  explicit LineBatch(PublishAs as) : as_(std::move(as)) {}

  // Adds an event whose data is `line`. Fails as publish_object() does; the batch is unchanged
  // then.
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
