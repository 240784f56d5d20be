#include "net/http/head_rules.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/check.h"
#include "net/http/head_bytes.h"
#include "net/http/head_refusals.h"
#include "net/http/request_target.h"

namespace crier::net {
namespace {

constexpr std::size_t kLengthDigitsMax = 10;

// Facts that are judged after all fields have been read.
struct Seen {
  std::uint32_t hosts = 0;
  std::uint32_t lengths = 0;
  std::uint32_t encodings = 0;
  bool connection_close = false;
  bool connection_keep_alive = false;
  bool has_content_type = false;
  bool repeated = false;  // A field that may come once, and that crier acts on, came twice.
  std::string_view length;
  std::string_view encoding;
  std::string_view expect;
  bool has_expect = false;
  std::string* joined_accept = nullptr;  // Holds an Accept that was sent in several lines.
};

// Records one line of a field.
using Note = void (*)(std::string_view value, Request& request, Seen& seen);

void note_connection(std::string_view value, Request& /*request*/, Seen& seen) {
  for_each_in_list(value, [&seen](std::string_view option) {
    if (equal_ignoring_case(option, "close")) seen.connection_close = true;
    if (equal_ignoring_case(option, "keep-alive")) seen.connection_keep_alive = true;
  });
}

// Several lines of a list field are one list (RFC 9110 5.3).
void note_accept(std::string_view value, Request& request, Seen& seen) {
  if (request.has_accept) {
    if (seen.joined_accept->empty()) *seen.joined_accept = request.accept;
    value = seen.joined_accept->append(", ").append(value);
  }
  request.accept = value;
  request.has_accept = true;
}

// Last-Event-ID never causes a refusal. Sent twice it is a list, which is never a valid id: ","
// makes it an unknown one.
void note_last_event_id(std::string_view value, Request& request, Seen& /*seen*/) {
  request.last_event_id = request.has_last_event_id ? "," : value;
  request.has_last_event_id = true;
}

void note_once(std::string_view value, std::string_view& slot, bool& present, Seen& seen) {
  seen.repeated = seen.repeated || present;
  slot = value;
  present = true;
}

template <std::string_view Request::* Slot>
void note_first(std::string_view value, Request& request, Seen& /*seen*/) {
  if ((request.*Slot).empty()) request.*Slot = value;
}

struct KnownField {
  std::string_view name;  // In lower case.
  Note note;
};

constexpr KnownField kKnownFields[] = {
    {"host",
     [](std::string_view value, Request& request, Seen& seen) {
       ++seen.hosts;
       request.host = value;
     }},
    {"connection", note_connection},
    {"transfer-encoding",
     [](std::string_view value, Request&, Seen& seen) {
       ++seen.encodings;
       seen.encoding = value;
     }},
    {"content-length",
     [](std::string_view value, Request&, Seen& seen) {
       ++seen.lengths;
       seen.length = value;
     }},
    {"expect", [](std::string_view value, Request&,
                  Seen& seen) { note_once(value, seen.expect, seen.has_expect, seen); }},
    {"accept", note_accept},
    {"origin", [](std::string_view value, Request& request,
                  Seen& seen) { note_once(value, request.origin, request.has_origin, seen); }},
    {"last-event-id", note_last_event_id},
    {"content-type",
     [](std::string_view value, Request& request, Seen& seen) {
       note_once(value, request.content_type, seen.has_content_type, seen);
     }},
    {"idempotency-key",
     [](std::string_view value, Request& request, Seen& seen) {
       note_once(value, request.idempotency_key, request.has_idempotency_key, seen);
     }},
    {"traceparent", note_first<&Request::traceparent>},
    {"x-trace-id", note_first<&Request::trace_id>},
    {"x-consumer-lag", note_first<&Request::consumer_lag>},
    {"x-consumer-throughput", note_first<&Request::consumer_throughput>},
    {"access-control-request-method", note_first<&Request::access_control_request_method>},
    {"access-control-request-headers", note_first<&Request::access_control_request_headers>},
};

// Accepts the digits of RFC 9110 8.6 without a leading zero, which some servers read as octal.
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

// Returns true if the line of this value ends behind it, or behind spaces. llhttp takes HTAB behind
// a length for a part of it.
bool ends_with_spaces(std::string_view value, std::string_view head) {
  const auto end = static_cast<std::size_t>(value.data() - head.data()) + value.size();
  return head[head.find_first_not_of(' ', end)] == '\r';
}

// Accepts no white space behind the coding: other parsers, llhttp among them, read "chunked" and
// HTAB as an unknown coding.
bool is_chunked(const Seen& seen, std::string_view head) {
  if (seen.encodings != 1 || !equal_ignoring_case(seen.encoding, "chunked")) return false;
  return head[static_cast<std::size_t>(seen.encoding.data() - head.data()) +
              seen.encoding.size()] == '\r';
}

const Refusal* judge_framing(const Seen& seen, std::string_view head, const HeadLimits& limits,
                             Request& request) {
  const bool takes_body = request.method == Method::post || request.method == Method::other;
  if (seen.encodings > 0) {
    if (seen.lengths > 0) return &refusals::kTwoFramings;
    request.chunked = is_chunked(seen, head);
    if (!request.chunked || !takes_body || request.http_1_0) return &refusals::kTransferEncoding;
  }
  if (seen.lengths > 1) return &refusals::kTwoLengths;
  if (seen.lengths == 1) {
    if (const Refusal* refusal = judge_length(seen.length, request.content_length)) return refusal;
    if (!ends_with_spaces(seen.length, head)) return &refusals::kBadLength;
  }
  if (request.chunked || request.content_length > 0) {
    if (!takes_body) return &refusals::kBodyOfGet;
    return limits.bodies ? nullptr : &refusals::kNotPublishing;
  }
  const bool missing =
      limits.bodies && !limits.empty_posts && request.method == Method::post && seen.lengths == 0;
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
  if (request.http_1_0) return nullptr;  // RFC 9110 10.1.1 says to ignore it.
  if (request.content_length == 0 && !request.chunked) return &refusals::kExpectation;
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
  request.head = head;
  request.fields = gate.fields();

  Seen seen{.joined_accept = &joined_accept};
  for (const HeadField& field : gate.fields()) {
    const std::string_view name = field.name.in(head);
    const auto known = std::ranges::find_if(kKnownFields, [name](const KnownField& each) {
      return equal_ignoring_case(each.name, name);  // Compares lengths first.
    });
    if (known != std::end(kKnownFields)) known->note(field.value.in(head), request, seen);
  }
  request.keep_alive = !seen.connection_close && (!request.http_1_0 || seen.connection_keep_alive);

  if (const Refusal* refusal = judge_framing(seen, head, limits, request)) return refusal;
  if (const Refusal* refusal = judge_host(seen, target.authority, request)) return refusal;
  if (const Refusal* refusal = judge_expect(seen, request)) return refusal;
  return seen.repeated ? &refusals::kRepeated : nullptr;
}

}  // namespace crier::net
