// Reads one HTTP response, in pieces of any size: llhttp in strict mode, with limits on the head.
//
// For crier's own commands, which are clients. Interim responses (1xx) are passed over. The body is
// handed on as it comes, without chunk framing; a body without length or chunks ends with the
// connection (RFC 9112, section 6.3).
//
// Belongs to one thread.
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

  // The first field of that name, or an empty view.
  std::string_view field(std::string_view lower_case_name) const;
};

class ResponseParser {
 public:
  enum class Progress : std::uint8_t {
    more,
    complete,  // The response is whole.
    refused,   // It is not HTTP, or too large; see problem().
  };
  // Called with each piece of the body, once the head is known; may be empty.
  using OnBody = std::function<void(std::string_view)>;

  static constexpr std::size_t kHeadBytesMax = 64 * 1024;
  static constexpr std::size_t kFieldsMax = 200;

  ResponseParser();
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  // After `complete` or `refused` nothing more may be given.
  Progress consume(std::string_view bytes, const OnBody& on_body);
  // The peer closed the connection. Complete only if that is where the body was to end.
  Progress finish();

  // Has the head of the (final) response arrived whole?
  bool has_head() const;
  const ResponseHead& head() const;

  // Requires: complete. May the connection carry another request?
  bool keep_alive() const;
  // Requires: refused.
  const std::string& problem() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crier::net
