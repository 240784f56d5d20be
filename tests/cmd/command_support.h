// Shared by the tests of the commands: a scripted server, and the output of a command.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cmd/cli/arguments.h"
#include "core/instant.h"
#include "core/log.h"

namespace crier::cmd {

constexpr Instant at_ms(std::uint64_t ms) {
  return Instant{ms * 1'000};
}

// Serves one connection after another on a Unix socket or on 127.0.0.1. It answers each request
// with the script's next piece, and closes the connection after it if the script says so.
class ScriptedServer {
 public:
  struct Answer {
    std::string bytes;
    bool then_close = false;
  };

  ScriptedServer(bool tcp, std::vector<Answer> script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const std::string& path() const { return path_; }  // The path of the Unix socket.
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // Head and body of each request so far.
  std::vector<std::string> requests() const;
  std::size_t connections() const { return connections_; }

 private:
  void serve();
  bool serve_request(int fd);

  std::vector<Answer> script_;
  int listener_ = -1;
  std::string directory_;
  std::string path_;
  int port_ = 0;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 <status>\r\n…" with a Content-Length.
std::string http_answer(std::string_view status, std::string_view body,
                        std::string_view fields = {});

// A command's output and exit code.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// Runs a command line in this process. `input`: its standard input.
Ran run_command(const std::vector<std::string_view>& words, std::string_view input = {});

// Keeps log lines.
class RecordingSink : public LogSink {
 public:
  void write(Level level, std::string_view message, std::span<const Field> fields) override;
  std::vector<std::string> lines;  // In the format of log_line().
};

}  // namespace crier::cmd
