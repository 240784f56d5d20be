#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

// Begins like an SQLite file of so many pages of 512 bytes.
std::string sqlite_file(char pages) {
  std::string bytes(512 * static_cast<std::size_t>(pages), 'x');
  bytes.replace(0, 32, std::string(32, '\0'));
  bytes[16] = 2;
  bytes[31] = pages;
  return bytes;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("crier journal info prints the figures of the daemon's journal") {
  ScriptedServer server(false,
                        {{http_answer("200 OK", R"({"last":7,"sync":"commit","x":"\u001b"})")}});
  const Ran ran = run_command({"journal", "info", "--socket", server.path()});
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        "last                7\nsync                commit\nx                   \\x1b\n");
  CHECK(server.requests().front().starts_with("GET /journal HTTP/1.1\r\n"));
}

TEST_CASE("crier journal backup writes a whole copy into a new file, or none") {
  const Files files;
  const std::string copy = files.root() + "/copy";
  const auto back_up = [&](std::string answer) {
    ScriptedServer server(false, {{std::move(answer), true}});
    return run_command({"journal", "backup", copy, "--socket", server.path()});
  };
  SECTION("whole") {
    const Ran ran = back_up(http_answer("200 OK", sqlite_file(3)));
    CHECK(ran.code == 0);
    CHECK(text_of(copy) == sqlite_file(3));
    CHECK(std::filesystem::status(copy).permissions() == std::filesystem::perms{0600});
    // It is not written over.
    CHECK(back_up(http_answer("200 OK", sqlite_file(4))).err.find("File exists") !=
          std::string::npos);
    CHECK(text_of(copy) == sqlite_file(3));
  }
  SECTION("without its last page") {
    const Ran ran = back_up(http_answer("200 OK", sqlite_file(3).substr(0, 1024)));
    CHECK(ran.code == 1);
    CHECK(ran.err.find("whole copy") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(copy));
  }
  SECTION("refused") {
    const Ran ran = back_up(http_answer(
        "403 Forbidden", R"({"code":"forbidden","message":"Only root","trace_id":"a"})"));
    CHECK(ran.code == 1);
    CHECK(ran.err.find("Only root") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(copy));
  }
}

TEST_CASE("crier journal says what to do with a stream, which has no file") {
  const Files files;
  const std::string copy = files.root() + "/copy";
  const std::string figures = http_answer("200 OK", R"({"stream":"crier","kind":"nats"})");
  const std::string none = http_answer("404 Not Found", R"({"code":"not_found","message":"No"})");
  for (const std::string_view action : {"backup", "verify", "export", "new-epoch"}) {
    CAPTURE(action);
    const bool copies = action == "backup";
    std::vector<ScriptedServer::Answer> answers;
    if (copies) answers.push_back({none, true});
    answers.push_back({figures, true});
    ScriptedServer server(false, std::move(answers));
    std::vector<std::string_view> words{"journal", action, "--socket", server.path()};
    if (copies) words.insert(words.begin() + 2, copy);
    const Ran ran = run_command(words);
    CHECK(ran.code == 2);
    CHECK(ran.err.find("nats stream backup crier ") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(copy));
  }
}

TEST_CASE("crier journal says what it takes") {
  CHECK(run_command({"journal", "info", "file"}).code == 2);
  CHECK(run_command({"journal", "backup"}).code == 2);
  CHECK(run_command({"journal", "eat", "file"}).err.find("eat") != std::string::npos);
}

}  // namespace crier::cmd
