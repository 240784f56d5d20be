// The journal of the daemon, as the configuration says.
#include "cmd/daemon/kept_journal.h"

#include <string>

#include "net/loop/loop.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/journal/store_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {

TEST_CASE("a journal that was not used for a while begins a new epoch") {
  const Files files;
  config::Config config;
  config.journal.path = files.root() + "/journal.db";
  net::Loop loop;
  RecordingSink log;
  JournalStore store = used({.path = config.journal.path});
  commit(store, "event");
  {
    const KeptJournal of_second_daemon(config, loop, log);
  }
  CHECK(log.lines.empty());
  REQUIRE(store.close().has_value());
  const bool meanwhile = GENERATE(true, false);
  {
    const JournalStore closed = std::move(store);  // And unlocked.
  }
  if (meanwhile) {
    const KeptJournal memory(config, loop, log);
    REQUIRE(log.lines.size() == 1);
    CHECK(has(log.lines[0], "begins a new epoch when it is used again"));
  }
  const JournalStore again = opened({.path = config.journal.path});
  CHECK(again.new_epoch_because().empty() != meanwhile);
}

}  // namespace crier::cmd
