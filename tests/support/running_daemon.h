// The real daemon, as a child process with addresses and a directory of its own.
//
// It listens on a random address of 127.0.0.0/8, so that neither another test nor an outgoing
// connection has its port. Its publish socket is in a directory that the destructor removes. Its
// arguments end with those in $CRIER_TEST_ARGS; the program is $CRIER, or the one built beside the
// tests.
//
// start() returns when /readyz answers 200. When the daemon ends, its output is searched for
// reports of sanitizers and of crier's own checks; a report fails the test. The destructor stops a
// daemon that still runs, and fails the test unless it exits with code 0.
//
// A failed request throws (see raw_socket.h), so any thread may make requests; everything else
// belongs to the test's thread.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/failing_call.h"
#include "tests/support/raw_socket.h"
#include "tests/support/subscriber.h"

namespace crier::tests {

// A descriptor that a service manager hands to the daemon it starts.
struct PassedSocket {
  int fd = -1;
  std::string name;
};

struct DaemonOptions {
  std::vector<std::string> settings;  // KEY=VALUE, for --set.
  std::string configuration;          // Text of a file for --config, if not empty.
  int workers = 2;
  int standard_error = -1;    // -1: standard error goes to output(), too.
  std::string address;        // Empty: a random address.
  std::string publish_path;   // Empty: in a directory of its own.
  bool admin_socket = false;  // The admin endpoint is a Unix socket beside the publish socket.
  FailingCall failing;
  unsigned descriptors_max = 0;  // RLIMIT_NOFILE, soft and hard; 0: the test's own limits.
  std::vector<PassedSocket> passed;
  std::vector<std::string> environment;  // NAME=VALUE, added to the test's environment.
};

class RunningDaemon {
 public:
  static constexpr int kPort = 8080;
  static constexpr int kAdminPort = 8081;

  explicit RunningDaemon(DaemonOptions options = {});
  ~RunningDaemon();
  RunningDaemon(const RunningDaemon&) = delete;
  RunningDaemon& operator=(const RunningDaemon&) = delete;

  // Starts it again on the same addresses. Requires: it does not run.
  void start();
  // Sends SIGTERM and returns the exit code.
  int stop();
  // Sends SIGKILL: the daemon cannot clean up.
  void kill();
  void signal(int number);
  // The exit code (128 + number for a signal); nothing if it still runs after that time.
  std::optional<int> wait_for_exit(int wait_ms = kPatienceMs);
  bool running() const { return pid_ > 0; }
  // Requires: it runs.
  pid_t pid() const { return pid_; }

  // Its output so far, standard output and error together, of this start and those before.
  std::string output() const;
  bool wait_for_output(const std::string& part, int wait_ms = kPatienceMs) const;

  const std::string& address() const { return address_; }
  const std::string& publish_path() const { return publish_path_; }
  // With DaemonOptions::admin_socket.
  std::string admin_path() const { return publish_path_ + ".admin"; }
  // Writes the file of --config, for a start or a reload by SIGHUP.
  void write_configuration(const std::string& text) const;

  RawSocket connect(int receive_buffer = 0) const;
  RawSocket connect_from(const std::string& address) const {
    return RawSocket::tcp(address_, kPort, 0, address);
  }
  RawSocket connect_publisher() const { return RawSocket::unix_stream(publish_path_); }
  RawSocket connect_admin() const;

  // Sends a request on a new connection. `fields`: "Name: value\r\n" each.
  HttpAnswer get(const std::string& target, const std::string& fields = {}) const;
  HttpAnswer admin_get(const std::string& target) const;
  // The sum of a metric over its labels; 0 if /metrics has none of that name. A reading may be half
  // a second old.
  double metric(const std::string& name) const;
  // Sends a request to the publish socket; `request_line` has no version: "POST /topics/a".
  HttpAnswer publish_request(const std::string& request_line, const std::string& body,
                             const std::string& fields = {}) const;
  // Publishes and returns the event's id. Throws unless the answer is 202.
  std::string publish(const std::string& topic, const std::string& data) const;

  Subscriber subscribe(const std::string& target, const SubscriberOptions& options = {}) const;

  // Runs a daemon that is not expected to start until it exits, with these settings on top of the
  // defaults of this class. `failing`: the system call that always fails. `descriptors_max` is as
  // in DaemonOptions.
  struct Failed {
    int code = 0;
    std::string output;
  };
  static Failed run_to_exit(const std::vector<std::string>& settings,
                            const FailingCall& failing = {},
                            const std::vector<PassedSocket>& passed = {},
                            unsigned descriptors_max = 0);

 private:
  std::vector<std::string> arguments() const;
  void wait_until_ready();
  void check_output() const;

  DaemonOptions options_;
  std::string directory_;
  std::string address_;
  std::string publish_path_;
  pid_t pid_ = -1;
};

// The path of the program under test.
std::string crier_program();

// A random address of 127.0.0.0/8.
std::string random_address();

// Waits until `done` or the time is over; returns whether it is done.
template <typename Done>
bool wait_until(int wait_ms, Done&& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

// ThreadSanitizer reports races where two descriptor tables use the same number. Only the run in
// which all daemons have a table for each worker suppresses that (see tests/CMakeLists.txt).
#ifdef __SANITIZE_THREAD__
inline constexpr bool kTsan = true;
#else
inline constexpr bool kTsan = false;
#endif
bool own_tables_may_be_tested();
// Whether $CRIER_TEST_ARGS gives every daemon a descriptor table for each worker.
bool own_tables_are_ordered();

// A whole request with a Content-Length.
std::string request_text(const std::string& request_line, const std::string& body,
                         const std::string& fields = {});

}  // namespace crier::tests
