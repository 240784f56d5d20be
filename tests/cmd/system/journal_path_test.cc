#include "cmd/system/journal_path.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"

namespace crier::cmd {

TEST_CASE("the journal is where the service manager, the user or root has its state") {
  JournalSurroundings where{.uid = 0, .xdg_state_home = "/x", .home = "/root"};
  CHECK(default_journal_path(where) == "/var/lib/crier/journal.db");
  where.uid = 1'000;
  CHECK(default_journal_path(where) == "/x/crier/journal.db");
  where.xdg_state_home = "relative";  // The specification says to ignore a relative path.
  where.home = "/home/a";
  CHECK(default_journal_path(where) == "/home/a/.local/state/crier/journal.db");
  where.home = "";
  CHECK(default_journal_path(where).empty());
  where.state_directory = "/var/lib/crier";
  CHECK(default_journal_path(where) == "/var/lib/crier/journal.db");
  where.state_directory = "/var/lib/private/one:/var/lib/two";
  CHECK(default_journal_path(where) == "/var/lib/private/one/journal.db");
}

TEST_CASE("the directory of the journal is made, for its user alone") {
  namespace fs = std::filesystem;
  char name[] = "/tmp/crier-test-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  const std::string root = name;
  const std::string path = root + "/a/b/journal.db";
  CHECK(make_journal_directory(path));
  CHECK(make_journal_directory(path));
  CHECK(fs::status(root + "/a/b").permissions() == fs::perms::owner_all);
  CHECK_FALSE(fs::exists(path));
  std::ofstream(root + "/file") << "";
  const auto in_the_way = make_journal_directory(root + "/file/b/journal.db");
  REQUIRE_FALSE(in_the_way);
  CHECK(in_the_way.error().detail ==
        "cannot make " + root + "/file/b for the journal: " + "Not a directory; set journal.path");
  fs::remove_all(root);
}

}  // namespace crier::cmd
