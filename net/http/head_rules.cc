#include "net/http/head_rules.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "core/check.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"
#include "net/http/request_target.h"

namespace crier::net {
namespace {

constexpr std::size_t kLengthDigitsMax = 10;

enum class FieldName : std::uint8_t {
  host,
  connection,
  transfer_encoding,
  content_length,
  expect,
  accept,
  origin,
  last_event_id,
  content_type,
  idempotency_key,
  traceparent,
  trace_id,
  user_agent,
  request_method,
  request_headers,
  unknown
};

struct KnownField {
  std::string_view text;  // In lower case.
  FieldName name;
};

constexpr KnownField kKnownFields[] = {
    {"host", FieldName::host},
    {"connection", FieldName::connection},
    {"transfer-encoding", FieldName::transfer_encoding},
    {"content-length", FieldName::content_length},
    {"expect", FieldName::expect},
    {"accept", FieldName::accept},
    {"origin", FieldName::origin},
    {"last-event-id", FieldName::last_event_id},
    {"content-type", FieldName::content_type},
    {"idempotency-key", FieldName::idempotency_key},
    {"traceparent", FieldName::traceparent},
    {"x-trace-id", FieldName::trace_id},
    {"user-agent", FieldName::user_agent},
    {"access-control-request-method", FieldName::request_method},
    {"access-control-request-headers", FieldName::request_headers},
};

FieldName field_named(std::string_view name) {
  for (const KnownField& known : kKnownFields) {
    if (equal_ignoring_case(known.text, name)) return known.name;  // Compares lengths first.
  }
  return FieldName::unknown;
}

// What is judged after all fields have been seen.
struct Seen {
  std::uint32_t hosts = 0;
  std::uint32_t lengths = 0;
  bool transfer_encoding = false;
  bool connection_close = false;
  bool connection_keep_alive = false;
  bool has_content_type = false;
  bool repeated = false;  // A single-valued field that we act on came twice.
  std::string_view length;
  std::string_view expect;
  bool has_expect = false;
};

void note_connection(std::string_view value, Seen& seen) {
  for_each_in_list(value, [&seen](std::string_view option) {
    if (equal_ignoring_case(option, "close")) seen.connection_close = true;
    if (equal_ignoring_case(option, "keep-alive")) seen.connection_keep_alive = true;
  });
}

void note_once(std::string_view value, std::string_view& slot, bool& present, Seen& seen) {
  seen.repeated = seen.repeated || present;
  slot = value;
  present = true;
}

// Several lines of a list field are one list (RFC 9110 5.3).
void note_accept(std::string_view value, Request& request, std::string& joined) {
  if (request.has_accept) {
    if (joined.empty()) joined = request.accept;
    joined.append(", ").append(value);
    value = joined;
  }
  request.accept = value;
  request.has_accept = true;
}

// Its value must never cause a refusal; repeated, it is a list, and a list is no id.
void note_last_event_id(std::string_view value, Request& request) {
  request.last_event_id = request.has_last_event_id ? "," : value;
  request.has_last_event_id = true;
}

void note_first(std::string_view value, std::string_view& slot) {
  if (slot.empty()) slot = value;
}

void note_field(FieldName name, std::string_view value, Request& request, Seen& seen) {
  switch (name) {
    case FieldName::host:
      ++seen.hosts;
      request.host = value;
      break;
    case FieldName::content_length:
      ++seen.lengths;
      seen.length = value;
      break;
    case FieldName::transfer_encoding:
      seen.transfer_encoding = true;
      break;
    case FieldName::connection:
      note_connection(value, seen);
      break;
    case FieldName::expect:
      note_once(value, seen.expect, seen.has_expect, seen);
      break;
    case FieldName::origin:
      note_once(value, request.origin, request.has_origin, seen);
      break;
    case FieldName::last_event_id:
      note_last_event_id(value, request);
      break;
    case FieldName::content_type:
      note_once(value, request.content_type, seen.has_content_type, seen);
      break;
    case FieldName::idempotency_key:
      note_once(value, request.idempotency_key, request.has_idempotency_key, seen);
      break;
    case FieldName::traceparent:
      note_first(value, request.traceparent);
      break;
    case FieldName::trace_id:
      note_first(value, request.trace_id);
      break;
    case FieldName::user_agent:
      note_first(value, request.user_agent);
      break;
    case FieldName::request_method:
      note_first(value, request.access_control_request_method);
      break;
    case FieldName::request_headers:
      note_first(value, request.access_control_request_headers);
      break;
    case FieldName::accept:
    case FieldName::unknown:
      break;
  }
}

// Exactly the digits of RFC 9110 8.6, and no leading zero: some read that as octal.
const Refusal* judge_length(std::string_view text, std::uint64_t& length) {
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char byte) {
    return byte >= '0' && byte <= '9';
  });
  if (!digits || (text.front() == '0' && text.size() > 1)) return &refusals::kBadLength;
  if (text.size() > kLengthDigitsMax) return &refusals::kLengthTooLarge;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  CRIER_CHECK(error == std::errc{});
  CRIER_CHECK(end == text.data() + text.size());
  return nullptr;
}

const Refusal* judge_framing(const Seen& seen, bool bodies, Request& request) {
  if (seen.transfer_encoding) {
    if (seen.lengths > 0) return &refusals::kTwoFramings;
    return bodies ? &refusals::kLengthRequired : &refusals::kTransferEncoding;
  }
  if (seen.lengths > 1) return &refusals::kTwoLengths;
  if (seen.lengths == 1) {
    if (const Refusal* refusal = judge_length(seen.length, request.content_length)) return refusal;
  }
  if (request.content_length > 0) {
    if (!bodies) return &refusals::kNoBodies;
    const Method method = request.method;
    if (method != Method::post && method != Method::other) return &refusals::kBodyOfGet;
  }
  const bool missing = bodies && request.method == Method::post && seen.lengths == 0;
  return missing ? &refusals::kLengthRequired : nullptr;
}

const Refusal* judge_host(const Seen& seen, std::string_view authority, const Request& request) {
  if (seen.hosts > 1) return &refusals::kTwoHosts;
  if (seen.hosts == 0) {
    if (!request.http_1_0) return &refusals::kNoHost;
    return authority.empty() ? nullptr : &refusals::kOtherHost;
  }
  if (!is_valid_host(request.host)) return &refusals::kBadHost;
  const bool other = !authority.empty() && !equal_ignoring_case(authority, request.host);
  return other ? &refusals::kOtherHost : nullptr;
}

const Refusal* judge_expect(const Seen& seen, Request& request) {
  if (!seen.has_expect) return nullptr;
  if (!equal_ignoring_case(seen.expect, "100-continue")) return &refusals::kExpectation;
  if (request.http_1_0) return nullptr;  // RFC 9110 10.1.1: to be ignored.
  if (request.content_length == 0) return &refusals::kExpectation;
  request.expect_continue = true;
  return nullptr;
}

}  // namespace

const Refusal* judge_head(std::string_view head, const HeadGate& gate, const HeadLimits& limits,
                          Request& request, std::string& joined_accept) {
  request = Request{};
  joined_accept.clear();
  request.method = gate.method();
  request.method_text = gate.method_span().in(head);
  request.http_1_0 = gate.http_1_0();
  RequestTarget target;
  CRIER_CHECK(parse_target(gate.target().in(head), request.method, target) == nullptr);
  request.path = target.path;
  request.query = target.query;

  Seen seen;
  for (const HeadField& field : gate.fields()) {
    const FieldName name = field_named(field.name.in(head));
    if (name == FieldName::accept) {
      note_accept(field.value.in(head), request, joined_accept);
    } else {
      note_field(name, field.value.in(head), request, seen);
    }
  }
  request.keep_alive = !seen.connection_close && (!request.http_1_0 || seen.connection_keep_alive);

  if (const Refusal* refusal = judge_framing(seen, limits.bodies, request)) return refusal;
  if (const Refusal* refusal = judge_host(seen, target.authority, request)) return refusal;
  if (const Refusal* refusal = judge_expect(seen, request)) return refusal;
  return seen.repeated ? &refusals::kRepeated : nullptr;
}

}  // namespace crier::net
