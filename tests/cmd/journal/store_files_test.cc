// The files of a journal, under other names, replaced, overwritten, and while they are salvaged.
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

#include "cmd/journal/batch_scan.h"
#include "cmd/journal/journal_store.h"
#include "tests/cmd/journal/store_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {

TEST_CASE("a file that lost its name is told, and no event with it") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  const std::string name = path + GENERATE("-wal", ".head");
  const bool replaced = GENERATE(true, false);
  const bool at_the_end = GENERATE(true, false);
  {
    JournalStore store = used({.path = path});
    for (int i = 0; i < 3; ++i) commit(store, "event");
    const std::string before = bytes_of(name);
    for (int i = 0; i < 3; ++i) commit(store, "later");
    std::filesystem::remove(name);
    if (replaced) overwrite(name, before);
    if (at_the_end) {
      REQUIRE(store.close().has_value());
    } else {
      const std::string body = batch_body("a", "refused");
      const auto done = store.commit({7, 7, 1, body});
      REQUIRE(!done.has_value());
      CHECK(has(done.error().detail, name + " was removed or replaced"));
      REQUIRE(store.reopen() == true);
      REQUIRE(store.last() == 6);
    }
  }
  JournalStore store = opened({.path = path});
  CHECK(store.new_epoch_because().empty());
  LoadedBatches loaded;
  REQUIRE(store.load(loaded).has_value());
  CHECK(loaded.batches.size() == 6);
  CHECK(loaded.hole == 0);
}

TEST_CASE("a journal may be named by a symbolic link") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  const std::string real = files.root() + "/real.db";
  std::filesystem::create_symlink(real, path);
  CHECK(has(refusal(path), "is a symbolic link to nothing"));
  {
    JournalStore store = used({.path = real});
  }
  JournalStore store = used({.path = path});
  CHECK(has(refusal(real), "is in use by another process"));
  CHECK(std::filesystem::file_size(real + "-wal") > 8'000'000);
  CHECK(!std::filesystem::exists(path + "-wal"));
}

TEST_CASE("a file that was overwritten is not used any more") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  const std::string other = files.root() + "/other.db";
  JournalStore store = used({.path = path});
  commit(store, "one");
  {
    JournalStore of_other = used({.path = other});
    commit(of_other, "one");
    REQUIRE(of_other.close().has_value());
  }
  const bool is_journal = GENERATE(true, false);
  std::string bytes = bytes_of(other);
  // The state of a journal has its epoch at the beginning.
  const std::size_t state = bytes.find(opened({.path = other}).file_epoch().view());
  REQUIRE(state != std::string::npos);
  if (!is_journal) bytes[state] = '!';
  overwrite(path, bytes);
  std::filesystem::remove(path + "-wal");
  const auto done = store.reopen();
  REQUIRE(done.has_value());
  CHECK(!*done);
}

TEST_CASE("a damaged file has all good batches before another takes its name") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  {
    JournalStore store = used({.path = path});
    for (int i = 0; i < 3; ++i) commit(store, std::string(9'000, 'x') + "old event");
    REQUIRE(store.close().has_value());
  }
  {
    JournalStore store = used({.path = path});
    for (int i = 0; i < 3; ++i) commit(store, "new event");  // In the write-ahead log.
  }
  std::string bytes = bytes_of(path);
  bytes[bytes.find("old event")] ^= 1;
  overwrite(path, bytes);
  const JournalStore store = used({.path = path});
  // As if the process ended between the two renames.
  std::filesystem::remove(store.damaged_copy() + "-wal");
  const auto damaged = Database::open(store.damaged_copy(), nullptr);
  REQUIRE(damaged.has_value());
  BatchScan scan(*damaged);
  for (;;) {
    const auto batch = scan.next();
    INFO((batch ? "" : batch.error().detail));
    REQUIRE(batch.has_value());
    if (!*batch) break;
  }
  CHECK(scan.rows() == 5);
}

TEST_CASE("pages that are damaged take no other batch with them") {
  constexpr std::size_t kPage = 4'096;
  const std::uint64_t damaged_of_ten = GENERATE(0U, 1U, 5U, 9U);
  const Files files;
  const std::string path = files.root() + "/journal.db";
  {
    JournalStore store = used({.path = path});
    for (int i = 0; i < 500; ++i) commit(store, std::string(1'000, 'x'), i % 50 == 0 ? 500 : 1);
    REQUIRE(store.close().has_value());
  }
  std::string bytes = bytes_of(path);
  std::mt19937 dice(static_cast<std::uint32_t>(damaged_of_ten));
  std::uint64_t on_damaged_pages = 0;
  for (std::size_t page = 0; page < bytes.size(); page += kPage) {
    // A leaf of a table, with batches.
    if (bytes[page] != 13 || bytes.substr(page, kPage).find("xxxx") == std::string::npos) continue;
    if (dice() % 10 >= damaged_of_ten) continue;
    on_damaged_pages += static_cast<unsigned char>(bytes[page + 4]);
    bytes.replace(page, kPage, kPage, '\0');
  }
  REQUIRE((on_damaged_pages > 0) == (damaged_of_ten > 0));
  overwrite(path, bytes);
  JournalStore store = opened({.path = path});
  LoadedBatches loaded;
  REQUIRE(store.load(loaded).has_value());
  CHECK(loaded.batches.size() == 500 - on_damaged_pages);
  CHECK((loaded.hole > 0) == (damaged_of_ten > 0));
}

}  // namespace crier::cmd
