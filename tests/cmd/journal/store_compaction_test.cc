// What goes from the file of a journal: what nobody needs, and the oldest if it is full.
#include <cstdint>
#include <string>
#include <utility>

#include "cmd/journal/compaction.h"
#include "cmd/journal/journal_store.h"
#include "tests/cmd/journal/store_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {

TEST_CASE("the oldest batches go when a file is full") {
  const Files files;
  JournalStore store = used({.path = files.root() + "/journal.db", .bytes_max = 100'000});
  std::uint64_t dropped = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string body = batch_body("a", std::string(10'000, 'x'));
    const auto done = store.commit({store.last() + 1, store.last() + 1, 1, body});
    REQUIRE(done.has_value());
    if (*done > 0) {
      CHECK(*done > dropped);
      dropped = *done;
    }
    CHECK(store.batch_bytes() <= 100'000);
  }
  CHECK(dropped == 31);
  REQUIRE(store.close().has_value());
}

TEST_CASE("a compaction goes on in shares, over the end of the process") {
  const Files files;
  const StoreOptions options{.path = files.root() + "/journal.db"};
  constexpr std::uint64_t kBatches = 600;
  // Half of each batch is live: all are read, and stay.
  const auto survey = [] {
    broadcast::Survey all{.through = 2 * kBatches, .live = {}, .remembered = {}};
    for (std::uint64_t i = 0; i < kBatches; ++i) all.live.push_back(2 * i + 1);
    return Compaction(std::move(all), 0);
  };
  std::uint64_t at = 0;
  {
    JournalStore store = used(options);
    for (std::uint64_t i = 0; i < kBatches; ++i) commit(store, std::string(1'000, 'x'), 2);
    Compaction compaction = survey();
    CHECK(store.compact(compaction, 20'000) == false);
    CHECK(compaction.at == 2 * 9 + 1);  // Nine batches of 2,100 bytes, and one more.
    CHECK(store.compact(compaction, 60'000) == false);
    at = compaction.at;
    CHECK(at > 2 * 35);
  }
  JournalStore store = used(options);
  Compaction compaction = survey();
  CHECK(store.compact(compaction, 20'000) == false);
  CHECK(compaction.at == at + 2 * 10);
  bool complete = false;
  while (!complete) complete = store.compact(compaction, 1U << 20U).value();
  Compaction next = survey();
  CHECK(store.compact(next, 20'000) == false);
  CHECK(next.at == 2 * 9 + 1);
  LoadedBatches loaded;
  REQUIRE(store.load(loaded).has_value());
  CHECK(loaded.batches.size() == kBatches);
}

}  // namespace crier::cmd
