// What a service manager hands over and is told: listening sockets that outlive the daemon, and its
// state.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"
#include "tests/support/stopped_thread.h"

namespace crier::tests {
namespace {

namespace fs = std::filesystem;

// The part of systemd that a daemon meets: sockets it holds, and where it listens for messages.
class ServiceManager {
 public:
  ServiceManager() {
    char name[] = "/tmp/crier-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    notify_ = bound_unix("notify", SOCK_DGRAM);
  }
  ~ServiceManager() {
    for (const PassedSocket& one : passed_) ::close(one.fd);
    ::close(notify_);
    fs::remove_all(directory_);
  }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void open_http(int count) {
    for (int i = 0; i < count; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const int on = 1;
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
      if (count > 1) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(RunningDaemon::kPort);
      REQUIRE(::inet_pton(AF_INET, address_.c_str(), &address.sin_addr) == 1);
      REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
      REQUIRE(::listen(fd, 64) == 0);
      hold(fd, "http");
    }
  }
  void open_publish() {
    const int fd = bound_unix("publish.sock", SOCK_STREAM);
    REQUIRE(::listen(fd, 64) == 0);
    hold(fd, "publish");
  }
  void hold(int fd, const std::string& name) { passed_.push_back({fd, name}); }
  const std::vector<PassedSocket>& passed() const { return passed_; }

  DaemonOptions options(std::vector<std::string> settings = {}) const {
    const bool publish = fs::exists(directory_ + "/publish.sock");
    return {.settings = std::move(settings),
            .address = address_,
            .publish_path = publish ? directory_ + "/publish.sock" : "",
            .passed = passed_,
            .environment = {"NOTIFY_SOCKET=" + directory_ + "/notify"}};
  }

  // Every message so far, each with a line end.
  std::string heard(int wait_ms = 0) {
    pollfd poll{notify_, POLLIN, 0};
    while (::poll(&poll, 1, wait_ms) > 0) {
      std::string text(1'000, '\0');
      const ssize_t got = ::recv(notify_, text.data(), text.size(), MSG_DONTWAIT);
      if (got > 0) heard_ += text.substr(0, static_cast<std::size_t>(got)) + "\n";
    }
    return heard_;
  }
  bool hears(const std::string& part) {
    for (int waited = 0; waited < kPatienceMs; waited += 20) {
      if (heard(20).find(part) != std::string::npos) return true;
    }
    return false;
  }
  void fill_queue() {
    sockaddr_un to{};
    socklen_t size = sizeof(to);
    REQUIRE(::getsockname(notify_, reinterpret_cast<sockaddr*>(&to), &size) == 0);
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    while (::sendto(fd, "x", 1, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), size) == 1) {
    }
    ::close(fd);
  }
  void forget() {
    heard();
    heard_.clear();
  }

 private:
  int bound_unix(const std::string& name, int type) const {
    const int fd = ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory_ + "/" + name).copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    return fd;
  }

  std::string address_ = random_address();
  std::string directory_;
  int notify_ = -1;
  std::vector<PassedSocket> passed_;
  std::string heard_;
};

// How many descriptors of the daemon, in all of its threads' tables, are this test's socket. Tables
// that threads share count once for each thread.
std::map<pid_t, int> copies_of(int fd, pid_t daemon) {
  const auto target = [](const std::string& path) {
    std::error_code none;
    return fs::read_symlink(path, none).string();
  };
  const std::string wanted = target("/proc/self/fd/" + std::to_string(fd));
  std::map<pid_t, int> copies;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(daemon) + "/task")) {
    const auto thread = static_cast<pid_t>(std::stoi(task.path().filename()));
    for (const auto& one : fs::directory_iterator(task.path() / "fd")) {
      if (target(one.path()) == wanted) ++copies[thread];
    }
  }
  return copies;
}

// How often the workers' threads of a daemon have gone to sleep.
std::uint64_t worker_sleeps(pid_t daemon) {
  std::uint64_t sleeps = 0;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(daemon) + "/task")) {
    std::ifstream status(task.path() / "status");
    bool worker = false;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Name:\tcrier-w")) worker = true;
      constexpr std::string_view kSleeps = "voluntary_ctxt_switches:";
      if (worker && line.starts_with(kSleeps)) sleeps += std::stoul(line.substr(kSleeps.size()));
    }
  }
  return sleeps;
}

}  // namespace

TEST_CASE("sockets that were passed are served, shared or one for each worker") {
  const int sockets = GENERATE(1, 2);
  INFO(sockets << " sockets");
  ServiceManager manager;
  manager.open_http(sockets);
  manager.open_publish();
  const RunningDaemon daemon(manager.options());
  std::vector<Subscriber> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(daemon.subscribe("/events/a"));
    REQUIRE(all.back().next().event == "crier.open");
  }
  daemon.publish("a", "hello");
  for (Subscriber& one : all) CHECK(one.next().data == "hello");
  CHECK(daemon.output().find("publish=" + daemon.publish_path()) != std::string::npos);
}

TEST_CASE("workers that share a socket take turns at it") {
  constexpr int kWorkers = 8;
  constexpr int kStreams = 20 * kWorkers;
  ServiceManager manager;
  manager.open_http(1);
  DaemonOptions options = manager.options({"admin.debug=true"});
  options.workers = kWorkers;
  const RunningDaemon daemon(options);
  std::vector<Subscriber> all;
  const std::uint64_t before = worker_sleeps(daemon.pid());
  for (int i = 0; i < kStreams; ++i) {
    all.push_back(daemon.subscribe("/events/a"));
    REQUIRE(all.back().next().event == "crier.open");
  }
  // Were all woken for each connection, it would be more than kWorkers times as many.
  CHECK(worker_sleeps(daemon.pid()) - before < std::uint64_t{kStreams} * kWorkers / 2);
  const auto page = nlohmann::json::parse(daemon.admin_get("/debug/workers").body);
  REQUIRE(page["workers"].size() == kWorkers);
  for (const auto& worker : page["workers"]) {
    CHECK(worker["streams"] >= 10);
    CHECK(worker["streams"] <= 40);
  }
}

TEST_CASE("a worker without descriptors leaves a shared socket to the others") {
  ServiceManager manager;
  manager.open_http(1);
  DaemonOptions options = manager.options();
  options.failing = {SYS_accept4, EMFILE, /*value=*/3, /*argument=*/0};  // The first worker's copy.
  const RunningDaemon daemon(options);
  std::vector<Subscriber> all;
  const std::uint64_t before = worker_sleeps(daemon.pid());
  for (int i = 0; i < 40; ++i) {
    all.push_back(daemon.subscribe("/events/a"));
    REQUIRE(all.back().next().event == "crier.open");
  }
  ::poll(nullptr, 0, 1'000);
  CHECK(worker_sleeps(daemon.pid()) - before < 1'000);
  CHECK(daemon.admin_get("/readyz").status == 200);
}

TEST_CASE("who connects while the daemon restarts waits, and is served") {
  const int sockets = GENERATE(1, 2);
  INFO(sockets << " sockets");
  ServiceManager manager;
  manager.open_http(sockets);
  manager.open_publish();
  RunningDaemon daemon(manager.options());
  REQUIRE(daemon.subscribe("/events/a").next().event == "crier.open");
  CHECK(daemon.stop() == 0);
  std::vector<RawSocket> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(daemon.connect());
  RawSocket publisher = daemon.connect_publisher();
  daemon.start();
  std::vector<Subscriber> all;
  for (RawSocket& one : waiting) {
    all.emplace_back(std::move(one), "/events/a", SubscriberOptions{});
    CHECK(all.back().next().event == "crier.open");
  }
  publisher.send(request_text("POST /topics/a", "hello"));
  CHECK(publisher.read_answer().status == 202);
  for (Subscriber& one : all) CHECK(one.next().data == "hello");
}

TEST_CASE("who connects while the daemon drains is left to the next one") {
  ServiceManager manager;
  manager.open_http(1);
  RunningDaemon daemon(manager.options({"drain.window_seconds=2"}));
  // Does not read what it is owed, so the drain takes all of its window.
  Subscriber held = daemon.subscribe("/events/a", {.receive_buffer = 2'304});
  REQUIRE(held.next().event == "crier.open");
  for (int i = 0; i < 20; ++i) daemon.publish("a", std::string(100'000, 'x'));
  daemon.signal(SIGTERM);
  REQUIRE(daemon.wait_for_output("draining"));
  ::poll(nullptr, 0, 200);
  Subscriber waiting = daemon.subscribe("/events/a");
  REQUIRE(daemon.wait_for_exit() == 0);
  daemon.start();
  CHECK(waiting.next().event == "crier.open");
}

TEST_CASE("a passed socket is open in the tables that need it, and in no other") {
  if (!own_tables_may_be_tested()) return;
  const int sockets = GENERATE(1, 2);
  INFO(sockets << " sockets");
  ServiceManager manager;
  manager.open_http(sockets);
  manager.open_publish();
  const RunningDaemon daemon(manager.options({"workers.own_descriptor_table=on"}));
  const std::size_t holders = sockets == 1 ? 2 : 1;
  const auto publish = copies_of(manager.passed().back().fd, daemon.pid());
  CHECK(publish.count(daemon.pid()) == 1);
  for (int i = 0; i < sockets; ++i) {
    const auto copies = copies_of(manager.passed()[static_cast<std::size_t>(i)].fd, daemon.pid());
    CHECK(copies.size() == holders);
    CHECK(copies.count(daemon.pid()) == 0);
    for (const auto& [thread, count] : copies) {
      CHECK(count == 1);
      CHECK(publish.count(thread) == 0);
    }
  }
}

TEST_CASE("passed sockets are not steered, and that is said") {
  ServiceManager manager;
  manager.open_http(1);
  const RunningDaemon daemon(manager.options({"workers.affinity=auto", "workers.steering=cpu"}));
  CHECK(daemon.wait_for_output("warning workers.steering is not applied to the sockets"));
  CHECK(daemon.subscribe("/events/a").next().event == "crier.open");
}

TEST_CASE("what was passed by mistake is named") {
  ServiceManager manager;
  const std::vector<std::string> settings = {"workers.count=2"};
  std::string named;
  SECTION("three sockets for two workers") {
    manager.open_http(3);
    named = "3 sockets named http for 2 workers";
  }
  SECTION("a name crier does not know") {
    manager.hold(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "web");
    named = "\"web\"";
  }
  SECTION("a datagram socket") {
    manager.hold(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "http");
    named = "not a TCP socket";
  }
  SECTION("a TCP socket without a port") {
    manager.hold(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "http");
    named = "no port";
  }
  SECTION("TCP sockets of two addresses") {
    manager.open_http(2);
    const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::listen(other, 8) == 0);  // Binds it to a port of the kernel's choice.
    manager.hold(other, "http");
    named = "different addresses";
  }
  SECTION("a Unix socket that no file's mode protects") {
    const int unnamed = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;  // The kernel chooses an abstract name.
    REQUIRE(::bind(unnamed, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);
    REQUIRE(::listen(unnamed, 8) == 0);
    manager.hold(unnamed, "publish");
    named = "that has no file";
  }
  const auto failed = RunningDaemon::run_to_exit(settings, {}, manager.passed());
  INFO(failed.output);
  CHECK(failed.code == 1);
  CHECK(failed.output.find(named) != std::string::npos);
  CHECK(failed.output.find("FileDescriptorName=") != std::string::npos);
}

TEST_CASE("the service manager is told what goes on") {
  ServiceManager manager;
  RunningDaemon daemon(manager.options());
  CHECK(manager.hears("READY=1"));
  CHECK(manager.hears("STATUS=serving 0 of 10,000 streams"));
  manager.forget();
  daemon.signal(SIGHUP);
  CHECK(manager.hears("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.hears("READY=1"));
  CHECK(manager.heard().find("WATCHDOG=1") == std::string::npos);
  manager.forget();
  CHECK(daemon.stop() == 0);
  CHECK(manager.hears("STOPPING=1\nEXTEND_TIMEOUT_USEC="));
  CHECK(manager.hears("STATUS=draining: 0 streams left"));
}

TEST_CASE("a service manager that does not read keeps nobody waiting") {
  ServiceManager manager;
  RunningDaemon daemon(manager.options());
  CHECK(manager.hears("READY=1"));
  manager.fill_queue();
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  CHECK(daemon.admin_get("/healthz").status == 200);
  daemon.publish("a", "1");
  manager.forget();
  CHECK(manager.hears("READY=1"));  // As soon as there is room.
  manager.fill_queue();
  CHECK(daemon.stop() == 0);
}

TEST_CASE("the watchdog is fed while every worker turns, and only then") {
  ServiceManager manager;
  DaemonOptions options = manager.options();
  options.environment.push_back("WATCHDOG_USEC=400000");
  RunningDaemon daemon(options);
  CHECK(manager.hears("WATCHDOG=1\nWATCHDOG=1\nWATCHDOG=1"));
  {
    const StoppedThread stopped(last_thread(daemon.pid()));
    if (!stopped.stopped()) return;
    ::poll(nullptr, 0, 300);
    manager.forget();
    ::poll(nullptr, 0, 600);
    CHECK(manager.heard().find("WATCHDOG=1") == std::string::npos);
  }
  CHECK(manager.hears("WATCHDOG=1"));
}

}  // namespace crier::tests
