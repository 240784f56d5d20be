// Parses request heads with gate, rules and llhttp, then everything that crier reads out of an
// accepted request.
//
// The first byte chooses the limits and how the rest is cut. For any bytes: the result does not
// depend on the cuts, llhttp and the gate read every head alike, an accepted head has nothing that
// two parsers could read differently, and no reply has a line that crier did not write.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "net/http/head_reader.h"
#include "net/http/negotiate.h"
#include "net/http/reply.h"
#include "net/pending/subscribe_request.h"

namespace {

using crier::net::HeadLimits;
using crier::net::HeadProgress;
using crier::net::HeadReader;
using crier::net::Request;

constexpr HeadLimits kLimits[] = {
    {},
    {.head_bytes_max = 8 * 1024, .bodies = true},
    {.head_bytes_max = 300, .target_bytes_max = 40, .fields_max = 4},
    {.head_bytes_max = 50, .target_bytes_max = 100, .fields_max = 2, .bodies = true},
};

// Returns the number of bytes that the head took.
std::size_t read(HeadReader& reader, std::string_view bytes, std::size_t part,
                 HeadProgress& progress) {
  std::size_t taken = 0;
  progress = HeadProgress::more;
  while (taken < bytes.size() && progress == HeadProgress::more) {
    std::size_t used = 0;
    const std::string_view next = bytes.substr(taken, part);
    progress = reader.consume(next, used);
    CRIER_CHECK(used <= next.size());
    CRIER_CHECK(used == next.size() || progress != HeadProgress::more);
    taken += used;
  }
  return taken;
}

void check_same(const Request& a, const Request& b) {
  CRIER_CHECK(a.method_text == b.method_text);
  CRIER_CHECK(a.path == b.path);
  CRIER_CHECK(a.query == b.query);
  CRIER_CHECK(a.host == b.host);
  CRIER_CHECK(a.accept == b.accept);
  CRIER_CHECK(a.origin == b.origin);
  CRIER_CHECK(a.last_event_id == b.last_event_id);
  CRIER_CHECK(a.content_length == b.content_length);
  CRIER_CHECK(a.chunked == b.chunked);
  CRIER_CHECK(a.keep_alive == b.keep_alive);
  CRIER_CHECK(a.http_1_0 == b.http_1_0);
}

std::size_t lines_in(std::string_view reply) {
  std::size_t lines = 0;
  const std::string_view head = reply.substr(0, reply.find("\r\n\r\n"));
  for (const char byte : head) lines += byte == '\n' ? 1U : 0U;
  return lines;
}

void check_accepted(std::string_view head, const Request& request, const HeadLimits& limits) {
  CRIER_CHECK(head.ends_with("\r\n\r\n"));
  CRIER_CHECK(head.size() <= limits.head_bytes_max);
  CRIER_CHECK(request.path.starts_with('/') || request.path == "*");
  CRIER_CHECK(request.path.size() + request.query.size() <= limits.target_bytes_max);
  CRIER_CHECK(limits.bodies || (request.content_length == 0 && !request.chunked));
  CRIER_CHECK(request.content_length == 0 || !request.chunked);
  CRIER_CHECK(request.http_1_0 || !request.host.empty());
  for (const std::string_view value : {request.host, request.accept, request.origin,
                                       request.last_event_id, request.path, request.query}) {
    CRIER_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

void use(const Request& request) {
  static const std::vector<std::string> kOrigins = {"https://a", "*"};
  crier::net::accepts_event_stream(request);
  crier::net::names_event_stream(request);
  crier::net::host_allowed(request.host, {"a"});
  if (crier::net::is_events_path(request.path)) {
    if (const auto parsed = crier::net::parse_subscribe_request(request, 8)) {
      CRIER_CHECK(!parsed->topics.empty());
      CRIER_CHECK(parsed->topics.size() <= 8);
    }
  }
  const crier::net::Cors cors =
      crier::net::cors_of(request, crier::net::judge_origin(request, kOrigins));
  const std::string_view trace_id = crier::net::trace_id_of(request);
  const std::size_t cors_lines = lines_in(crier::net::ReplyBuilder(200).cors(cors).finish());
  const std::string head = crier::net::stream_head({.trace_id = trace_id, .cors = cors});
  CRIER_CHECK(lines_in(head) == 6 + cors_lines);
  if (crier::net::is_preflight(request)) crier::net::preflight_reply(request, cors);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const HeadLimits& limits = kLimits[data[0] & 3U];
  const std::size_t part = 1 + (data[0] >> 2U);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  HeadReader whole(limits);
  HeadReader cut(limits);
  HeadProgress whole_progress = HeadProgress::more;
  HeadProgress cut_progress = HeadProgress::more;
  const std::size_t taken = read(whole, bytes, bytes.size(), whole_progress);
  CRIER_CHECK(read(cut, bytes, part, cut_progress) == taken);
  CRIER_CHECK(cut_progress == whole_progress);
  CRIER_CHECK(!whole.parsers_disagreed());
  CRIER_CHECK(!cut.parsers_disagreed());
  if (whole_progress == HeadProgress::refused) {
    CRIER_CHECK(whole.refusal().status == cut.refusal().status);
    CRIER_CHECK(whole.refusal().message == cut.refusal().message);
    crier::net::error_reply(whole.refusal(), "t");
  } else if (whole_progress == HeadProgress::complete) {
    check_same(whole.request(), cut.request());
    check_accepted(bytes.substr(0, taken), whole.request(), limits);
    use(whole.request());
  }
  return 0;
}
