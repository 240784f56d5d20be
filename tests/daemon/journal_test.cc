// With a journal in a file, what a publisher was told of is there after any end of the daemon.
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/files.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> journal_at(const std::string& path) {
  return {"journal.kind=sqlite", "journal.path=" + path, "drain.window_seconds=1"};
}

// A daemon with a journal in a directory of its own.
struct Kept {
  Files files;
  std::string path = files.root() + "/journal.db";
  RunningDaemon daemon{{.settings = journal_at(path)}};

  void end_and_start(bool killed) {
    if (killed) {
      daemon.kill();
    } else {
      CHECK(daemon.stop() == 0);
    }
    daemon.start();
  }
};

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++count;
  }
  return count;
}

TEST_CASE("a stream resumes over a restart as if there had been none") {
  const bool killed = GENERATE(false, true);
  CAPTURE(killed);
  Kept kept;
  RunningDaemon& daemon = kept.daemon;
  const std::string first = daemon.publish("a", "1");
  daemon.publish("a", "2");
  daemon.publish("b", "other");
  const std::string third = daemon.publish("a", "3");
  kept.end_and_start(killed);

  Subscriber subscriber = daemon.subscribe("/events?topic=a", {.last_event_id = first});
  CHECK(subscriber.next_published().data == "2");
  const SseMessage last = subscriber.next_published();
  CHECK(last.data == "3");
  CHECK(last.last_event_id == third);
  const std::string fourth = daemon.publish("a", "4");
  const SseMessage live = subscriber.next_published();
  CHECK(live.data == "4");
  CHECK(live.last_event_id == fourth);
  CHECK(fourth != third);

  CHECK(daemon.metric("crier_journal_loaded_events") == 4);
  CHECK(daemon.metric("crier_journal_holes") == 0);
  CHECK(wait_until(kPatienceMs, [&] {  // A reading may be half a second old.
    return daemon.metric("crier_journal_events_total") == 1;
  }));
  const auto status = nlohmann::json::parse(daemon.admin_get("/status").body);
  CHECK(status.at("journal_bytes") > 1'000);
}

TEST_CASE("a key that is sent again after a restart gets the first answer") {
  const bool killed = GENERATE(false, true);
  CAPTURE(killed);
  Kept kept;
  const std::string key = "Idempotency-Key: order-1\r\n";
  const auto publish = [&](const std::string& body) {
    return kept.daemon.publish_request("POST /topics/a", body, key);
  };
  const HttpAnswer first = publish("1");
  REQUIRE(first.status == 202);
  kept.end_and_start(killed);
  const HttpAnswer again = publish("1");
  CHECK(again.status == 202);
  CHECK(again.body == first.body);
  CHECK(publish("2").status == 422);
  Subscriber subscriber = kept.daemon.subscribe("/events?topic=a&from=earliest");
  CHECK(subscriber.next_published().data == "1");
  CHECK_FALSE(subscriber.try_next(50).has_value());
}

TEST_CASE("a drain answers what is being committed, and only that is there afterwards") {
  constexpr std::size_t kRequests = 1'000;
  Kept kept;
  RunningDaemon& daemon = kept.daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  RawSocket publisher = daemon.connect_publisher();
  std::string requests;
  for (std::size_t i = 0; i < kRequests; ++i) requests += request_text("POST /topics/a", "x");
  publisher.send(requests);
  REQUIRE(publisher.read_more());  // Some are answered, others wait for their commit.
  daemon.signal(SIGTERM);
  const std::string answers = publisher.read_to_end();
  CHECK(daemon.wait_for_exit() == 0);
  const std::size_t accepted = count_of(answers, "HTTP/1.1 202 ");
  CHECK(accepted > 0);
  CHECK(accepted + count_of(answers, "HTTP/1.1 503 ") == count_of(answers, "HTTP/1.1 "));

  std::size_t delivered = 0;
  while (subscriber.next().event != "crier.end") ++delivered;
  CHECK(delivered == accepted);
  daemon.start();
  CHECK(daemon.metric("crier_journal_loaded_events") == static_cast<double>(accepted));
}

TEST_CASE("a journal is one daemon's") {
  const Kept kept;
  const auto failed = RunningDaemon::run_to_exit(journal_at(kept.path));
  INFO(failed.output);
  CHECK(failed.code == 1);
  CHECK(failed.output.find("the journal " + kept.path +
                           " is in use by another process: stop that "
                           "one, or give each daemon a journal.path of its own") !=
        std::string::npos);
  kept.daemon.publish("a", "undisturbed");
}

TEST_CASE("without a path the journal is in the user's state directory, which is made") {
  const Files files;
  RunningDaemon daemon({.settings = {"journal.kind=sqlite", "drain.window_seconds=0"},
                        .environment = {"STATE_DIRECTORY=" + files.root() + "/state/crier"}});
  daemon.publish("a", "1");
  const fs::path path = files.root() + "/state/crier/journal.db";
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(fs::status(path.parent_path()).permissions() == fs::perms::owner_all);
  daemon.signal(SIGHUP);  // The path it chose is not one that has changed.
  CHECK(daemon.wait_for_output("reloaded applied=0 pending=0"));
}

// How many descriptors of a thread are the journal's.
std::size_t journal_descriptors(const fs::path& thread, const std::string& path) {
  std::size_t found = 0;
  for (const auto& entry : fs::directory_iterator(thread / "fd")) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone).string().starts_with(path)) ++found;
  }
  return found;
}

TEST_CASE("no worker with a table of its own has the journal open") {
  if (!own_tables_may_be_tested()) return;
  const Files files;
  const std::string path = files.root() + "/journal.db";
  std::vector<std::string> settings = journal_at(path);
  settings.emplace_back("workers.own_descriptor_table=on");
  const RunningDaemon daemon({.settings = settings});
  daemon.publish("a", "1");
  std::size_t with = 0;
  std::size_t without = 0;
  for (const auto& thread :
       fs::directory_iterator("/proc/" + std::to_string(daemon.pid()) + "/task")) {
    ++(journal_descriptors(thread.path(), path) > 0 ? with : without);
  }
  CHECK(with >= 2);  // The control loop's and the journal's.
  CHECK(without == 2);
}

}  // namespace
}  // namespace crier::tests
