#include "tests/support/nats_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <thread>

namespace crier::tests {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Not one that the kernel gives to outgoing connections: while the server is down, a client that
// tries to reach it could be given it, and connect to itself.
std::uint16_t free_port() {
  std::random_device random;
  for (int i = 0; i < 100; ++i) {
    const auto port = static_cast<std::uint16_t>(10'000 + random() % 20'000);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool bound =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (bound) return port;
  }
  throw std::runtime_error("no free port");
}

}  // namespace

NatsServer::NatsServer(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), port_(free_port()) {
  std::array<char, 32> name{"/tmp/crier-nats-XXXXXX"};
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory");
  directory_ = name.data();
  start();
}

NatsServer::~NatsServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void NatsServer::start() {
  const std::string port = std::to_string(port_);
  std::vector<const char*> arguments{"nats-server", "-js",       "-sd", directory_.c_str(),
                                     "-a",          "127.0.0.1", "-p",  port.c_str()};
  for (const std::string& more : arguments_) arguments.push_back(more.c_str());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const std::string log = directory_ + "/log";
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error = ::posix_spawnp(&child_, "nats-server", &actions, nullptr,
                                   const_cast<char* const*>(arguments.data()), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("nats-server cannot be started; is it installed?");
  wait_until_ready();
}

void NatsServer::wait_until_ready() {
  for (int i = 0; i < 6'000; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port_);
    const bool ready =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (ready) return;
    if (::waitpid(child_, nullptr, WNOHANG) != 0) {
      child_ = -1;
      throw std::runtime_error("nats-server has ended: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("nats-server does not listen: " + log());
}

std::string NatsServer::log() const {
  std::ifstream file(directory_ + "/log");
  return {std::istreambuf_iterator<char>(file), {}};
}

void NatsServer::kill() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  child_ = -1;
}

void NatsServer::save() const {
  std::filesystem::copy(directory_ + "/jetstream", directory_ + "/saved",
                        std::filesystem::copy_options::recursive);
}

void NatsServer::go_back() const {
  std::filesystem::remove_all(directory_ + "/jetstream");
  std::filesystem::rename(directory_ + "/saved", directory_ + "/jetstream");
}

void NatsServer::lose_all() const {
  std::filesystem::remove_all(directory_ + "/jetstream");
}

NatsServer::OnOtherPort::OnOtherPort(NatsServer& server) : server_(server), port_(server.port_) {
  server_.port_ = free_port();
  server_.start();
}

NatsServer::OnOtherPort::~OnOtherPort() {
  server_.kill();
  server_.port_ = port_;
}

void NatsServer::pause() {
  ::kill(child_, SIGSTOP);
}

void NatsServer::resume() {
  ::kill(child_, SIGCONT);
}

}  // namespace crier::tests
