// Parses one HTTP response from pieces of any size: llhttp in strict mode, with limits on the head.
//
// crier's own commands use it, which are clients of the daemon. It skips interim responses (1xx)
// and trailers. It hands the body on as it arrives, without chunk framing; a body without length
// or chunks ends with the connection (RFC 9112, section 6.3).
//
// A response that is not HTTP/1.1, or whose head is beyond the limits, is refused; problem() names
// the reason. Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crier::net {

struct ResponseHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // Names in lower case, in order.

  // The value of the first field of that name; empty if there is none.
  std::string_view field(std::string_view lower_case_name) const;
};

class ResponseParser {
 public:
  enum class Progress : std::uint8_t {
    more,      // The response is not complete yet.
    complete,  // The response is complete.
    refused,   // The response is not HTTP, too large or cut short; see problem().
  };
  // Called with each piece of the body, after the head is complete. May be empty.
  using OnBody = std::function<void(std::string_view)>;

  static constexpr std::size_t kHeadBytesMax = 64 * 1024;
  static constexpr std::size_t kFieldsMax = 200;

  ResponseParser();
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  // Requires: no earlier call returned `complete` or `refused`.
  Progress consume(std::string_view bytes, const OnBody& on_body);
  // The peer has closed the connection. Returns `complete` if the body ends with the connection,
  // otherwise `refused`.
  Progress finish();

  // Whether the head of the final response is complete.
  bool has_head() const;
  const ResponseHead& head() const;

  // Whether the connection may carry another request. Requires: complete.
  bool keep_alive() const;
  // Requires: refused.
  const std::string& problem() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crier::net
