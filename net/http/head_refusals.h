// Every reason to refuse a request: its status, its code for programs, its sentence for people.
//
// Codes are stable; several refusals may share a code. Each of them ends the connection after the
// answer. Constants; any thread.
#pragma once

#include <string_view>

#include "net/http/request.h"

namespace crier::net::refusals {

constexpr Refusal bad_request(std::string_view message) {
  return {400, "bad_request", message};
}

// --- syntax ---
inline constexpr Refusal kBadStart = bad_request("The request does not start with a method.");
inline constexpr Refusal kTls = bad_request(
    "This is TLS, but crier speaks plain HTTP here: use http://, or let a proxy in front of crier "
    "end TLS.");
inline constexpr Refusal kBadMethodByte = bad_request("The method must be followed by one space.");
inline constexpr Refusal kBadTargetByte =
    bad_request("The request target contains a byte that must be percent-encoded.");
inline constexpr Refusal kBadTarget =
    bad_request("The request target must be a path that starts with '/'.");
inline constexpr Refusal kBadEscape =
    bad_request("The path contains an invalid percent escape, or one of NUL, CR or LF.");
inline constexpr Refusal kDotSegment =
    bad_request("The path must not contain '.' or '..' segments.");
inline constexpr Refusal kBadVersion =
    bad_request("The request line must end with HTTP/1.1 or HTTP/1.0.");
inline constexpr Refusal kHttp2 = bad_request("HTTP/2 is not served here; use HTTP/1.1.");
inline constexpr Refusal kBareLineEnd = bad_request("Each line must end with CR LF.");
inline constexpr Refusal kFolded = bad_request("Folded header lines are not accepted.");
inline constexpr Refusal kBadFieldName =
    bad_request("A header name must be a token, directly followed by a colon.");
inline constexpr Refusal kBadFieldValue =
    bad_request("A header value contains a control character.");

// --- the bytes before a head: http.proxy_protocol ---
inline constexpr Refusal kProxyHeaderUnexpected = bad_request(
    "A PROXY protocol header is only accepted from http.trusted_proxies, if http.proxy_protocol is "
    "not off, and once.");
inline constexpr Refusal kProxyHeaderMalformed =
    bad_request("The PROXY protocol header is malformed.");
inline constexpr Refusal kProxyHeaderMissing = bad_request(
    "Connections of http.trusted_proxies must begin with a PROXY protocol header, because "
    "http.proxy_protocol is required.");

// --- limits ---
inline constexpr Refusal kTargetTooLong{414, "uri_too_long",
                                        "The request target is longer than 8 KiB."};
inline constexpr Refusal kHeadTooLarge{431, "headers_too_large",
                                       "The request head is larger than 16 KiB."};
inline constexpr Refusal kTooManyFields{431, "headers_too_large",
                                        "The request has more than 100 header lines."};

// --- request line ---
inline constexpr Refusal kUnknownMethod{501, "method_unknown", "crier does not know this method."};
inline constexpr Refusal kConnect{405, "method_not_allowed", "crier is not a proxy."};
inline constexpr Refusal kVersion{505, "version_not_supported",
                                  "Only HTTP/1.1 and HTTP/1.0 are served."};

// --- fields, judged together ---
inline constexpr Refusal kNoHost = bad_request("HTTP/1.1 needs a Host header.");
inline constexpr Refusal kTwoHosts = bad_request("There is more than one Host header.");
inline constexpr Refusal kBadHost = bad_request("The Host header must be host or host:port.");
inline constexpr Refusal kOtherHost =
    bad_request("The host of the request target differs from the Host header.");
inline constexpr Refusal kTransferEncoding =
    bad_request("Transfer-Encoding must be \"chunked\" alone, in an HTTP/1.1 request to publish.");
inline constexpr Refusal kTwoFramings =
    bad_request("Transfer-Encoding and Content-Length contradict each other.");
inline constexpr Refusal kTwoLengths = bad_request("There is more than one Content-Length header.");
inline constexpr Refusal kBadLength = bad_request("Content-Length must be a plain decimal number.");
inline constexpr Refusal kLengthRequired{411, "length_required",
                                         "Send the body with a Content-Length, or chunked."};
inline constexpr Refusal kLengthTooLarge{
    413, "content_too_large", "The body is larger than limits.request_bytes_max allows."};
// Handlers also use it for a method that they do not serve, with or without a body.
inline constexpr Refusal kNotPublishing{
    405, "method_not_allowed",
    "Only GET, HEAD and OPTIONS without a body are served here; publish events on the publish "
    "socket."};
inline constexpr Refusal kBodyOfGet{413, "content_too_large",
                                    "A request of this method must not have a body."};
inline constexpr Refusal kExpectation{417, "expectation_failed",
                                      "Expect may only be 100-continue, in a request with a body."};
inline constexpr Refusal kRepeated =
    bad_request("A header that may be sent only once was sent more than once.");
inline constexpr Refusal kDisagreement = bad_request("The request is ambiguous.");

// --- requests that an HttpServer refuses after a valid head ---
inline constexpr Refusal kRequestTooSlow{408, "request_too_slow",
                                         "The request did not arrive in time."};
inline constexpr Refusal kBodyTooLarge{413, "content_too_large",
                                       "The body is larger than limits.request_bytes_max allows."};
inline constexpr Refusal kBadChunk = bad_request(
    "The chunked body is malformed: each chunk is its size in hexadecimal, CR LF, its bytes, CR "
    "LF.");
inline constexpr Refusal kExtrasTooLarge{
    431, "headers_too_large", "The chunked body has too many bytes of extensions and trailers."};
inline constexpr Refusal kNoMemory{503, "memory",
                                   "There is no memory for the body now; try again later."};
inline constexpr Refusal kUnanswered{503, "unanswered",
                                     "The request was not answered in time; try again later."};

}  // namespace crier::net::refusals
