#include "cmd/cli/commands.h"

#include <string>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

constexpr std::string_view kRule =
    R"({"rules":[{"id":3,"topic":"a.>","address":null,"by":"uid 0","seconds_left":59.2}]})";

TEST_CASE("crier debug sends its rule to the admin endpoint") {
  ScriptedServer server(true, {{http_answer("200 OK", kRule)},
                               {http_answer("200 OK", kRule)},
                               {http_answer("200 OK", R"({"rules":[]})")},
                               {http_answer("200 OK", R"({"rules":[]})")},
                               {http_answer("404 No", R"({"code":"x","message":"set it"})")},
                               {http_answer("200 OK", R"({"rules":[{"id":"\n"}]})")},
                               {http_answer("200 OK", R"({"rules":[{"id":1e99}]})")}});
  const std::string at = server.address();
  const auto added = run_command(
      {"debug", "--admin", at, "--topic", "a.>", "--address", "10.0.0.0/8", "--seconds", "60"});
  CHECK(added.code == kExitOk);
  CHECK(added.out == "3 topic=a.>  60 s left  by uid 0\n");
  CHECK(run_command({"debug", "--admin", at}).out == added.out);
  CHECK(run_command({"debug", "--admin", at, "--off", "3"}).out == "no debug rules are in force\n");
  CHECK(run_command({"debug", "--admin", at, "--off"}).code == kExitOk);
  CHECK_THAT(run_command({"debug", "--admin", at}).err, ContainsSubstring("set it"));
  CHECK(run_command({"debug", "--admin", at}).code == kExitFailed);
  CHECK(run_command({"debug", "--admin", at}).code == kExitFailed);

  const auto requests = server.requests();
  CHECK_THAT(requests.at(0),
             StartsWith("POST /debug/log?topic=a.%3E&address=10.0.0.0%2F8&seconds=60 HTTP/1.1"));
  CHECK_THAT(requests.at(1), StartsWith("GET /debug/log HTTP/1.1"));
  CHECK_THAT(requests.at(2), StartsWith("DELETE /debug/log?id=3 HTTP/1.1"));
  CHECK_THAT(requests.at(3), StartsWith("DELETE /debug/log HTTP/1.1"));
}

TEST_CASE("the help of crier debug says of which events there are lines") {
  const std::string help = run_command({"debug", "--help"}).out;
  for (const char* part : {"only those of TOPIC", "no event of their other topics",
                           "--address alone logs all events"}) {
    CHECK_THAT(help, ContainsSubstring(part));
  }
}

TEST_CASE("crier debug refuses what contradicts itself") {
  CHECK(run_command({"debug", "--off", "--topic", "a"}).code == kExitMisused);
  CHECK(run_command({"debug", "--seconds", "5"}).code == kExitMisused);
  CHECK(run_command({"debug", "3"}).code == kExitMisused);
  CHECK(run_command({"debug", "--admin", "nowhere"}).code == kExitMisused);
}

}  // namespace
}  // namespace crier::cmd
