#include "config/text_rules.h"

#include <string>

#include "tests/support/catch.h"

using namespace crier::config;

namespace {

struct TextCase {
  const TextRule* rule;
  std::string text;
  bool accepted;
};

}  // namespace

TEST_CASE("a text is accepted when it can mean what its key is for") {
  const auto [rule, text, accepted] = GENERATE(values<TextCase>({
      {&kTcpEndpoint, "127.0.0.1:8080", true},
      {&kTcpEndpoint, "0.0.0.0:1", true},
      {&kTcpEndpoint, "127.0.0.1:0", false},
      {&kTcpEndpoint, "127.0.0.1:00000", false},
      {&kTcpEndpoint, "255.255.255.255:65535", true},
      {&kTcpEndpoint, "[::]:80", true},
      {&kTcpEndpoint, "[2001:db8::1]:80", true},
      {&kTcpEndpoint, "[::ffff:1.2.3.4]:80", true},
      {&kTcpEndpoint, "", false},
      {&kTcpEndpoint, ":80", true},
      {&kTcpEndpoint, "*:80", true},
      {&kTcpEndpoint, "*", false},
      {&kTcpEndpoint, "a:80", false},
      {&kTcpEndpoint, "127.0.0.1", false},
      {&kTcpEndpoint, "127.0.0.1:", false},
      {&kTcpEndpoint, "127.0.0.1:65536", false},
      {&kTcpEndpoint, "127.0.0.1:-1", false},
      {&kTcpEndpoint, "127.0.0.1:000080", false},
      {&kTcpEndpoint, "127.0.0.256:80", false},
      {&kTcpEndpoint, "127.0.0:80", false},
      {&kTcpEndpoint, "127.0.0.1.1:80", false},
      {&kTcpEndpoint, "::1:80", false},
      {&kTcpEndpoint, "[1]:80", false},
      {&kTcpEndpoint, "[::g]:80", false},
      {&kTcpEndpoint, "[1::2::3]:80", false},
      {&kTcpEndpoint, "localhost:80", false},
      {&kTcpEndpoint, "unix:/a", false},
      {&kAffinity, "off", true},
      {&kAffinity, "auto", true},
      {&kAffinity, "0", true},
      {&kAffinity, "0-3,8,10-11", true},
      {&kAffinity, "", false},
      {&kAffinity, "on", false},
      {&kAffinity, "Auto", false},
      {&kAffinity, "auto,1", false},
      {&kAffinity, "0 1", false},
      {&kAdminEndpoint, "unix:/run/crier/admin.sock", true},
      {&kAdminEndpoint, "[::1]:8081", true},
      {&kAdminEndpoint, "unix:", false},
      {&kAdminEndpoint, "unix:relative", false},
      {&kAdminEndpoint, "unix:@abstract", false},
      {&kFilePath, "", true},
      {&kFilePath, "/" + std::string(3'999, 'a'), true},
      {&kFilePath, "/" + std::string(4'000, 'a'), false},
      {&kFilePath, "journal.db", false},
      {&kFilePath, "/var/lib/", false},
      {&kSocketPath, "", true},
      {&kSocketPath, "/" + std::string(106, 'a'), true},
      {&kSocketPath, "/" + std::string(107, 'a'), false},
      {&kSocketPath, "/", false},
      {&kSocketPath, "/run/", false},
      {&kSocketPath, "run/a", false},
      {&kSocketPath, "/a\nb", false},
      {&kFileMode, "0660", true},
      {&kFileMode, "0777", true},
      {&kFileMode, "0000", true},
      {&kFileMode, "660", false},
      {&kFileMode, "1777", false},
      {&kFileMode, "0680", false},
      {&kFileMode, "00660", false},
      {&kAccount, "", true},
      {&kAccount, "www-data", true},
      {&kAccount, "1000", true},
      {&kAccount, "-x", false},
      {&kAccount, "a b", false},
      {&kAccounts, "", false},
      {&kAccounts, "machine$", true},
      {&kHosts, "events.example.com", true},
      {&kHosts, "[::1]", true},
      {&kHosts, "10.0.0.1", true},
      {&kHosts, "a:80", false},
      {&kHosts, "", false},
      {&kHosts, "*", false},
      {&kHosts, std::string(254, 'a'), false},
      {&kOrigins, "https://www.example.com", true},
      {&kOrigins, "http://localhost:3000", true},
      {&kOrigins, "http://[::1]", true},
      {&kOrigins, "http://[::1]:3000", true},
      {&kOrigins, "moz-extension://0f-1", true},
      {&kOrigins, "https://www.example.com/", false},
      {&kOrigins, "https://WWW.example.com", false},
      {&kOrigins, "https://a:", false},
      {&kOrigins, "https://", false},
      {&kOrigins, "://a", false},
      {&kOrigins, "a", false},
      {&kOrigins, "null", false},
      {&kOrigins, "*", false},
      {&kPattern, "orders.eu", true},
      {&kPattern, "orders.*.x", true},
      {&kPattern, ">", true},
      {&kPattern, "", false},
      {&kPattern, "orders.", false},
  }));
  INFO("\"" << text << "\": " << rule->allowed);
  CHECK(rule->accepts(text) == accepted);
}
