// Decodes a chunked request body as it arrives: RFC 9112 7.1 with every leniency removed.
//
//   body    = *chunk 1*8"0" extension CRLF *( token ":" value CRLF ) CRLF
//   chunk   = 1*8HEXDIG extension CRLF data CRLF
//   extension = *( ";" token [ "=" ( token / quoted-string ) ] )
//
// White space around the `;` and `=` of an extension is refused, though RFC 9112 has recipients
// take it: no client sends it, and parsers differ there. Extensions and trailer fields are skipped;
// together they are bounded. Sizes are in bytes. A body that breaks the grammar or a bound is
// refused, and the caller then closes the connection. Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/head_limits.h"
#include "net/http/request.h"

namespace crier::net {

class ChunkedBody {
 public:
  // All extensions and trailer fields of one body.
  static constexpr std::size_t kExtraBytesMax = 4 * 1024;

  // A chunk whose size takes the body beyond `data_bytes_max` is refused with 413, before any of
  // its data is taken.
  explicit ChunkedBody(std::size_t data_bytes_max) : data_bytes_max_(data_bytes_max) {}

  // Appends the data in `bytes` to `data`, which must hold the data of earlier calls and nothing
  // else. Sets `used` to the number of bytes taken: up to the end of the body, or to the refused
  // byte. Requires: the last call returned `more`.
  HeadProgress consume(std::string_view bytes, std::size_t& used, std::string& data);

  // Requires: consume() returned refused.
  const Refusal& refusal() const { return *refusal_; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,  // After a semicolon.
    extension_name,
    extension_equals,
    extension_value,
    quoted,
    quoted_pair,
    quoted_end,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done
  };

  // Each returns the reason to refuse `byte`, or null.
  const Refusal* step(char byte, std::size_t taken);
  const Refusal* step_size(char byte);
  const Refusal* step_extension(char byte);
  const Refusal* begin_data(std::size_t taken);
  const Refusal* step_trailer(char byte);
  const Refusal* expect(char wanted, char byte, State next);
  const Refusal* go(State next);

  std::size_t data_bytes_max_;
  State state_ = State::size;
  std::uint32_t digits_ = 0;     // Digits read of the present chunk's size.
  std::uint64_t left_ = 0;       // Bytes of the present chunk's data still to come.
  std::size_t extra_bytes_ = 0;  // Bytes of extensions and trailer fields so far.
  const Refusal* refusal_ = nullptr;
};

}  // namespace crier::net
