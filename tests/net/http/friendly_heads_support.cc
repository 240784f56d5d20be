#include "tests/net/http/friendly_heads.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace crier::net {
namespace {

using FriendlyHeads = std::vector<FriendlyHead>;

constexpr std::string_view kTarget = "/events?topic=orders";
constexpr std::string_view kShopOrigin = "https://shop.example";

// A GET of the usual target and host with these further lines.
std::string get(std::string_view lines) {
  return "GET " + std::string(kTarget) + " HTTP/1.1\r\nHost: events.example\r\n" +
         std::string(lines) + "\r\n";
}

std::string friendly_line(std::string_view first, std::string_view lines = "") {
  return std::string(first) + "\r\nHost: events.example\r\n" + std::string(lines) + "\r\n";
}

FriendlyHeads browsers() {
  return {
      {.name = "Chrome, EventSource",
       .bytes =
           get("Connection: keep-alive\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
               "sec-ch-ua-platform: \"Linux\"\r\n"
               "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
               "Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/event-stream\r\n"
               "sec-ch-ua: \"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\"\r\nDNT: 1\r\n"
               "sec-ch-ua-mobile: ?0\r\nOrigin: https://shop.example\r\n"
               "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
               "Referer: https://shop.example/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
               "Accept-Language: en-GB,en;q=0.9\r\nCookie: a=b; c=\"d e\"\r\n"),
       .origin = kShopOrigin},
      {.name = "Chrome, reconnecting",
       .bytes =
           get("Connection: keep-alive\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n"
               "Last-Event-ID: h5vq2mzkc7wna-1042\r\n"),
       .last_event_id = "h5vq2mzkc7wna-1042"},
      {.name = "Firefox, EventSource",
       .bytes = get(
           "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0\r\n"
           "Accept: text/event-stream\r\nAccept-Language: de,en-US;q=0.7,en;q=0.3\r\n"
           "Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://shop.example/\r\n"
           "Origin: https://shop.example\r\nConnection: keep-alive\r\nSec-Fetch-Dest: empty\r\n"
           "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-site\r\nPriority: u=4\r\n"
           "Pragma: no-cache\r\nCache-Control: no-cache\r\nTE: trailers\r\n"),
       .origin = kShopOrigin},
      {.name = "Safari, EventSource",
       .bytes = get(
           "Accept: text/event-stream\r\nOrigin: https://shop.example\r\nSec-Fetch-Site: "
           "same-site\r\n"
           "Cache-Control: no-cache\r\nSec-Fetch-Mode: cors\r\nAccept-Language: en-GB,en;q=0.9\r\n"
           "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
           "(KHTML, like Gecko) Version/17.5 Safari/605.1.15\r\nConnection: keep-alive\r\n"),
       .origin = kShopOrigin},
      {.name = "browser, preflight",
       .bytes = friendly_line(
           "OPTIONS /events?topic=orders HTTP/1.1",
           "Accept: */*\r\nAccess-Control-Request-Method: GET\r\n"
           "Access-Control-Request-Headers: authorization,last-event-id\r\n"
           "Origin: https://shop.example\r\nSec-Fetch-Mode: cors\r\nConnection: keep-alive\r\n"),
       .method = Method::options,
       .accept = "*/*",
       .origin = kShopOrigin},
      {.name = "browser, address bar",
       .bytes = friendly_line(
           "GET / HTTP/1.1",
           "Upgrade-Insecure-Requests: 1\r\n"
           "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"),
       .path = "/",
       .query = "",
       .accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
      {.name = "browser, sandboxed frame",
       .bytes = get("Accept: text/event-stream\r\nOrigin: null\r\n"),
       .origin = "null"},
      {.name = "browser, IPv6 address and port",
       .bytes = "GET /events?topic=orders HTTP/1.1\r\nHost: [2001:db8::7]:8080\r\n"
                "Accept: text/event-stream\r\n\r\n",
       .host = "[2001:db8::7]:8080"},
      {.name = "browser, long cookie",
       .bytes = get("Accept: text/event-stream\r\nCookie: s=" + std::string(4000, 'x') + "\r\n")},
      {.name = "browser, what it leaves raw in a query",
       .bytes = friendly_line("GET /events?topic=orders&_=?{a|b}^c`d\\e'f HTTP/1.1",
                              "Accept: text/event-stream\r\n"),
       .query = "topic=orders&_=?{a|b}^c`d\\e'f"},
      {.name = "browser, page address with text in other scripts",
       .bytes = get("Accept: text/event-stream\r\nReferer: https://shop.example/caf\xC3\xA9\r\n")},
  };
}

FriendlyHeads libraries() {
  return {
      {.name = "npm eventsource 2",
       .bytes =
           get("Cache-Control: no-cache\r\nAccept: text/event-stream\r\nConnection: close\r\n"),
       .keep_alive = false},
      {.name = "npm eventsource 4, on fetch",
       .bytes =
           get("connection: keep-alive\r\naccept: text/event-stream\r\naccept-language: *\r\n"
               "sec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\n")},
      {.name = "fetch-event-source, first request",
       .bytes = get("accept: text/event-stream\r\nContent-Type: application/json\r\n")},
      {.name = "polyfill with the id in the query",
       .bytes = friendly_line("GET /events?topic=orders&lastEventId=abc-7&padding=true HTTP/1.1",
                              "Accept: text/event-stream\r\nCache-Control: no-cache\r\n"),
       .query = "topic=orders&lastEventId=abc-7&padding=true"},
      {.name = "polyfill over XHR",
       .bytes =
           friendly_line("GET /events?topic=orders&evs_last_event_id=&evs_preamble=1 HTTP/1.1",
                         "Accept: text/event-stream,*/*\r\nX-Requested-With: XMLHttpRequest\r\n"),
       .query = "topic=orders&evs_last_event_id=&evs_preamble=1",
       .accept = "text/event-stream,*/*"},
      {.name = "Python requests, sseclient",
       .bytes = get(
           "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\n"
           "Accept: text/event-stream\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n")},
      {.name = "Python httpx",
       .bytes = get("Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate\r\nConnection: "
                    "keep-alive\r\n"
                    "User-Agent: python-httpx/0.27.0\r\nCache-Control: no-store\r\n")},
      {.name = "Go net/http",
       .bytes = get("User-Agent: Go-http-client/1.1\r\nAccept: text/event-stream\r\n"
                    "Accept-Encoding: gzip\r\n")},
      {.name = "Java, OkHttp",
       .bytes =
           get("Accept: text/event-stream\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n"
               "User-Agent: okhttp/4.12.0\r\n")},
      {.name = "Java, JDK client asking for HTTP/2",
       .bytes = get("Connection: Upgrade, HTTP2-Settings\r\nContent-Length: 0\r\n"
                    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n"
                    "User-Agent: Java-http-client/21\r\nAccept: text/event-stream\r\n")},
      {.name = ".NET HttpClient",
       .bytes = get("Accept: text/event-stream\r\nRequest-Id: |7d.\r\n"
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n")},
      {.name = "Ruby net/http",
       .bytes = get("Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\n"
                    "Accept: text/event-stream\r\nUser-Agent: Ruby\r\n")},
      {.name = "Swift URLSession",
       .bytes =
           get("Accept: text/event-stream\r\nUser-Agent: Shop/1 CFNetwork/1498 Darwin/23.6.0\r\n"
               "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate\r\n"
               "Connection: keep-alive\r\nLast-Event-Id: h5vq2mzkc7wna-3\r\n"),
       .last_event_id = "h5vq2mzkc7wna-3"},
      {.name = "device that writes as little as it can",
       .bytes = "GET /events?topic=orders "
                "HTTP/1.1\r\nHost:events.example\r\nAccept:text/event-stream\r\n\r\n"},
      {.name = "device with white space to spare",
       .bytes = "GET /events?topic=orders HTTP/1.1\r\nHOST: \t events.example \t\r\n"
                "ACCEPT:   text/event-stream  \r\nX-Empty:\r\nX-Blank: \t \r\n\r\n"},
  };
}

FriendlyHeads tools() {
  constexpr std::string_view kAny = "*/*";
  return {
      {.name = "curl", .bytes = get("User-Agent: curl/7.88.1\r\nAccept: */*\r\n"), .accept = kAny},
      {.name = "curl --http2",
       .bytes =
           get("User-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Upgrade, HTTP2-Settings\r\n"
               "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"),
       .accept = kAny},
      {.name = "curl --http1.0",
       .bytes = "GET /events?topic=orders HTTP/1.0\r\nHost: events.example\r\nUser-Agent: "
                "curl/7.88.1\r\n"
                "Accept: */*\r\n\r\n",
       .accept = kAny,
       .keep_alive = false},
      {.name = "curl --head",
       .bytes = friendly_line("HEAD /events?topic=orders HTTP/1.1", "Accept: */*\r\n"),
       .method = Method::head,
       .accept = kAny},
      {.name = "wget",
       .bytes = get("User-Agent: Wget/1.21.3\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
                    "Connection: Keep-Alive\r\n"),
       .accept = kAny},
      {.name = "HTTPie",
       .bytes = get("User-Agent: HTTPie/3.2.2\r\nAccept-Encoding: gzip, deflate\r\n"
                    "Accept: text/event-stream\r\nConnection: keep-alive\r\n")},
      {.name = "ab -k",
       .bytes = "GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: events.example:8080\r\n"
                "User-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n",
       .path = "/healthz",
       .query = "",
       .host = "events.example:8080",
       .accept = kAny},
      {.name = "telnet, HTTP/1.0 without anything",
       .bytes = "GET /healthz HTTP/1.0\r\n\r\n",
       .path = "/healthz",
       .query = "",
       .host = "",
       .accept = "",
       .keep_alive = false},
      {.name = "Prometheus",
       .bytes = friendly_line(
           "GET /metrics HTTP/1.1",
           "User-Agent: Prometheus/2.42.0\r\n"
           "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n"
           "Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n"),
       .path = "/metrics",
       .query = "",
       .accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"},
      {.name = "h2load --h1", .bytes = get("user-agent: h2load nghttp2/1.52.0\r\n"), .accept = ""},
      {.name = "OPTIONS of the server as a whole",
       .bytes = friendly_line("OPTIONS * HTTP/1.1"),
       .method = Method::options,
       .path = "*",
       .query = "",
       .accept = ""},
  };
}

FriendlyHeads proxies() {
  return {
      {.name = "nginx with its defaults",
       .bytes = "GET /events?topic=orders HTTP/1.0\r\nHost: crier_upstream\r\nConnection: close\r\n"
                "Accept: text/event-stream\r\n\r\n",
       .host = "crier_upstream",
       .keep_alive = false},
      {.name = "nginx with keep-alive upstreams",
       .bytes = get("X-Real-IP: 203.0.113.7\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n"
                    "X-Forwarded-Proto: https\r\nAccept: text/event-stream\r\n")},
      {.name = "HAProxy",
       .bytes = "GET /events?topic=orders HTTP/1.1\r\nhost: events.example\r\naccept: "
                "text/event-stream\r\n"
                "x-forwarded-for: 203.0.113.7\r\n\r\n"},
      {.name = "Envoy",
       .bytes = get("accept: text/event-stream\r\nx-request-id: "
                    "1c2f-4\r\nx-envoy-expected-rq-timeout-ms: 15000\r\n"
                    "x-forwarded-proto: https\r\n")},
      {.name = "Cloudflare",
       .bytes = get(
           "Connection: Keep-Alive\r\nAccept-Encoding: gzip, br\r\nX-Forwarded-For: 2001:db8::1\r\n"
           "CF-RAY: 8a1b2c3d4e5f-FRA\r\nX-Forwarded-Proto: https\r\n"
           "CF-Visitor: {\"scheme\":\"https\"}\r\nCF-Connecting-IP: 2001:db8::1\r\ncdn-loop: "
           "cloudflare\r\n"
           "Accept: text/event-stream\r\n")},
      {.name = "proxy that sends the absolute form",
       .bytes = friendly_line("GET http://events.example/events?topic=orders HTTP/1.1",
                              "Via: 1.1 squid\r\nAccept: text/event-stream\r\n")},
      {.name = "absolute form in capitals",
       .bytes = friendly_line("GET HTTP://Events.Example/events?topic=orders HTTP/1.1",
                              "Accept: text/event-stream\r\n")},
      {.name = "absolute form without a path",
       .bytes = friendly_line("GET http://events.example?topic=orders HTTP/1.1",
                              "Accept: text/event-stream\r\n"),
       .path = "/"},
      {.name = "proxy that sends a length of 0",
       .bytes = get("Accept: text/event-stream\r\nContent-Length: 0\r\n")},
      {.name = "client that ends its last request with CRLF too many",
       .bytes = "\r\n" + get("Accept: text/event-stream\r\n")},
      {.name = "target with all that a target may hold",
       .bytes = friendly_line(
           "GET /events/a%20b;c=d,e:f@g!h$i&j'(k)*+~._-/...%7e?topic=orders&x=/?:@[]%00 HTTP/1.1",
           "Accept: text/event-stream\r\n"),
       .path = "/events/a%20b;c=d,e:f@g!h$i&j'(k)*+~._-/...%7e",
       .query = "topic=orders&x=/?:@[]%00"},
      {.name = "an id that is no text",
       .bytes = get("Accept: text/event-stream\r\nLast-Event-ID: \xFF\xFE\r\n"),
       .last_event_id = "\xFF\xFE"},
  };
}

}  // namespace

FriendlyHeads friendly_heads() {
  FriendlyHeads all;
  for (FriendlyHeads part : {browsers(), libraries(), tools(), proxies()}) {
    std::ranges::move(part, std::back_inserter(all));
  }
  return all;
}

}  // namespace crier::net
