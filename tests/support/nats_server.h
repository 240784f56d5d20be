// A nats-server with JetStream, as a child process on a port and in a directory of its own.
//
// Throws if it does not start. Belongs to the test's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace crier::tests {

class NatsServer {
 public:
  // `arguments` follow those that it needs itself.
  explicit NatsServer(std::vector<std::string> arguments = {});
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  std::string address() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  // What it has written since it was made.
  std::string log() const;

  // Ends it as a power cut would; its files stay. Then start() brings it back at its port.
  void kill();
  void start();
  // For the next start.
  void set_arguments(std::vector<std::string> arguments) { arguments_ = std::move(arguments); }
  // Keeps a copy of its files; goes back to them. Requires: it was killed.
  void save() const;
  void go_back() const;
  // Removes its files. Requires: it was killed.
  void lose_all() const;
  // SIGSTOP and SIGCONT.
  void pause();
  void resume();

  // The killed server for a while on another port, which nobody else knows.
  class OnOtherPort {
   public:
    explicit OnOtherPort(NatsServer& server);
    ~OnOtherPort();
    OnOtherPort(const OnOtherPort&) = delete;
    OnOtherPort& operator=(const OnOtherPort&) = delete;
    std::string address() const { return server_.address(); }

   private:
    NatsServer& server_;
    std::uint16_t port_;
  };

 private:
  void wait_until_ready();

  std::vector<std::string> arguments_;
  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t child_ = -1;
};

}  // namespace crier::tests
