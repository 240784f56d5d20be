// Who may reach the stream: certificates, credentials, several servers.
#include <nats/nats.h>

#include <cstdlib>
#include <utility>

#include "tests/cmd/journal/nats/nats_node_support.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

using tests::NatsServer;
using Sequences = std::vector<std::uint64_t>;

// What a node that cannot start says; empty: it can.
std::string refusal(const NatsJournalOptions& options) {
  SilentLog log;
  net::Loop loop;
  const auto opened = NatsJournal::open(options, {loop, log, [] {}});
  return opened ? "" : opened.error().detail;
}

// --- TLS ---

// Two authorities; of the first a server's certificate, for localhost and for another name, and a
// node's. Made once: it takes a tenth of a second.
class Certificates {
 public:
  static const Certificates& made() {
    static const Certificates all;
    return all;
  }
  // `what`: ca, other-ca, server, elsewhere, node.
  std::string certificate(const std::string& what) const { return files_.root() + "/" + what; }
  std::string key(const std::string& what) const { return certificate(what) + ".key"; }

  std::vector<std::string> server_arguments(const std::string& server) const {
    return {"--tlsverify", "--tlscert",   certificate(server), "--tlskey",
            key(server),   "--tlscacert", certificate("ca")};
  }

 private:
  Certificates() {
    make("ca", "");
    make("other-ca", "");
    const std::string by = " -CA " + certificate("ca") + " -CAkey " + key("ca");
    make("server", by + " -addext subjectAltName=DNS:localhost");
    make("elsewhere", by + " -addext subjectAltName=DNS:nats.example");
    make("node", by);
  }
  void make(const std::string& what, const std::string& more) const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=" +
        what + " -out " + certificate(what) + " -keyout " + key(what) + more + " 2>" +
        files_.root() + "/log";
    REQUIRE(std::system(command.c_str()) == 0);
  }

  Files files_;
};

NatsJournalOptions with_tls(const NatsServer& server) {
  const Certificates& made = Certificates::made();
  NatsJournalOptions options = nats_options(server);
  options.servers = {"tls://localhost:" + std::to_string(server.port())};
  options.ca_file = made.certificate("ca");
  options.certificate_file = made.certificate("node");
  options.key_file = made.key("node");
  return options;
}

// --- credentials ---

// A pair of keys as NATS writes them; the operator's seed is written as an account's, because
// libnats signs with no other. They are good for nothing but these tests.
struct Identity {
  const char* name;
  const char* key;
  const char* seed;
};
constexpr Identity kOperator{"operator", "OCFIRY65OQE7DFP5KLNS2PF2LVZMUZYJX4OZIEQ36N2IQANUB5XVYOCS",
                             "SAAACAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAKM5I"};
constexpr Identity kSystem{"system", "ACATS5YOVB6ROX2WUNKGNQ2MP3GMXDMKSG2O4N5CLX3A6W4PZGZZIL2R",
                           "SAAAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAUN5U"};
constexpr Identity kAccount{"account", "ADWUSKGGFDI4FRXK5EBTRECZSVQSSWJHHJOGH6JWG3AUMFFMQ435D6HD",
                            "SAAAGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAZS54"};
constexpr Identity kUser{"user", "UDFJHLAXAUMHA4OWPOB4P7YO72AQR2HMIUYFOXLXE2DZGM633K7HYREV",
                         "SUAAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBH4FY"};

std::string base64url(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

// A token of NATS: `issuer` vouches that `subject` may do what `claims` says.
std::string token(const Identity& issuer, const Identity& subject, const std::string& claims) {
  const std::string body = base64url(R"({"typ":"JWT","alg":"ed25519-nkey"})") + '.' +
                           base64url(std::string(R"({"iat":1,"jti":"1","iss":")") + issuer.key +
                                     R"(","sub":")" + subject.key + R"(","name":")" + subject.name +
                                     R"(","nats":{"version":2,)" + claims + "}}");
  unsigned char* signature = nullptr;
  int size = 0;
  REQUIRE(nats_Sign(issuer.seed, body.c_str(), &signature, &size) == NATS_OK);
  std::string text = body + '.';
  text += base64url({reinterpret_cast<const char*>(signature), static_cast<std::size_t>(size)});
  std::free(signature);
  return text;
}

// The configuration of a server that trusts the operator.
std::string operated() {
  const std::string account = R"("type":"account","limits":{"subs":-1,"data":-1,"payload":-1,)"
                              R"("conn":-1,"leaf":-1,"imports":-1,"exports":-1)";
  return "operator: " +
         token(kOperator, kOperator,
               std::string(R"("type":"operator","system_account":")") + kSystem.key + '"') +
         "\nresolver: MEMORY\nresolver_preload: {\n" + kSystem.key + ": " +
         token(kOperator, kSystem, account + "}") + '\n' + kAccount.key + ": " +
         token(kOperator, kAccount,
               account + R"(,"mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1})") +
         "\n}\n";
}

// The file for a user who may do what operating.md says, and nothing else.
std::string credentials(const Identity& issuer) {
  return "-----BEGIN NATS USER JWT-----\n" +
         token(issuer, kUser,
               R"("type":"user","subs":-1,"data":-1,"payload":-1,"sub":{"allow":["_INBOX.>"]},)"
               R"("pub":{"allow":["$JS.API.>","$JS.FC.>","crier.>"]})") +
         "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n" + kUser.seed +
         "\n------END USER NKEY SEED------\n";
}

}  // namespace

TEST_CASE("TLS: each side has a certificate that the other's authority has signed", "[nats]") {
  const Certificates& made = Certificates::made();
  const NatsServer server(made.server_arguments("server"));
  NatsJournalOptions options = with_tls(server);
  {
    NatsNode node(options);
    CHECK(node.publish({"one"}).sequences == Sequences{1});
  }
  const std::string where = "Cannot connect to NATS at " + options.servers.front() + ": ";
  options.certificate_file.clear();
  CHECK(refusal(options).starts_with(where));
  const std::string unknown =
      where +
      "SSL handshake error: 20:unable to get local issuer certificate:depth=0:cert=/CN=server:"
      "issuer=/CN=ca. Compare the server's TLS with nats.servers, nats.ca and nats.certificate";
  options = with_tls(server);
  options.ca_file = made.certificate("other-ca");
  CHECK(refusal(options) == unknown);
  options.ca_file.clear();  // The machine's authorities do not know the server's.
  CHECK(refusal(options) == unknown);
  options.ca_file = "/nowhere/ca";
  CHECK(refusal(options).starts_with(
      "Cannot use the settings of nats.*: Error loading trusted certificates '/nowhere/ca'"));
}

TEST_CASE("TLS: the server's certificate is for the name in nats.servers", "[nats]") {
  const NatsServer server(Certificates::made().server_arguments("elsewhere"));
  CHECK(refusal(with_tls(server)).find("hostname mismatch:expected=localhost") !=
        std::string::npos);
}

TEST_CASE("TLS: a server without it is refused", "[nats]") {
  const NatsServer server;
  CHECK(refusal(with_tls(server))
            .ends_with("Secure Connection not available. Compare the server's TLS with "
                       "nats.servers, nats.ca and "
                       "nats.certificate"));
}

TEST_CASE("a user with credentials needs the rights that the manual names, and no more", "[nats]") {
  const Files files;
  const NatsServer server({"-c", files.write("/conf", operated())});
  NatsJournalOptions options = nats_options(server);
  options.credentials_file = files.write("/creds", credentials(kAccount));
  {
    NatsNode a(options);
    // More than a server sends at once, so that flow control is at work.
    for (int i = 0; i < 5'000; ++i) a.append({std::string(1'000, 'x')});
    a.until([&] { return a.answers.size() == 5'000; });
    CHECK(a.events.size() == 5'000);
    NatsNode b(options);
    CHECK(b.loaded == 5'000);
    CHECK(b.publish({"last"}).sequences == Sequences{5'001});
  }
  CHECK(server.log().find("iolation") == std::string::npos);

  const std::string where = "Cannot connect to NATS at " + server.address() + ": ";
  const std::string unknown = where +
                              "Authorization Violation. Name the credentials of a user that the "
                              "server knows in nats.credentials";
  options.credentials_file = files.write("/other", credentials(kUser));
  CHECK(refusal(options) == unknown);
  options.credentials_file.clear();
  CHECK(refusal(options) == unknown);
  options.credentials_file = "/nowhere/creds";
  CHECK(refusal(options) ==
        where + "error opening file '/nowhere/creds': No such file or directory");
}

TEST_CASE("a node that runs, and that its server refuses, tries for ever", "[nats]") {
  NatsServer server;
  NatsNode node(nats_options(server));
  CHECK(node.publish({"before"}).sequences == Sequences{1});
  server.kill();
  server.set_arguments({"--user", "somebody", "--pass", "else"});
  server.start();
  // libnats gives up after the second refusal, and crier begins again.
  node.until([&] {
    const std::string log = server.log();
    std::size_t refused = 0;
    for (std::size_t at = 0; (at = log.find("authentication error", at)) != log.npos; ++at) {
      ++refused;
    }
    return refused >= 3;
  });
  CHECK(node.journal().failing() == broadcast::JournalFailure::unavailable);
  server.kill();
  server.set_arguments({});
  server.start();
  node.until([&] { return !node.journal().failing(); });
  CHECK(node.publish({"after"}).sequences == Sequences{2});
  CHECK(node.events.size() == 2);
  CHECK(node.lost == 0);
}

TEST_CASE("a server of the list that is dead is passed over", "[nats]") {
  const NatsServer server;
  NatsJournalOptions options = nats_options(server);
  options.servers = {"nats://127.0.0.1:1", server.address()};
  NatsNode node(options);
  CHECK(node.publish({"one"}).sequences == Sequences{1});
  std::swap(options.servers.front(), options.servers.back());
  NatsNode other(options);
  CHECK(other.events.size() == 1);
}

TEST_CASE("a node ends when a newer version has taken the stream over, and changes nothing",
          "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  node.publish({"one"});
  Operator(server).describe("crier 2 something else");
  node.until([&] { return node.lost == 1; });
  node.stop();
  for (int i = 0; i < 2; ++i) {
    CHECK(refusal(nats_options(server)) ==
          "The stream crier is used by a newer version of crier. Install that version here, too.");
  }
}

}  // namespace crier::cmd
