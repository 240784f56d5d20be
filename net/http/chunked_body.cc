#include "net/http/chunked_body.h"

#include <algorithm>

#include "core/check.h"
#include "core/text/decimal.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"

namespace crier::net {
namespace {

constexpr std::uint32_t kSizeDigitsMax = 8;  // Less than 4 GiB; leading zeros count.

}  // namespace

HeadProgress ChunkedBody::consume(std::string_view bytes, std::size_t& used, std::string& data) {
  CRIER_CHECK(refusal_ == nullptr);
  used = 0;
  while (state_ != State::done && used < bytes.size()) {
    if (state_ == State::data) {
      const std::string_view rest = bytes.substr(used);
      const std::string_view part = rest.substr(0, std::min<std::uint64_t>(left_, rest.size()));
      data.append(part);
      used += part.size();
      left_ -= part.size();
      if (left_ == 0) go(State::data_cr);
      continue;
    }
    refusal_ = step(bytes[used], data.size());
    if (refusal_ != nullptr) return HeadProgress::refused;
    ++used;
  }
  return state_ == State::done ? HeadProgress::complete : HeadProgress::more;
}

const Refusal* ChunkedBody::step(char byte, std::size_t taken) {
  switch (state_) {
    case State::size:
      return step_size(byte);
    case State::extension:
    case State::extension_name:
    case State::extension_equals:
    case State::extension_value:
    case State::quoted:
    case State::quoted_pair:
    case State::quoted_end:
      return step_extension(byte);
    case State::size_lf:
      return byte == '\n' ? begin_data(taken) : &refusals::kBadChunk;
    case State::data_cr:
      return expect('\r', byte, State::data_lf);
    case State::data_lf:
      digits_ = 0;
      return expect('\n', byte, State::size);
    case State::trailer_start:
    case State::trailer_name:
    case State::trailer_value:
      return step_trailer(byte);
    case State::trailer_lf:
      return expect('\n', byte, State::trailer_start);
    case State::end_lf:
      return expect('\n', byte, State::done);
    case State::data:
    case State::done:
      break;
  }
  check_failed(__FILE__, __LINE__, "a state with a step");
}

const Refusal* ChunkedBody::step_size(char byte) {
  if (const int digit = hex_digit(byte); digit >= 0 && digits_ < kSizeDigitsMax) {
    ++digits_;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return nullptr;
  }
  if (digits_ == 0) return &refusals::kBadChunk;
  if (byte == ';') return go(State::extension);
  return expect('\r', byte, State::size_lf);
}

const Refusal* ChunkedBody::step_extension(char byte) {
  const bool may_end = state_ == State::extension_name || state_ == State::extension_value ||
                       state_ == State::quoted_end;
  if (may_end && byte == '\r') return go(State::size_lf);
  if (++extra_bytes_ > kExtraBytesMax) return &refusals::kExtrasTooLarge;
  if (may_end && byte == ';') return go(State::extension);
  if (state_ == State::quoted || state_ == State::quoted_pair) {
    if (!is_in(byte, kValueByte)) return &refusals::kBadChunk;
    if (state_ == State::quoted && byte == '"') return go(State::quoted_end);
    return go(state_ == State::quoted && byte == '\\' ? State::quoted_pair : State::quoted);
  }
  if (byte == '=' && state_ == State::extension_name) return go(State::extension_equals);
  if (byte == '"' && state_ == State::extension_equals) return go(State::quoted);
  if (state_ == State::quoted_end || !is_in(byte, kTokenByte)) return &refusals::kBadChunk;
  const bool in_name = state_ == State::extension || state_ == State::extension_name;
  return go(in_name ? State::extension_name : State::extension_value);
}

const Refusal* ChunkedBody::begin_data(std::size_t taken) {
  if (left_ == 0) return go(State::trailer_start);
  if (left_ > data_bytes_max_ - taken) return &refusals::kBodyTooLarge;
  return go(State::data);
}

const Refusal* ChunkedBody::step_trailer(char byte) {
  if (byte == '\r' && state_ == State::trailer_start) return go(State::end_lf);
  if (byte == '\r' && state_ == State::trailer_value) return go(State::trailer_lf);
  if (++extra_bytes_ > kExtraBytesMax) return &refusals::kExtrasTooLarge;
  if (byte == ':' && state_ == State::trailer_name) return go(State::trailer_value);
  const bool in_name = state_ != State::trailer_value;
  if (!is_in(byte, in_name ? kTokenByte : kValueByte)) return &refusals::kBadChunk;
  return go(in_name ? State::trailer_name : State::trailer_value);
}

const Refusal* ChunkedBody::expect(char wanted, char byte, State next) {
  return byte == wanted ? go(next) : &refusals::kBadChunk;
}

const Refusal* ChunkedBody::go(State next) {
  state_ = next;
  return nullptr;
}

}  // namespace crier::net
