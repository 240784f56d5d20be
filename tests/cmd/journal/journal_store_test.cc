// The file of a journal: what is refused, what a failed call does, and what damage does.
#include "cmd/journal/journal_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "cmd/journal/compaction.h"
#include "tests/cmd/journal/faulty_disk.h"
#include "tests/cmd/journal/store_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {
TEST_CASE("what is no journal is refused with what to do") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  CHECK(has(refusal(path, false), "there is no journal"));
  CHECK(!std::filesystem::exists(path + ".head"));
  CHECK(has(refusal(files.root() + "/none/journal.db"), "directory of journal.path must exist"));
  CHECK(has(refusal(files.root()), "is not a file"));
  std::filesystem::create_directory(path + ".head");
  CHECK(has(refusal(path), ".head is not a file: move it away"));
  std::filesystem::remove(path + ".head");
  overwrite(path, "something else");
  CHECK(has(refusal(path), "is no journal of crier"));
  overwrite(path, "");
  CHECK(has(refusal(path), "is no journal of crier"));
  std::filesystem::remove(path);
  {
    JournalStore store = used({.path = path});
    CHECK(has(refusal(path), "is in use by another process"));
    REQUIRE(store.close().has_value());
  }
  std::string bytes = bytes_of(path);
  bytes[63] = 2;
  overwrite(path, bytes);
  CHECK(has(refusal(path), "has format 2, and this crier reads format 1"));
  if (::geteuid() != 0) {
    ::chmod(path.c_str(), 0400);
    CHECK(has(refusal(path), "cannot be opened for writing"));
  }
}

TEST_CASE("an epoch lasts as long as nothing can be missing") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  Epoch epoch;
  {
    JournalStore store = used({.path = path});
    CHECK(store.new_epoch_because().empty());
    epoch = store.identity().epoch;
    commit(store, "one");
    REQUIRE(store.close().has_value());
  }
  const std::string older = bytes_of(path);
  {
    JournalStore store = used({.path = path});
    CHECK(store.new_epoch_because().empty());
    CHECK(store.identity().epoch == epoch);
    commit(store, "two");  // And not closed.
  }
  SECTION("after a crash") {
    const JournalStore store = opened({.path = path});
    CHECK(store.identity().epoch == epoch);
    CHECK(store.last() == 2);
  }
  SECTION("an older file in its place") {
    std::filesystem::remove(path + "-wal");
    overwrite(path, older);
    const JournalStore store = opened({.path = path});
    CHECK(has(store.new_epoch_because(), "committed events are missing, 2 to 2"));
    CHECK(store.identity().epoch != epoch);
    CHECK(store.last() == 2);
  }
  SECTION("without the head") {
    std::filesystem::remove(path + ".head");
    CHECK(has(opened({.path = path}).new_epoch_because(), ".head is missing"));
  }
  SECTION("without the file") {
    std::filesystem::remove(path);
    const JournalStore store = opened({.path = path});
    CHECK(store.new_epoch_because() == "the file was missing");
    CHECK(store.last() == 0);
  }
  SECTION("a copy") {
    JournalStore store = used({.path = path});
    {
      auto making = store.begin_copy(files.root() + "/copy.db");
      REQUIRE(making.has_value());
      while (!making->step().value()) commit(store, "meanwhile");
    }
    JournalStore copy = opened({.path = files.root() + "/copy.db"});
    CHECK(has(copy.new_epoch_because(), "copy.db.head is missing"));
    LoadedBatches loaded;
    REQUIRE(copy.load(loaded).has_value());
    CHECK(loaded.batches.size() == store.rows());
  }
}

TEST_CASE("an interval that another boot cut short is another epoch") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  const bool closed = GENERATE(false, true);
  {
    JournalStore store = used({.path = path, .interval = true});
    commit(store, "one");
    if (closed) REQUIRE(store.close().has_value());
  }
  CHECK(opened({.path = path}).new_epoch_because().empty());
  // The same file, used under another boot.
  {
    const auto database = Database::open(path, nullptr);
    REQUIRE(database.has_value());
    auto read = Statement::prepare(*database, "SELECT body FROM state");
    REQUIRE((read.has_value() && read->next().value()));
    auto state = read_store_state(read->bytes(0));
    read->reset();
    REQUIRE(state.has_value());
    state->boot_id[0] = state->boot_id[0] == 'x' ? 'y' : 'x';
    auto write = Statement::prepare(*database, "UPDATE state SET body = ?");
    const std::string other = to_bytes(*state);
    REQUIRE(write->bind_bytes(other).run().has_value());
  }
  CHECK(opened({.path = path}).new_epoch_because().empty() == closed);
}

TEST_CASE("whichever call fails, the file has what was committed", "[one-thread]") {
  const int code = GENERATE(SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_FULL);
  const bool stays = GENERATE(false, true);
  FaultyDisk disk;
  std::uint64_t calls = 0;
  for (bool failed = true; failed; ++calls) {
    INFO("call " << calls << " fails with " << code);
    const Files files("/dev/shm");
    const std::string path = files.root() + "/journal.db";
    const StoreOptions options{.path = path, .wal_bytes = 0, .vfs = disk.name()};
    disk.fail_after(calls, code, stays);
    auto store = JournalStore::open(options);
    LoadedBatches nothing;
    if (!store || !store->load(nothing) || !store->begin_use()) {
      store = fail(Errc::os, "");
      disk.work();
      store = used(options);
    }
    const Epoch epoch = store->identity().epoch;
    std::vector<std::string> bodies;
    const auto opened_again = [&] {
      disk.work();
      const auto done = store->reopen();
      INFO((done ? "" : done.error().detail));
      REQUIRE((done.has_value() && *done));
    };
    for (int i = 0; i < 6; ++i) {
      const std::string body =
          batch_body("a.b", std::string(static_cast<std::size_t>(3'000 * i), 'x'));
      const std::uint64_t before = store->last();
      REQUIRE(before == bodies.size());
      if (!store->commit({before + 1, before + 1, 1, body})) {
        opened_again();
        REQUIRE((store->last() == before || store->last() == before + 1));
        if (store->last() == before) {
          --i;
          continue;
        }
      }
      bodies.push_back(body);
      if (i == 3) {  // Of which the second one lives.
        Compaction compaction(
            {.through = 3, .live = {2}, .remembered = {.head = 3, .floor = 1, .topics = {}}}, 100);
        const auto done = store->compact(compaction, 1U << 20U);
        if (!done) opened_again();
      }
    }
    if (!store->close()) {
      opened_again();
      REQUIRE(store->close().has_value());
    }
    failed = disk.failed();
    disk.work();
    const std::uint64_t bytes = store->batch_bytes();
    store = fail(Errc::os, "");
    JournalStore again = opened(options);
    CHECK(again.new_epoch_because().empty());
    CHECK(again.identity().epoch == epoch);
    LoadedBatches loaded;
    REQUIRE(again.load(loaded).has_value());
    CHECK(loaded.hole == 0);
    CHECK(again.last() == bodies.size());
    CHECK(again.batch_bytes() == bytes);
    for (std::uint64_t first : {2U, 4U, 5U, 6U}) {
      REQUIRE(loaded.batches.contains(first));
      CHECK(loaded.batches[first].second == bodies[first - 1]);
    }
  }
  CHECK(calls > 20);
}

TEST_CASE("damage is never served, and always told", "[one-thread]") {
  FaultyDisk disk;
  const Files files("/dev/shm");
  const std::string path = files.root() + "/journal.db";
  const bool closed = GENERATE(true, false);
  const StoreOptions options{.path = path, .wal_bytes = 0, .vfs = disk.name()};
  Epoch epoch;
  LoadedBatches good;
  LoadedBatches before;  // The compaction.
  {
    JournalStore store = used(options);
    epoch = store.identity().epoch;
    for (int i = 0; i < 8; ++i)
      commit(store, std::string(i == 3 ? 9'000 : 60, 'x'), i == 5 ? 3 : 1);
    Compaction compaction(
        {.through = 2, .live = {2}, .remembered = {.head = 2, .floor = 1, .topics = {}}}, 10'000);
    REQUIRE(store.load(before).has_value());
    REQUIRE(store.compact(compaction, 1U << 20U).has_value());
    if (closed) REQUIRE(store.close().has_value());
  }
  {
    JournalStore store = opened(options);
    REQUIRE(store.load(good).has_value());
    REQUIRE(good.batches.size() == 7);
  }
  const std::uint64_t last = good.batches.rbegin()->second.first;
  struct Content {
    std::string path, bytes;
  };
  std::vector<Content> contents;
  for (const char* suffix : {"", "-wal", ".head"})
    contents.push_back({path + suffix, bytes_of(path + suffix)});
  std::uint64_t told = 0;
  std::uint64_t flips = 0;
  // Every byte takes a minute and a half. A run takes some of them, others each time.
  const bool all = std::getenv("CRIER_EVERY_BYTE") != nullptr;
  for (const Content& damaged : contents) {
    for (std::size_t at = all ? 0 : static_cast<std::size_t>(::getpid()) % 23;
         at < damaged.bytes.size(); at += all ? 1 : 23) {
      INFO(damaged.path << " byte " << at);
      for (const Content& content : contents) overwrite(content.path, content.bytes);
      std::string bytes = damaged.bytes;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << at % 8));
      overwrite(damaged.path, bytes);
      ++flips;
      auto store = JournalStore::open(options);
      if (!store) {
        ++told;
        continue;
      }
      const bool same_epoch = store->identity().epoch == epoch;
      CHECK(same_epoch == store->new_epoch_because().empty());
      LoadedBatches loaded;
      const auto done = store->load(loaded);
      if (!done) {
        REQUIRE(done.error().kind == StoreFailure::damaged);
        ++told;
        continue;
      }
      for (const auto& [first, batch] : loaded.batches) {
        REQUIRE((batch == good.batches[first] || batch == before.batches[first]));
      }
      for (const auto& [first, batch] : good.batches) {
        if (!loaded.batches.contains(first)) REQUIRE((!same_epoch || loaded.hole >= batch.first));
      }
      if (same_epoch) {
        REQUIRE(store->last() >= last);
        // Without the compaction all is there that it took away.
        REQUIRE((loaded.head == good.head || loaded.hole >= good.head ||
                 loaded.batches == before.batches));
      }
      if (!same_epoch || loaded.hole > 0) ++told;
      // It can be used, and remembers the hole.
      const auto begun = store->begin_use();
      INFO((begun ? "" : begun.error().detail));
      REQUIRE(begun.has_value());
      const std::string body = batch_body("new", "event");
      const std::uint64_t next = store->last() + 1;
      if (!store->commit({next, next, 1, body})) {
        const auto again = store->reopen();
        INFO((again ? "" : again.error().detail));
        REQUIRE(again.has_value());
        if (store->last() < next) REQUIRE(store->commit({next, next, 1, body}).has_value());
      }
      REQUIRE(store->close().has_value());
      store = fail(Errc::os, "");
      JournalStore second = opened(options);
      LoadedBatches after;
      REQUIRE(second.load(after).has_value());
      REQUIRE(after.hole >= loaded.hole);
      REQUIRE(after.batches.contains(next));
      for (const auto& [first, batch] : loaded.batches) {
        REQUIRE((after.batches[first] == batch || after.hole >= batch.first));
      }
    }
  }
  WARN(flips << " bytes flipped, of which " << told << " were told");
}

}  // namespace crier::cmd
