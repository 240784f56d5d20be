// Workers' threads: their names, the processors they are pinned to, and connections steered to the
// worker where they arrive.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/text/cpu_list.h"
#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

std::vector<unsigned> own_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> numbers;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return numbers;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) numbers.push_back(i);
  }
  return numbers;
}

// Where each thread may run, the main thread's first.
std::vector<std::string> masks_of(pid_t pid) {
  std::vector<std::string> masks;
  std::set<int> threads;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    threads.insert(std::stoi(entry.path().filename()));
  }
  for (const int thread : threads) {
    std::ifstream status(tasks + "/" + std::to_string(thread) + "/status");
    const std::string key = "Cpus_allowed_list:\t";
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(key)) masks.push_back(line.substr(key.size()));
    }
  }
  return masks;
}

// The processors of the workers as /debug/workers has them.
std::vector<unsigned> places_of(const RunningDaemon& daemon) {
  std::vector<unsigned> places;
  const Json page = Json::parse(daemon.admin_get("/debug/workers").body);
  for (const Json& worker : page.at("workers")) {
    if (!worker.at("processor").is_null()) places.push_back(worker.at("processor"));
  }
  return places;
}

// No pinned thread but `places`, in any order; sanitizers have threads of their own.
void check_masks(const RunningDaemon& daemon, const std::vector<unsigned>& places) {
  const auto own = own_processors();
  const auto masks = masks_of(daemon.pid());
  REQUIRE_FALSE(masks.empty());
  CHECK(parse_cpu_list(masks.front()) == own);
  std::multiset<unsigned> pinned;
  for (const std::string& mask : masks) {
    const auto numbers = parse_cpu_list(mask);
    REQUIRE(numbers);
    if (numbers->size() == 1 && own.size() > 1) pinned.insert(numbers->front());
  }
  if (own.size() > 1) CHECK(pinned == std::multiset<unsigned>(places.begin(), places.end()));
}

TEST_CASE("each thread has a name that tells whose it is") {
  const RunningDaemon daemon({.workers = 3});
  std::multiset<std::string> names;
  const std::string tasks = "/proc/" + std::to_string(daemon.pid()) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm") >> std::ws, name);
    names.insert(name);
  }
  CHECK(names.count("crier") >= 1);  // Sanitizers have threads of their own.
  for (const char* name : {"crier-w0", "crier-w1", "crier-w2"}) {
    INFO(name);
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("each worker is pinned to the processor that is told, the main thread to none") {
  const auto own = own_processors();
  const RunningDaemon daemon(
      {.settings = {"workers.affinity=auto", "admin.debug=true"}, .workers = 3});
  const auto places = places_of(daemon);
  REQUIRE(places.size() == 3);
  check_masks(daemon, places);
  if (own.size() <= 2) {
    for (std::size_t i = 0; i < 3; ++i) CHECK(places[i] == own[i % own.size()]);
    CHECK(daemon.output().find("lower workers.count") != std::string::npos);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string line = "worker pinned worker=" + std::to_string(i) +
                             " processor=" + std::to_string(places[i]) + " node=";
    CHECK(daemon.output().find(line) != std::string::npos);
  }
  auto subscriber = daemon.subscribe("/events/a");
  CHECK(subscriber.next().event == "crier.open");
  daemon.publish("a", "hello");
  CHECK(subscriber.next().data == "hello");
}

TEST_CASE("a list is followed, off pins nobody") {
  const auto own = own_processors();
  const std::string last = std::to_string(own.back());
  const RunningDaemon listed(
      {.settings = {"workers.affinity=" + last, "admin.debug=true"}, .workers = 1});
  CHECK(places_of(listed) == std::vector{own.back()});
  check_masks(listed, {own.back()});
  const RunningDaemon off({.settings = {"workers.affinity=off", "admin.debug=true"}});
  CHECK(places_of(off).empty());
  check_masks(off, {});
}

TEST_CASE("a processor that may not be used is refused at the start") {
  const auto failed = RunningDaemon::run_to_exit({"workers.affinity=8191"});
  INFO(failed.output);
  CHECK(failed.code == 78);
  CHECK(failed.output.find(
            "workers.affinity lists 8191, but the processors that crier may use are ") !=
        std::string::npos);
}

TEST_CASE("a kernel that pins nobody stops a list, and auto only warns") {
  const FailingCall call{SYS_sched_setaffinity, EPERM};
  const std::string told = "cannot pin a worker to processor ";
  const RunningDaemon wish(
      {.settings = {"workers.affinity=auto", "workers.steering=cpu", "admin.debug=true"},
       .failing = call});
  CHECK(wish.wait_for_output("warning a worker is not pinned worker=1 why=\"" + told));
  CHECK(places_of(wish).empty());
  CHECK_FALSE(wish.publish("a", "hello").empty());

  const std::string own = std::to_string(own_processors().front());
  const auto order = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.249:8080", "admin.listen=127.255.255.249:8081",
       "publish.socket=/tmp/crier-refused/publish.sock", "limits.streams_max=1000",
       "workers.affinity=" + own},
      call);
  INFO(order.output);
  CHECK(order.code == 1);
  CHECK(order.output.find(told + own) != std::string::npos);
  CHECK(order.output.find("workers.affinity to off") != std::string::npos);
}

// Over loopback packets arrive where they are sent.
void pin_self(const std::vector<unsigned>& numbers) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned number : numbers) CPU_SET(number, &set);
  REQUIRE(::sched_setaffinity(0, sizeof(set), &set) == 0);
}

std::vector<std::uint64_t> accepted_by(const RunningDaemon& daemon) {
  std::vector<std::uint64_t> accepted;
  const Json page = Json::parse(daemon.admin_get("/debug/workers").body);
  for (const Json& worker : page.at("workers")) {
    accepted.push_back(worker.at("connections_accepted"));
  }
  return accepted;
}

bool kernel_steers() {
  utsname system{};
  REQUIRE(::uname(&system) == 0);
  int major = 0;
  int minor = 0;
  REQUIRE(std::sscanf(system.release, "%d.%d", &major, &minor) == 2);
  return std::pair(major, minor) >= std::pair(6, 2);
}

TEST_CASE("a steered connection comes to the worker of the processor it arrives on") {
  const auto own = own_processors();
  if (own.size() < 2 || !kernel_steers()) {
    WARN("not shown: it takes two processors, and Linux 6.2");
    return;
  }
  constexpr std::uint64_t kStreams = 20;  // By the hash, one in a million would look like this.
  const RunningDaemon daemon(
      {.settings = {"workers.affinity=auto", "workers.steering=cpu", "admin.debug=true"},
       .workers = 2});
  const auto places = places_of(daemon);
  REQUIRE(places.size() == 2);
  std::vector<std::uint64_t> wanted = accepted_by(daemon);
  for (std::size_t worker = 0; worker < 2; ++worker) {
    pin_self({places[worker]});
    std::vector<Subscriber> subscribers;
    for (std::uint64_t i = 0; i < kStreams; ++i) {
      subscribers.push_back(daemon.subscribe("/events/a"));
      CHECK(subscribers.back().next().event == "crier.open");
    }
    pin_self(own);
    wanted[worker] += kStreams;
    CHECK(accepted_by(daemon) == wanted);
  }
}

}  // namespace
}  // namespace crier::tests
