// `crier bench`: with a daemon of its own, and beside one that is held up while it measures.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// A run of `crier bench` in a folder for its files and for its daemon's, which it must remove.
class Bench {
 public:
  explicit Bench(std::vector<std::string> words) {
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
    std::filesystem::create_directory(folder_ + "/tmp");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // Processes that outlive the command become ours.
    words.insert(words.begin(), {crier_program(), "bench"});
    pid_ = ::fork();
    if (pid_ > 0) return;
    ::setenv("TMPDIR", (folder_ + "/tmp").c_str(), 1);
    if (::chdir(folder_.c_str()) != 0 || std::freopen("out", "w", stdout) == nullptr ||
        std::freopen("err", "w", stderr) == nullptr) {
      ::_exit(126);
    }
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execv(pointers.front(), pointers.data());
    ::_exit(127);
  }
  ~Bench() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    std::filesystem::remove_all(folder_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // The exit code; -1 if it does not end.
  int end() {
    int status = 0;
    const auto ended = [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; };
    if (!wait_until(4 * kPatienceMs, ended)) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void signal(int number) const { ::kill(pid_, number); }
  // Whether the log of the command's own daemon has `part`.
  bool daemon_says(const std::string& part) const {
    for (const auto& one : std::filesystem::directory_iterator(folder_ + "/tmp")) {
      if (text_of(one.path().string() + "/log").find(part) != std::string::npos) return true;
    }
    return false;
  }
  bool left_nothing() const { return std::filesystem::is_empty(folder_ + "/tmp"); }
  std::string file(const std::string& name) const { return text_of(folder_ + "/" + name); }
  std::string about() const { return file("err") + file("out").substr(0, 3'000); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  Json report() const { return Json::parse(file("out"), nullptr, false); }

 private:
  std::string folder_ = (std::filesystem::temp_directory_path() / "crier-test-XXXXXX").string();
  pid_t pid_ = -1;
};

TEST_CASE("bench measures a daemon of its own and leaves nothing behind", "[bench]") {
  Bench bench({"--streams", "60", "--rate", "50", "--ramp", "150", "--seconds", "1", "--topics",
               "all,user.%", "--json", "--html", "page.html"});
  REQUIRE(bench.end() == 0);
  const Json report = bench.report();
  INFO(bench.about());
  CHECK(bench.left_nothing());
  CHECK(report["opening"]["streams"] == 60);
  CHECK(report["deliveries"]["events"] == 100);
  CHECK(report["deliveries"]["received"] == 6'000);
  CHECK(report["deliveries"]["lost"] == 0);
  CHECK(report["latency_ms"]["p50"] > 0);
  CHECK(report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]);
  CHECK(report["server"]["started"] == true);
  CHECK_THAT(report["server"]["address"].dump(), !ContainsSubstring(":8080"));  // May be in use.
  CHECK(report["server"]["cpu_seconds"] > 0);
  CHECK(report["server"]["memory_bytes_open"] > 1'000'000);
  CHECK(report["publisher"]["requests_per_connection"] == 100);
  std::uint64_t delivered = 0;
  for (const Json& slice : report["slices"]) {
    for (const Json& cell : slice["heat"]) delivered += cell.get<std::uint64_t>();
  }
  CHECK(delivered == 6'000);
  CHECK(report["slices"].front()["events_per_second"] <
        report["slices"].back()["events_per_second"]);

  Bench comparison({"--compare", bench.path("page.html"), bench.path("out")});
  CHECK(comparison.end() == 0);
  const std::string table = comparison.file("out");
  CHECK_THAT(table, ContainsSubstring("latency p99") && ContainsSubstring("1.00"));
  CHECK_THAT(table, !ContainsSubstring("differ"));
}

TEST_CASE("bench counts streams without room as refused, and says so with its exit code",
          "[bench]") {
  Bench bench({"--streams", "50", "--rate", "10", "--seconds", "1", "--set",
               "limits.streams_max=20", "--json"});
  CHECK(bench.end() == 1);
  const Json report = bench.report();
  INFO(bench.about());
  CHECK(report["opening"]["streams"] == 20);
  CHECK(report["opening"]["refused"] == 30);
  CHECK(report["opening"]["first_refusal"] == "HTTP/1.1 200 OK, crier.busy, streams_max");
  CHECK(report["deliveries"]["received"] == 200);
  CHECK(report["faults"] == Json::array({"30 streams refused"}));
}

TEST_CASE("bench charges a server that stands still with every event that was due", "[bench]") {
  RunningDaemon daemon({.settings = {"http.hosts=events.example"}});
  // One request at a time: the publisher is held up together with the server.
  Bench bench({"--to", "http://" + daemon.address() + ":8080", "--publish-socket",
               daemon.publish_path(), "--streams", "20", "--rate", "100", "--seconds", "2",
               "--reuse", "1", "--json"});
  REQUIRE(
      wait_until(kPatienceMs, [&] { return daemon.metric("crier_events_published_total") >= 20; }));
  daemon.signal(SIGSTOP);
  ::poll(nullptr, 0, 500);
  daemon.signal(SIGCONT);
  CHECK(bench.end() == 0);
  const Json report = bench.report();
  INFO(bench.about());
  CHECK(report["deliveries"]["received"] == 4'000);
  CHECK(report["deliveries"]["out_of_order"] == 0);
  CHECK(report["publisher"]["connections"] == 200);
  CHECK(report["server"]["started"] == false);
  CHECK(report["server"]["cpu_seconds"] > 0);
  // A quarter of the events were due while it stood still; one of 100 was on its way.
  CHECK(report["latency_ms"]["p90"] > 100);
}

TEST_CASE("Ctrl-C ends bench with its processes, and the report so far is printed", "[bench]") {
  Bench bench({"--streams", "20", "--rate", "50", "--seconds", "600"});
  REQUIRE(wait_until(kPatienceMs, [&] { return bench.daemon_says(" ready "); }));
  ::poll(nullptr, 0, 700);
  bench.signal(SIGINT);
  CHECK(bench.end() == 0);
  INFO(bench.about());
  CHECK_THAT(bench.file("out"),
             ContainsSubstring("interrupted") && ContainsSubstring("wrong       nothing"));
  CHECK(bench.left_nothing());
  CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
}

TEST_CASE("bench finds the highest rate that the server accepts in time", "[bench]") {
  Bench bench({"--streams", "5", "--rate", "200", "--seconds", "1", "--find", "2000", "--set",
               "publish.rate=300", "--set", "publish.burst=100", "--json"});
  const int code = bench.end();
  const Json report = bench.report();
  INFO(bench.about());
  CHECK(code == (report["faults"].empty() ? 0 : 1));  // The burst may be used up by the last run.
  // 800 a second are 400 in a run of half a second, of which the server takes at most 250. A busy
  // machine publishes late and then more at once, but 100 at once are always taken.
  CHECK(report["plan"]["rate"] > 200);
  CHECK(report["plan"]["rate"] < 800);
  CHECK(report["search"].size() >= 3);
  for (std::size_t i = 0; i < report["search"].size(); ++i) {  // One slow run bounds nothing.
    const Json& probe = report["search"][i];
    if (probe["repeated"] != true) continue;
    CHECK(report["search"][i - 1]["rate"] == probe["rate"]);
    CHECK(report["search"][i - 1]["fast"] == false);
  }
  CHECK(report["search"].dump().find("\"repeated\":true") != std::string::npos);
}

TEST_CASE("bench reports what there was when the daemon goes away", "[bench]") {
  RunningDaemon daemon;
  Bench bench({"--to", "http://" + daemon.address() + ":8080", "--publish-socket",
               daemon.publish_path(), "--streams", "5", "--rate", "100", "--seconds", "600",
               "--json"});
  REQUIRE(
      wait_until(kPatienceMs, [&] { return daemon.metric("crier_events_published_total") >= 20; }));
  daemon.kill();
  CHECK(bench.end() == 1);
  INFO(bench.about());
  CHECK(bench.report()["deliveries"]["received"] >= 90);
  CHECK_THAT(bench.report()["faults"].dump(), ContainsSubstring("the publish connection broke"));
}

TEST_CASE("bench measures over IPv6, and finds the process behind a socket that another opened",
          "[bench]") {
  const std::string folder = (std::filesystem::temp_directory_path() / random_address()).string();
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/publish.sock";
  // This process listens, as a service manager does, and passes the socket on.
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 16) == 0);
  const std::string port = std::to_string(20'000 + ::getpid() % 10'000);
  {
    RunningDaemon daemon({.settings = {"http.listen=[::1]:" + port},
                          .publish_path = path,
                          .passed = {{.fd = listener, .name = "publish"}}});
    Bench bench({"--to", "http://[::1]:" + port, "--publish-socket", path, "--streams", "20",
                 "--rate", "50", "--seconds", "1", "--json"});
    CHECK(bench.end() == 0);
    const Json report = bench.report();
    INFO(bench.about());
    CHECK(report["deliveries"]["received"] == 1'000);
    CHECK(report["server"]["address"] == "[::1]:" + port);
    CHECK(report["server"]["cpu_seconds"] > 0);
    const double resident = report["server"]["memory_bytes_open"];
    std::ifstream statm("/proc/" + std::to_string(daemon.pid()) + "/statm");
    double pages = 0;
    REQUIRE(statm >> pages >> pages);
    CHECK(resident == Approx(pages * static_cast<double>(::sysconf(_SC_PAGESIZE))).epsilon(0.2));
  }
  ::close(listener);
  std::filesystem::remove_all(folder);
}

TEST_CASE("bench refuses a plan whose events have no room in memory", "[bench]") {
  Bench bench({"--topics", "user.%", "--streams", "100000", "--size", "100000"});
  CHECK(bench.end() == 2);
  CHECK_THAT(bench.file("err"), ContainsSubstring("lower --streams or --size"));
}

TEST_CASE("bench puts no load on another machine unless told to", "[bench]") {
  Bench bench({"--to", "http://192.0.2.1:8080", "--publish-socket", "/nowhere"});
  CHECK(bench.end() == 1);
  CHECK_THAT(bench.file("err"), ContainsSubstring("--remote"));
}

}  // namespace
}  // namespace crier::tests
