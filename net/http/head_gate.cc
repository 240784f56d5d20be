#include "net/http/head_gate.h"

#include <algorithm>

#include "core/check.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"
#include "net/http/request_target.h"

namespace crier::net {
namespace {

constexpr std::size_t kMethodBytesMax = 16;  // The longest known method has 7.
constexpr std::size_t kHeadBytesCap = 1024 * 1024;
constexpr std::string_view kVersionPrefix = "HTTP/";
constexpr char kTlsHandshake = 0x16;  // The first byte of a TLS connection (RFC 8446 5.1).

// The first position at or after `from` whose byte is not in `which`; head.size() if there is none.
std::size_t skip(std::string_view head, std::size_t from, ByteClass which) {
  while (from < head.size() && is_in(head[from], which)) ++from;
  return from;
}

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

// Returns null if the method is known and not refused. The methods of RFC 9110 and PATCH reach the
// handler, which decides which of them it serves.
const Refusal* judge_method(std::string_view text, Method& method) {
  method = Method::other;
  if (text == "GET") return method = Method::get, nullptr;
  if (text == "HEAD") return method = Method::head, nullptr;
  if (text == "POST") return method = Method::post, nullptr;
  if (text == "OPTIONS") return method = Method::options, nullptr;
  for (const std::string_view known : {"PUT", "DELETE", "PATCH", "TRACE"}) {
    if (text == known) return nullptr;
  }
  if (text == "CONNECT") return &refusals::kConnect;
  if (text == "PROXY") return &refusals::kProxyHeaderUnexpected;  // Of version 1.
  if (text == "PRI") return &refusals::kHttp2;                    // The preface of RFC 9113 3.4.
  return &refusals::kUnknownMethod;
}

}  // namespace

HeadGate::HeadGate(const HeadLimits& limits) : limits_(limits) {
  CRIER_CHECK(limits.head_bytes_max <= kHeadBytesCap);
}

HeadProgress HeadGate::scan(std::string_view head) {
  CRIER_CHECK(state_ != State::done);
  CRIER_CHECK(scanned_ <= head.size());
  const std::string_view within = head.substr(0, std::min(head.size(), limits_.head_bytes_max));
  while (scanned_ < within.size()) {
    if (const HeadProgress progress = step(within); progress != HeadProgress::more) return progress;
  }
  if (within.size() == head.size()) return HeadProgress::more;
  const bool in_target = state_ == State::target || state_ == State::query;
  return refuse(in_target ? refusals::kTargetTooLong : refusals::kHeadTooLarge);
}

void HeadGate::reset() {
  scanned_ = 0;
  state_ = State::start;
  method_span_ = target_ = HeadSpan{};
  fields_.clear();
}

HeadProgress HeadGate::step(std::string_view head) {
  switch (state_) {
    case State::start:
      return step_start(head[scanned_]);
    case State::method:
      return step_method(head);
    case State::target:
    case State::query:
      return step_target(head);
    case State::version:
      return step_version(head);
    case State::field_start:
      return step_field_start(head[scanned_]);
    case State::name:
      return step_name(head);
    case State::value:
      return step_value(head);
    case State::start_lf:
    case State::line_lf:
    case State::end_lf:
      return step_lf(head[scanned_]);
    case State::done:
      break;
  }
  check_failed(__FILE__, __LINE__, "a state with a step");
}

HeadProgress HeadGate::step_start(char byte) {
  // Some clients send an additional CRLF after a body (RFC 9112 2.2). One is accepted, as the first
  // bytes of a head.
  if (byte == '\r' && scanned_ == 0) return advance(State::start_lf);
  if (byte == kTlsHandshake) return refuse(refusals::kTls);
  if (!is_in(byte, kTokenByte)) return refuse(refusals::kBadStart);
  method_span_.begin = here();
  return advance(State::method);
}

HeadProgress HeadGate::step_method(std::string_view head) {
  scanned_ = skip(head, scanned_, kTokenByte);
  if (scanned_ - method_span_.begin > kMethodBytesMax) {
    scanned_ = method_span_.begin + kMethodBytesMax;
    return refuse(refusals::kUnknownMethod);
  }
  if (scanned_ == head.size()) return HeadProgress::more;
  if (head[scanned_] != ' ') return refuse(refusals::kBadMethodByte);
  method_span_.end = here();
  if (const Refusal* refusal = judge_method(method_span_.in(head), method_))
    return refuse(*refusal);
  target_.begin = here() + 1;
  return advance(State::target);
}

HeadProgress HeadGate::step_target(std::string_view head) {
  scanned_ = skip(head, scanned_, state_ == State::query ? kQueryByte : kPathByte);
  if (scanned_ - target_.begin > limits_.target_bytes_max) {
    scanned_ = target_.begin + limits_.target_bytes_max;
    return refuse(refusals::kTargetTooLong);
  }
  if (scanned_ == head.size()) return HeadProgress::more;
  if (state_ == State::target && head[scanned_] == '?') {
    state_ = State::query;  // The query's bytes include the '?'.
    return HeadProgress::more;
  }
  if (head[scanned_] != ' ') return refuse(refusals::kBadTargetByte);
  target_.end = here();
  RequestTarget parsed;
  if (const Refusal* refusal = parse_target(target_.in(head), method_, parsed))
    return refuse(*refusal);
  version_begin_ = here() + 1;
  return advance(State::version);
}

HeadProgress HeadGate::step_version(std::string_view head) {
  constexpr std::string_view kUsual = "HTTP/1.1\r";
  const std::size_t at = scanned_ - version_begin_;
  if (at == 0 && head.substr(scanned_).starts_with(kUsual)) {
    http_1_0_ = false;
    scanned_ += kUsual.size() - 1;
    return advance(State::line_lf);
  }
  const char byte = head[scanned_];
  if (at < kVersionPrefix.size()) {
    return byte == kVersionPrefix[at] ? advance(State::version) : refuse(refusals::kBadVersion);
  }
  switch (at - kVersionPrefix.size()) {
    case 0:
    case 2:
      return is_digit(byte) ? advance(State::version) : refuse(refusals::kBadVersion);
    case 1:
      return byte == '.' ? advance(State::version) : refuse(refusals::kBadVersion);
    default:
      break;
  }
  if (byte != '\r') return refuse(refusals::kBadVersion);
  const std::string_view number = head.substr(scanned_ - 3, 3);
  if (number != "1.1" && number != "1.0") return refuse(refusals::kVersion);
  http_1_0_ = number == "1.0";
  return advance(State::line_lf);
}

HeadProgress HeadGate::step_field_start(char byte) {
  if (byte == '\r') return advance(State::end_lf);
  if (byte == ' ' || byte == '\t') return refuse(refusals::kFolded);
  if (byte == '\n') return refuse(refusals::kBareLineEnd);
  if (!is_in(byte, kTokenByte)) return refuse(refusals::kBadFieldName);
  if (fields_.size() >= limits_.fields_max) return refuse(refusals::kTooManyFields);
  fields_.push_back(HeadField{.name = {here(), here()}, .value = {}});
  return advance(State::name);
}

HeadProgress HeadGate::step_name(std::string_view head) {
  scanned_ = skip(head, scanned_, kTokenByte);
  if (scanned_ == head.size()) return HeadProgress::more;
  if (head[scanned_] != ':') return refuse(refusals::kBadFieldName);
  HeadField& field = fields_.back();
  field.name.end = here();
  field.value = {here() + 1, here() + 1};
  return advance(State::value);
}

HeadProgress HeadGate::step_value(std::string_view head) {
  scanned_ = skip(head, scanned_, kValueByte);
  if (scanned_ == head.size()) return HeadProgress::more;
  if (head[scanned_] == '\n') return refuse(refusals::kBareLineEnd);
  if (head[scanned_] != '\r') return refuse(refusals::kBadFieldValue);
  HeadSpan& value = fields_.back().value;
  value.end = here();
  const std::string_view trimmed = trim_ows(value.in(head));
  value.begin = static_cast<std::uint32_t>(trimmed.data() - head.data());
  value.end = value.begin + static_cast<std::uint32_t>(trimmed.size());
  return advance(State::line_lf);
}

HeadProgress HeadGate::step_lf(char byte) {
  if (byte != '\n') return refuse(refusals::kBareLineEnd);
  if (state_ == State::start_lf) return advance(State::start);
  if (state_ == State::line_lf) return advance(State::field_start);
  advance(State::done);
  return HeadProgress::complete;
}

HeadProgress HeadGate::advance(State next) {
  ++scanned_;
  state_ = next;
  return HeadProgress::more;
}

HeadProgress HeadGate::refuse(const Refusal& refusal) {
  refusal_ = refusal;
  state_ = State::done;
  return HeadProgress::refused;
}

}  // namespace crier::net
