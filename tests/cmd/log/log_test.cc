#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cmd/log/connection_log.h"
#include "cmd/log/log_sink.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using config::LogFormat;

TEST_CASE("standard error gets one line each, with time or priority") {
  const auto written = [](bool journal, Level lowest, LogFormat format = LogFormat::text) {
    // run_command() is not used: the sink is not a command.
    char name[] = "/tmp/crier-test-XXXXXX";
    const int file = ::mkstemp(name);
    const int saved = ::dup(2);
    ::dup2(file, 2);
    {
      StderrLog log(lowest, format, journal);
      log.debug("quiet");
      log.warning("odd {}", {{"what", "a\nb"}});
      log.set_level(Level::error);
      log.warning("not shown");
      log.unfiltered().debug("asked for");
    }
    ::dup2(saved, 2);
    ::close(saved);
    char room[1000];
    const auto size = ::pread(file, room, sizeof(room), 0);
    ::close(file);
    ::unlink(name);
    return std::string(room, static_cast<std::size_t>(size));
  };
  const std::string asked = "<7>debug asked for\n";
  CHECK(written(true, Level::info) == "<4>warning odd {} what=\"a\\nb\"\n" + asked);
  CHECK(written(true, Level::debug) ==
        "<7>debug quiet\n<4>warning odd {} what=\"a\\nb\"\n" + asked);
  const std::string timed = written(false, Level::info);
  REQUIRE(timed.size() > 25);
  CHECK(timed.substr(0, 2) == "20");
  CHECK(timed.substr(10, 1) == "T");
  CHECK(timed.substr(23, 31) == "Z warning odd {} what=\"a\\nb\"\n20");
  // The other formats have the time even if the journal adds it.
  const std::string line = written(true, Level::info, LogFormat::json);
  CHECK(line.substr(0, 11) == "<4>{\"ts\":\"2");
  CHECK(line.find(R"("level":"warning","msg":"odd {}","what":"a\nb"})") != std::string::npos);
  const std::string logfmt = written(true, Level::info, LogFormat::logfmt);
  CHECK(logfmt.substr(0, 7) == "<4>ts=2");
  CHECK(logfmt.find(R"(level=warning msg="odd {}" what="a\nb")") != std::string::npos);
}

TEST_CASE("of a repeated message a few lines are written and the rest counted") {
  RecordingSink out;
  RepeatLimit log(out, 2);
  log.tick(at_ms(0));
  for (int i = 0; i < 4'323; ++i) log.warning("inbox full", {{"i", i}});
  log.info("something else");
  CHECK(out.lines == std::vector<std::string>{"warning inbox full i=0", "warning inbox full i=1",
                                              "info something else"});
  out.lines.clear();
  log.tick(at_ms(999));
  CHECK(out.lines.empty());
  log.tick(at_ms(1'000));
  CHECK(out.lines == std::vector<std::string>{"warning inbox full (x 4,321 more)"});
  out.lines.clear();
  log.warning("inbox full");
  CHECK(out.lines == std::vector<std::string>{"warning inbox full"});
  log.tick(at_ms(2'000));
  CHECK(out.lines.size() == 1);
}

TEST_CASE("many different messages take bounded room") {
  RecordingSink out;
  RepeatLimit log(out, 1);
  for (int i = 0; i < 1'000; ++i) log.info("message " + std::to_string(i));
  CHECK(out.lines.size() == RepeatLimit::kMessagesMax + 1);
  log.flush();
  CHECK(out.lines.back() == "info other messages (x 935 more)");
}

TEST_CASE("thousands are set apart") {
  CHECK(with_thousands(0) == "0");
  CHECK(with_thousands(999) == "999");
  CHECK(with_thousands(1'000) == "1,000");
  CHECK(with_thousands(123'456) == "123,456");
  CHECK(with_thousands(1'234'567'890) == "1,234,567,890");
}

TEST_CASE("streams are logged one by one while there are few") {
  RecordingSink out;
  ConnectionLog log(out, 2);
  log.opened({"s1", "t1", "192.0.2.1:5", "a,b", true}, at_ms(5'000));
  log.ended({"s1", "t1", "192.0.2.1:5", "a,b", "client-closed", 10, 2, 1'234'567}, at_ms(5'500));
  CHECK(out.lines ==
        std::vector<std::string>{
            "debug stream opened session_id=s1 trace_id=t1 address=192.0.2.1:5 topics=a,b "
            "resumed=true",
            "debug stream ended session_id=s1 trace_id=t1 address=192.0.2.1:5 topics=a,b "
            "reason=client-closed duration_ms=1234 events=2 wire_size_bytes=10"});
}

TEST_CASE("beyond the limit streams are summed up by reason, a line a second") {
  RecordingSink out;
  ConnectionLog log(out, 1);
  for (int i = 0; i < 4; ++i) log.opened({"s", "t", "p", "a", i % 2 == 1}, at_ms(2'000));
  for (int i = 0; i < 3; ++i) log.ended({"s", "t", "p", "a", "overflow", 1, 1, 1}, at_ms(2'500));
  log.ended({"s", "t", "p", "a", "drain", 1, 1, 1}, at_ms(2'999));
  CHECK(out.lines.size() == 1);
  const std::string summary =
      "debug streams not logged individually opened=3 resumed=2 ended=4 ended_overflow=3 "
      "ended_drain=1";
  SECTION("when the timer says so") {
    log.tick(at_ms(3'000));
  }
  SECTION("before the next stream") {
    log.opened({"s", "t", "p", "a", false}, at_ms(3'100));
    REQUIRE(out.lines.size() == 3);
    out.lines.pop_back();
  }
  SECTION("at the end") {
    log.flush();
  }
  REQUIRE(out.lines.size() == 2);
  CHECK(out.lines[1] == summary);
  log.flush();
  CHECK(out.lines.size() == 2);
}

TEST_CASE("a limit of zero leaves only the summaries, and it can change") {
  RecordingSink out;
  ConnectionLog log(out, 0);
  log.opened({"s", "t", "p", "a", false}, at_ms(1'000));
  CHECK(out.lines.empty());
  log.set_lines_per_second(1);
  log.opened({"s", "t", "p", "a", false}, at_ms(1'100));
  CHECK(out.lines.size() == 1);
}

}  // namespace
}  // namespace crier::cmd
