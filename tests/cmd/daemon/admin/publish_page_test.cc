// POST /publish of the admin endpoint: who may send it, and what becomes of it where it is off.
#include <string>
#include <vector>

#include "tests/cmd/daemon/admin/admin_routes_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr const char* kOwn = "Host: [::1]:1\r\nOrigin: http://[::1]:1\r\n";
constexpr const char* kJsonBody = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

TEST_CASE("the dashboard publishes if admin.publish is true, and nobody else") {
  struct Row {
    std::string method, fields;
    int off, on;
  };
  const std::string host = "Host: [::1]:1\r\n";
  const Row row = GENERATE_COPY(
      Row{"POST", std::string(kOwn) + kJsonBody, 413, 202}, Row{"POST", host + kJsonBody, 413, 403},
      Row{"POST", host + "Origin: http://[::1]:2\r\n" + kJsonBody, 413, 403},
      Row{"POST", host + "Origin: null\r\n" + kJsonBody, 413, 403},
      Row{"POST", "Host: evil\r\nOrigin: http://evil\r\n" + std::string(kJsonBody), 413, 403},
      Row{"POST", kOwn + std::string("Sec-Fetch-Site: same-site\r\n") + kJsonBody, 413, 403},
      Row{"POST", kOwn + std::string("Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
          413, 415},
      Row{"POST", std::string(kOwn) + "\r\n", 403, 415}, Row{"POST", host + "\r\n", 405, 403},
      Row{"POST", kOwn + std::string("Content-Length: 30\r\n\r\n") + std::string(30, ' '), 413,
          413},
      Row{"POST",
          kOwn + std::string("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\n{}\r\n0\r\n\r\n"),
          413, 202},
      Row{"PUT", std::string(kOwn) + kJsonBody, 413, 405}, Row{"GET", host + "\r\n", 404, 405},
      Row{"OPTIONS", host + "\r\n", 405, 405});
  CAPTURE(row.method, row.fields);
  for (const bool on : {false, true}) {
    Served served;
    served.config.admin.publish = on;
    served.server->set_body_bytes_max(on ? 20 : 0);
    net::http_test::Client client(served.loop, served.path);
    client.send(row.method + " /publish HTTP/1.1\r\nConnection: close\r\n" + row.fields);
    const Reply reply = Served::read(client);
    CHECK(reply.status == (on ? row.on : row.off));
    CHECK(served.published == std::vector<std::string>(reply.status == 202 ? 1 : 0, "{}"));
    if (row.method == "GET" && on) CHECK_THAT(reply.head, ContainsSubstring("Allow: POST\r\n"));
  }
}

TEST_CASE("other pages take no body where the dashboard may publish") {
  Served served;
  served.config.admin.debug = true;
  served.config.admin.publish = true;
  served.server->set_body_bytes_max(20);
  net::http_test::Client client(served.loop, served.path);
  client.send("POST /debug/log?topic=a HTTP/1.1\r\nHost: localhost\r\n" +
              std::string("Connection: close\r\n") + kJsonBody);
  CHECK(Served::read(client).status == 413);
  CHECK(served.orders == 0);
  CHECK(served.get("/debug/log?topic=a", "POST").status == 200);  // It has no length.
}

}  // namespace
}  // namespace crier::cmd
