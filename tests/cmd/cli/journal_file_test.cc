// `crier journal verify`, `export` and `new-epoch`, on files of a store.
#include <filesystem>
#include <fstream>
#include <string>

#include "broadcast/log/journal_batch.h"
#include "cmd/journal/journal_store.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

struct NoVisitor final : StoreVisitor {
  void on_remembered(const broadcast::Remembered& /*remembered*/) override {}
  void on_batch(const StoredBatch& /*batch*/) override {}
  void on_hole(std::uint64_t /*through*/) override {}
};

// A journal with the events 1 and 2, and 3 with an idempotency key, in a batch each.
struct JournalFile {
  JournalFile() {
    JournalStore store = opened();
    const broadcast::Event one{.topic = "a", .data = "\"one\"\n", .name = {}};
    broadcast::BatchWriter writer;
    writer.add_event(one, 0);
    writer.add_event({.topic = "b", .data = {}, .name = "n"}, 1);
    commit(store, 1, writer);
    writer.add_event(one, 0);
    writer.add_key({1, 2}, {3, 4}, {.first_sequence = 0, .last_sequence = 0, .accepted = 1});
    commit(store, 3, writer);
    REQUIRE(store.close().has_value());
    epoch = std::string(store.identity().epoch.view());
  }

  JournalStore opened() const {
    auto store = JournalStore::open({.path = path});
    REQUIRE(store.has_value());
    NoVisitor visitor;
    REQUIRE(store->load(visitor).has_value());
    REQUIRE(store->begin_use().has_value());
    return std::move(*store);
  }
  static void commit(JournalStore& store, std::uint64_t first, broadcast::BatchWriter& writer) {
    const std::uint64_t last = first + writer.end() - 1;
    const std::string body = writer.take();
    REQUIRE(store.commit({first, last, 1'764'278'643'123, body}).has_value());
  }
  // Changes a byte of the first event's data.
  void damage() const {
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const std::size_t at = bytes.rfind("\"one\"");  // SQLite fills a page from its end.
    REQUIRE(at != std::string::npos);
    bytes[at + 1] ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
  }

  Files files;
  std::string path = files.root() + "/journal.db";
  std::string epoch;
};

}  // namespace

TEST_CASE("crier journal export prints each event as a line of JSON") {
  const JournalFile journal;
  const Ran ran = run_command({"journal", "export", journal.path});
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  const std::string time = R"("time":"2025-11-27T21:24:03.123Z"})";
  CHECK(ran.out == R"({"id":")" + journal.epoch + R"(-1","topic":"a","data":"\"one\"\n",)" + time +
                       "\n" + R"({"id":")" + journal.epoch +
                       R"(-2","topic":"b","event":"n","data":"",)" + time + "\n" + R"({"id":")" +
                       journal.epoch + R"(-3","topic":"a","data":"\"one\"\n",)" + time + "\n");
}

TEST_CASE("crier journal verify says what a file holds, and what is damaged") {
  const JournalFile journal;
  const auto verified = [&](const std::string& path) {
    return run_command({"journal", "verify", path, "--json"});
  };
  SECTION("nothing") {
    const Ran ran = verified(journal.path);
    CHECK(ran.code == 0);
    CHECK(ran.out.find(R"("newest":3,"events":3,"keys":1,"batches":2,)") != std::string::npos);
    CHECK(ran.out.find(R"("epoch":")" + journal.epoch) != std::string::npos);
    CHECK(ran.out.ends_with(R"("damaged":0})"
                            "\n"));
    // It changes nothing: a daemon goes on with the same epoch.
    CHECK(journal.opened().new_epoch_because().empty());
  }
  SECTION("nothing of a copy, from which a start begins a new epoch") {
    std::filesystem::copy(journal.path, journal.files.root() + "/copy");
    const Ran ran = verified(journal.files.root() + "/copy");
    CHECK(ran.code == 0);
    CHECK(ran.out.find(R"("new_epoch":)") != std::string::npos);
    // Its events keep the ids that clients know.
    CHECK(run_command({"journal", "export", journal.files.root() + "/copy"}).out ==
          run_command({"journal", "export", journal.path}).out);
  }
  SECTION("a batch") {
    journal.damage();
    const Ran ran = verified(journal.path);
    CHECK(ran.code == 1);
    CHECK(ran.out.find(R"("events":1,)") != std::string::npos);
    CHECK(ran.err.find("damaged in 1 place; events up to 2 may be missing") != std::string::npos);
    // What is whole is printed nevertheless.
    const Ran exported = run_command({"journal", "export", journal.path});
    CHECK(exported.code == 1);
    CHECK(exported.out.starts_with(R"({"id":")" + journal.epoch + "-3\""));
    CHECK(exported.err == ran.err);
  }
  SECTION("all, because it is missing or something else") {
    const Ran missing = verified(journal.files.root() + "/missing");
    CHECK(missing.code == 1);
    CHECK(missing.err.find("/missing") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(journal.files.root() + "/missing.head"));
    CHECK(verified(journal.files.write("/text", "a text")).code == 1);
  }
}

TEST_CASE("crier journal new-epoch keeps the events, and ids of before are another epoch's") {
  const JournalFile journal;
  const auto begin = [&] { return run_command({"journal", "new-epoch", journal.path}); };
  SECTION("of a whole file") {
    const Ran ran = begin();
    CHECK(ran.code == 0);
    CHECK(ran.out.size() == Epoch::kBytes + 1);
    CHECK(ran.out != journal.epoch + "\n");
    const JournalStore store = journal.opened();
    CHECK(std::string(store.identity().epoch.view()) + "\n" == ran.out);
    CHECK(store.new_epoch_because().empty());
    CHECK(store.last() == 3);
    CHECK(store.rows() == 2);
  }
  SECTION("of a damaged one, which is kept beside") {
    journal.damage();
    const Ran ran = begin();
    CHECK(ran.code == 0);
    CHECK(ran.err.find(journal.path + ".damaged-") != std::string::npos);
    CHECK(run_command({"journal", "verify", journal.path}).code == 0);
  }
}

TEST_CASE("crier journal leaves a file alone that a daemon has open") {
  const JournalFile journal;
  const JournalStore daemon = journal.opened();
  for (const std::string action : {"verify", "export", "new-epoch"}) {
    INFO(action);
    const Ran ran = run_command({"journal", action, journal.path});
    CHECK(ran.code == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err.find("a daemon has the journal " + journal.path + " open: stop it") !=
          std::string::npos);
  }
}

}  // namespace crier::cmd
