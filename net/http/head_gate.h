// The byte-level gate in front of the HTTP parser: accepts only heads that every parser reads
// alike.
//
// It makes one pass over the bytes, remembers one state between two bytes, and checks the limits
// as bytes arrive. The grammar is RFC 9112 with every leniency removed:
//
//   head   = [ CRLF ] method SP target SP ( "HTTP/1.1" / "HTTP/1.0" ) CRLF *( field CRLF ) CRLF
//   field  = token ":" *( HTAB / SP / %x21-7E / %x80-FF )
//
// The gate therefore refuses a folded line, an empty or padded name, CR without LF, LF without CR,
// and a second space in the request line. head_rules.h judges afterwards what the fields mean
// together (Host, Content-Length, …).
//
// The gate holds offsets, not bytes: the caller keeps the head in one piece and passes it from its
// first byte at each call. Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "net/http/head_limits.h"
#include "net/http/request.h"

namespace crier::net {

class HeadGate {
 public:
  // Requires: limits.head_bytes_max <= 1 MiB.
  explicit HeadGate(const HeadLimits& limits);

  // Examines `head` from the byte at which the last call stopped. `head` is everything that has
  // arrived from the head's first byte on, perhaps with bytes behind its end. Requires: the last
  // call returned `more`.
  HeadProgress scan(std::string_view head);

  // The number of bytes examined and accepted. After `complete`: the length of the head.
  std::size_t scanned() const { return scanned_; }

  // Requires: scan() returned complete.
  Method method() const { return method_; }
  HeadSpan method_span() const { return method_span_; }
  HeadSpan target() const { return target_; }
  bool http_1_0() const { return http_1_0_; }
  std::span<const HeadField> fields() const { return fields_; }

  // Requires: scan() returned refused.
  const Refusal& refusal() const { return refusal_; }

  void reset();

 private:
  enum class State : std::uint8_t {
    start,
    start_lf,
    method,
    target,
    query,
    version,
    field_start,
    name,
    value,
    line_lf,
    end_lf,
    done
  };

  HeadProgress step(std::string_view head);
  HeadProgress step_start(char byte);
  HeadProgress step_method(std::string_view head);
  HeadProgress step_target(std::string_view head);
  HeadProgress step_version(std::string_view head);
  HeadProgress step_field_start(char byte);
  HeadProgress step_name(std::string_view head);
  HeadProgress step_value(std::string_view head);
  HeadProgress step_lf(char byte);
  HeadProgress advance(State next);
  HeadProgress refuse(const Refusal& refusal);
  std::uint32_t here() const { return static_cast<std::uint32_t>(scanned_); }

  HeadLimits limits_;
  std::size_t scanned_ = 0;
  State state_ = State::start;
  Method method_ = Method::other;
  bool http_1_0_ = false;
  HeadSpan method_span_;
  HeadSpan target_;
  std::uint32_t version_begin_ = 0;
  std::vector<HeadField> fields_;
  Refusal refusal_;
};

}  // namespace crier::net
