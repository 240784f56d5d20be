#include "tests/support/running_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <utility>

#include "tests/support/catch.h"

namespace crier::tests {
bool own_tables_are_ordered() {
  const char* arguments = std::getenv("CRIER_TEST_ARGS");
  return arguments != nullptr &&
         std::string_view(arguments).find("own_descriptor_table=on") != std::string_view::npos;
}

bool own_tables_may_be_tested() {
  return !kTsan || own_tables_are_ordered();
}

std::string random_address() {
  std::random_device random;
  const auto part = [&](unsigned low) { return std::to_string(low + random() % (255 - low)); };
  return "127." + part(1) + "." + part(0) + "." + part(1);
}

namespace {

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "crier-test-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw SocketError("no directory for a test: " + path);
  return path;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::vector<std::string> words_of(const char* text) {
  std::istringstream words(text == nullptr ? "" : text);
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  return all;
}

struct SpawnOptions {
  FailingCall failing;
  unsigned descriptors_max = 0;
  int standard_error = -1;
  std::vector<PassedSocket> passed;
  std::vector<std::string> environment;
};

// Hands over descriptors by the rules of sd_listen_fds(3). Runs in the child.
void pass_sockets(const std::vector<PassedSocket>& passed) {
  constexpr int kFirst = 3;
  constexpr int kOutOfTheWay = 100;
  std::vector<int> copies;
  std::string names;
  for (const PassedSocket& one : passed) {
    copies.push_back(::fcntl(one.fd, F_DUPFD_CLOEXEC, kOutOfTheWay));
    names += (names.empty() ? "" : ":") + one.name;
  }
  for (std::size_t i = 0; i < copies.size(); ++i) ::dup2(copies[i], kFirst + static_cast<int>(i));
  ::setenv("LISTEN_FDS", std::to_string(passed.size()).c_str(), 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
}

pid_t spawn(const std::vector<std::string>& arguments, const std::string& output_path,
            const SpawnOptions& options) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(&argument[0]));
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int output = ::open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(options.standard_error >= 0 ? options.standard_error : output, STDERR_FILENO);
  ::close(nothing);
  ::close(output);
  if (const rlimit few{options.descriptors_max, options.descriptors_max}; few.rlim_max != 0) {
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  if (options.failing.number >= 0 && !make_fail(options.failing)) ::_exit(126);
  for (const std::string& one : options.environment) ::putenv(const_cast<char*>(one.c_str()));
  if (!options.passed.empty()) pass_sockets(options.passed);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

}  // namespace

std::string crier_program() {
  const char* program = std::getenv("CRIER");
  return program != nullptr ? program : CRIER_BINARY;
}

std::string request_text(const std::string& request_line, const std::string& body,
                         const std::string& fields) {
  return request_line + " HTTP/1.1\r\nHost: localhost\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

RunningDaemon::RunningDaemon(DaemonOptions options)
    : options_(std::move(options)), directory_(make_directory()), address_(random_address()) {
  publish_path_ = directory_ + "/publish.sock";
  if (!options_.address.empty()) address_ = options_.address;
  if (!options_.publish_path.empty()) publish_path_ = options_.publish_path;
  if (!options_.configuration.empty()) write_configuration(options_.configuration);
  try {
    start();
  } catch (...) {
    if (running()) kill();
    std::filesystem::remove_all(directory_);
    throw;
  }
}

RunningDaemon::~RunningDaemon() {
  if (running()) {
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGTERM);  // A second SIGTERM ends it at once: other tests cover the drain.
    const std::optional<int> code = wait_for_exit();
    CHECK(code == 0);
    if (!code) kill();
  }
  std::filesystem::remove_all(directory_);
}

std::vector<std::string> RunningDaemon::arguments() const {
  std::vector<std::string> all = {crier_program(), "serve"};
  if (!options_.configuration.empty()) {
    all.insert(all.end(), {"--config", directory_ + "/crier.json"});
  }
  std::vector<std::string> settings = {
      "http.listen=" + address_ + ":" + std::to_string(kPort),
      "admin.listen=" + (options_.admin_socket ? "unix:" + admin_path()
                                               : address_ + ":" + std::to_string(kAdminPort)),
      "publish.socket=" + publish_path_,
      "workers.count=" + std::to_string(options_.workers),
      "limits.streams_max=10000",
      // A test reads its streams one after the other, and a busy machine makes that slow.
      "limits.owing_seconds_max=600",
  };
  settings.insert(settings.end(), options_.settings.begin(), options_.settings.end());
  for (const std::string& setting : settings) all.insert(all.end(), {"--set", setting});
  for (std::string& word : words_of(std::getenv("CRIER_TEST_ARGS"))) all.push_back(std::move(word));
  return all;
}

void RunningDaemon::start() {
  REQUIRE_FALSE(running());
  pid_ = spawn(arguments(), directory_ + "/output",
               {.failing = options_.failing,
                .descriptors_max = options_.descriptors_max,
                .standard_error = options_.standard_error,
                .passed = options_.passed,
                .environment = options_.environment});
  REQUIRE(pid_ > 0);
  wait_until_ready();
}

void RunningDaemon::wait_until_ready() {
  const bool ready = wait_until(kPatienceMs, [this] {
    if (wait_for_exit(0)) return true;
    try {
      return admin_get("/readyz").status == 200;
    } catch (const SocketError&) {
      return false;  // Not listening yet.
    }
  });
  INFO(output());
  REQUIRE(ready);
  REQUIRE(running());
}

std::optional<int> RunningDaemon::wait_for_exit(int wait_ms) {
  int status = 0;
  pid_t ended = 0;
  if (!wait_until(wait_ms, [&] { return (ended = ::waitpid(pid_, &status, WNOHANG)) != 0; })) {
    return std::nullopt;
  }
  pid_ = -1;
  check_output();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void RunningDaemon::check_output() const {
  const std::string printed = output();
  for (const char* report : {"Sanitizer", "runtime error:", "crier: bug:", "terminate called"}) {
    const std::size_t at = printed.find(report);
    INFO(printed.substr(at == std::string::npos ? 0 : at, 8'000));
    CHECK(at == std::string::npos);
  }
}

int RunningDaemon::stop() {
  signal(SIGTERM);
  const std::optional<int> code = wait_for_exit();
  INFO(output());
  REQUIRE(code.has_value());
  return *code;
}

void RunningDaemon::kill() {
  signal(SIGKILL);
  wait_for_exit();
}

void RunningDaemon::signal(int number) {
  REQUIRE(running());
  ::kill(pid_, number);
}

std::string RunningDaemon::output() const {
  return file_text(directory_ + "/output");
}

bool RunningDaemon::wait_for_output(const std::string& part, int wait_ms) const {
  return wait_until(wait_ms, [&] { return output().find(part) != std::string::npos; });
}

void RunningDaemon::write_configuration(const std::string& text) const {
  std::ofstream(directory_ + "/crier.json", std::ios::trunc) << text;
}

RawSocket RunningDaemon::connect(int receive_buffer) const {
  return RawSocket::tcp(address_, kPort, receive_buffer);
}

RawSocket RunningDaemon::connect_admin() const {
  return options_.admin_socket ? RawSocket::unix_stream(admin_path())
                               : RawSocket::tcp(address_, kAdminPort);
}

HttpAnswer RunningDaemon::get(const std::string& target, const std::string& fields) const {
  RawSocket socket = connect();
  socket.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  return socket.read_answer();
}

HttpAnswer RunningDaemon::admin_get(const std::string& target) const {
  RawSocket socket = connect_admin();
  socket.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return socket.read_answer();
}

double RunningDaemon::metric(const std::string& name) const {
  const std::string text = "\n" + admin_get("/metrics").body;
  double sum = 0;
  for (std::size_t at = text.find("\n" + name); at != std::string::npos;
       at = text.find("\n" + name, at + 1)) {
    const std::size_t end = at + 1 + name.size();
    if (text.at(end) == '{' || text.at(end) == ' ') {
      sum += std::stod(text.substr(text.find(' ', end)));
    }
  }
  return sum;
}

HttpAnswer RunningDaemon::publish_request(const std::string& request_line, const std::string& body,
                                          const std::string& fields) const {
  RawSocket socket = connect_publisher();
  socket.send(request_text(request_line, body, fields));
  return socket.read_answer();
}

std::string RunningDaemon::publish(const std::string& topic, const std::string& data) const {
  const HttpAnswer answer = publish_request("POST /topics/" + topic, data);
  if (answer.status != 202) throw SocketError("publish was refused: " + answer.body);
  return nlohmann::json::parse(answer.body).at("id").get<std::string>();
}

Subscriber RunningDaemon::subscribe(const std::string& target,
                                    const SubscriberOptions& options) const {
  return Subscriber(connect(options.receive_buffer), target, options);
}

RunningDaemon::Failed RunningDaemon::run_to_exit(const std::vector<std::string>& settings,
                                                 const FailingCall& failing,
                                                 const std::vector<PassedSocket>& passed,
                                                 unsigned descriptors_max) {
  std::vector<std::string> all = {crier_program(), "serve"};
  for (const std::string& setting : settings) all.insert(all.end(), {"--set", setting});
  const std::string directory = make_directory();
  const pid_t pid =
      spawn(all, directory + "/output",
            {.failing = failing, .descriptors_max = descriptors_max, .passed = passed});
  int status = 0;
  if (!wait_until(kPatienceMs, [&] { return ::waitpid(pid, &status, WNOHANG) != 0; })) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  Failed failed{.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                .output = file_text(directory + "/output")};
  std::filesystem::remove_all(directory);
  return failed;
}

}  // namespace crier::tests
