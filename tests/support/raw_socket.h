// One connection of a test, blocking, with a time limit on everything; and an HTTP answer as a
// client without opinions reads it.
//
// Nothing here asserts: what a test must have and does not get is an exception, so that it can be
// used in threads of the test's own. Belongs to one thread.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace crier::tests {

// Sanitizers and a busy machine slow a daemon down; no test waits this long when all is well.
inline constexpr int kPatienceMs = 20'000;

struct SocketError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> fields;  // Names in lower case; repeated ones joined by ", ".
  std::string body;

  // Empty if there is none.
  std::string field(const std::string& name) const;
};

class RawSocket {
 public:
  // Throws where the connection is refused. `receive_buffer`: SO_RCVBUF, 0 for the kernel's own.
  static RawSocket tcp(const std::string& address, int port, int receive_buffer = 0);
  static RawSocket unix_stream(const std::string& path);
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&& other) noexcept;
  ~RawSocket();

  // Throws unless all of it is taken in time.
  void send(std::string_view bytes);
  // One send a byte, so that the peer sees as many cuts as it can.
  void send_each_byte(std::string_view bytes);
  void shut_down_writing();
  void close();

  // What has arrived and was not taken. More of it: see the next three.
  std::string& buffer() { return buffer_; }
  // Waits for bytes; false if none came in time, or the peer has ended (see ended()).
  bool read_more(int wait_ms = kPatienceMs);
  // Everything until the peer ends the connection; throws if it does not.
  std::string read_to_end(int wait_ms = kPatienceMs);
  // The peer sent its end or a reset, and nothing more will arrive.
  bool ended() const { return ended_; }

  // Reads a head, and leaves what follows in the buffer. Throws on anything that is not HTTP/1.
  HttpAnswer read_head(int wait_ms = kPatienceMs);
  // Head and body. `bodiless`: the answer to a HEAD, which tells of a body and has none.
  HttpAnswer read_answer(bool bodiless = false, int wait_ms = kPatienceMs);

 private:
  explicit RawSocket(int fd) : fd_(fd) {}
  std::string take(std::size_t bytes, int wait_ms);
  std::string take_line(int wait_ms);

  int fd_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace crier::tests
