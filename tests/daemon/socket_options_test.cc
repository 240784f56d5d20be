// Socket options of subscribers: new ones at SIGHUP, for new connections, all or a canary's share.
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "tests/daemon/socket_table.h"
#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr std::uint32_t kOldBytes = 20 * 1024;
constexpr std::uint32_t kNewBytes = 40 * 1024;

std::string configuration(std::uint32_t send_buffer_bytes, int percent,
                          const std::string& congestion_control = "") {
  return R"({"reload": {"canary_percent": )" + std::to_string(percent) +
         R"(}, "socket": {"send_buffer_bytes": )" + std::to_string(send_buffer_bytes) +
         R"(, "congestion_control": ")" + congestion_control + R"("}})";
}

class Streams {
 public:
  explicit Streams(RunningDaemon& daemon) : daemon_(daemon) {}

  // Opens so many streams and says how many bytes each one's socket may hold, in order.
  std::vector<std::uint32_t> open(int count) {
    std::vector<std::uint32_t> bytes;
    for (int i = 0; i < count; ++i) {
      const Sockets before = sockets();
      open_.push_back(daemon_.subscribe("/events?topic=a"));
      REQUIRE(open_.back().next().event == "crier.open");
      for (const auto& [port, socket] : sockets()) {
        if (!before.contains(port)) bytes.push_back(socket.send_buffer_bytes / 2);
      }
    }
    REQUIRE(bytes.size() == static_cast<std::size_t>(count));
    return bytes;
  }
  void close() { open_.clear(); }

  using Sockets = std::map<std::uint16_t, DaemonSocket>;
  Sockets sockets() const {
    return accepted_sockets(daemon_.address(), RunningDaemon::kPort).value();
  }

 private:
  RunningDaemon& daemon_;
  std::vector<Subscriber> open_;
};

// Returns when every worker has done so.
void reload(RunningDaemon& daemon, const std::string& text, const std::string& said) {
  daemon.write_configuration(text);
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output(said));
  daemon.publish("a", "1");
  REQUIRE(daemon.publish_request("GET /topics/a", "").status == 200);  // Each worker is asked.
  CHECK(daemon.admin_get("/readyz").status == 200);
}

bool shows(const RunningDaemon& daemon, const std::string& sample) {
  return wait_until(kPatienceMs, [&] {
    return daemon.admin_get("/metrics").body.find("\n" + sample + "\n") != std::string::npos;
  });
}

bool kernel_tells() {
  return accepted_sockets("127.0.0.1", 1).has_value();
}

using Bytes = std::vector<std::uint32_t>;

TEST_CASE("a reload gives new connections the new socket options, and leaves the old alone") {
  if (!kernel_tells()) return;
  RunningDaemon daemon({.configuration = configuration(kOldBytes, 100)});
  Streams streams(daemon);
  CHECK(streams.open(2) == Bytes{kOldBytes, kOldBytes});
  const Streams::Sockets old = streams.sockets();

  reload(daemon, configuration(kNewBytes, 100, "reno"),
         "reload: all new connections get the new socket options");
  CHECK(daemon.output().find("reload: applied key=socket.send_buffer_bytes from=20480 to=40960") !=
        std::string::npos);
  CHECK(streams.open(4) == Bytes(4, kNewBytes));
  for (const auto& [port, socket] : streams.sockets()) {
    if (const auto before = old.find(port); before != old.end()) {
      CHECK(socket == before->second);
    } else {
      CHECK(socket.congestion_control == "reno");
    }
  }
}

TEST_CASE("a canary gets one connection of four, until all get the new options or the old") {
  if (!kernel_tells()) return;
  RunningDaemon daemon({.configuration = configuration(kOldBytes, 100), .workers = 1});
  Streams streams(daemon);
  CHECK(streams.open(2) == Bytes{kOldBytes, kOldBytes});

  reload(daemon, configuration(kNewBytes, 25), "gets the new socket options percent=25");
  const Bytes one_of_four = {kOldBytes, kOldBytes, kOldBytes, kNewBytes};
  CHECK(streams.open(4) == one_of_four);
  CHECK(streams.open(4) == one_of_four);
  CHECK(shows(daemon, "crier_canary_percent 25"));
  CHECK(shows(daemon, "crier_canary_connections_accepted_total 2"));
  CHECK(shows(daemon, "crier_connections_accepted_total 10"));
  CHECK(shows(daemon, "crier_canary_streams_opened_total 2"));
  CHECK(shows(daemon, "crier_canary_streams_ended_total{reason=\"client_closed\"} 0"));
  streams.close();
  CHECK(shows(daemon, "crier_canary_streams_ended_total{reason=\"client_closed\"} 2"));
  CHECK(shows(daemon, "crier_streams_ended_total{reason=\"client_closed\"} 10"));

  SECTION("the same options at 100 % are for all") {
    reload(daemon, configuration(kNewBytes, 100), "all new connections get the new");
    CHECK(streams.open(4) == Bytes(4, kNewBytes));
  }
  SECTION("the old options end it") {
    reload(daemon, configuration(kOldBytes, 25), "canary ended");
    CHECK(streams.open(4) == Bytes(4, kOldBytes));
  }
  CHECK(shows(daemon, "crier_canary_connections_accepted_total 2"));
  CHECK(shows(daemon, "crier_socket_options_refused_total 0"));
}

TEST_CASE("a congestion control the kernel does not allow is refused with those it does") {
  const RunningDaemon::Failed failed =
      RunningDaemon::run_to_exit({"socket.congestion_control=nonsense"});
  CHECK(failed.code == 78);
  CHECK(failed.output.find("socket.congestion_control is \"nonsense\"") != std::string::npos);
  CHECK(failed.output.find("reno") != std::string::npos);

  RunningDaemon daemon({.configuration = configuration(kOldBytes, 100)});
  Streams streams(daemon);
  reload(daemon, configuration(kNewBytes, 100, "nonsense"), "reload: nothing was changed");
  CHECK(daemon.output().find("but the kernel allows:") != std::string::npos);
  if (kernel_tells()) CHECK(streams.open(2) == Bytes(2, kOldBytes));
  CHECK(daemon.get("/healthz").status == 200);
}

}  // namespace
}  // namespace crier::tests
