// One blocking connection of a test, with a time limit on every call, and a plain parser of HTTP
// answers.
//
// A call that does not get what it must have throws and asserts nothing, so that tests can use it
// in threads of their own. Belongs to one thread.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace crier::tests {

// Long, because sanitizers and a busy machine slow a daemon down; a test that passes waits less.
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
  // Throws if the connection is refused. `receive_buffer`: SO_RCVBUF; 0: the kernel's default.
  // `from`: the address to connect from; empty: the kernel's choice.
  static RawSocket tcp(const std::string& address, int port, int receive_buffer = 0,
                       const std::string& from = {});
  static RawSocket unix_stream(const std::string& path);
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&& other) noexcept;
  ~RawSocket();

  // Throws unless the kernel takes all bytes in time.
  void send(std::string_view bytes);
  // Sends each byte by a call of its own, so that the peer reads many small pieces.
  void send_each_byte(std::string_view bytes);
  void shut_down_writing();
  void close();

  // Bytes that have arrived and were not taken; the next three calls add to them.
  std::string& buffer() { return buffer_; }
  // Waits for bytes; returns false if none came in time or the peer has ended (see ended()).
  bool read_more(int wait_ms = kPatienceMs);
  // Reads all bytes until the peer ends the connection; throws if it does not.
  std::string read_to_end(int wait_ms = kPatienceMs);
  // The peer sent its end or a reset, and nothing more will arrive.
  bool ended() const { return ended_; }

  // Reads a head, and leaves later bytes in the buffer. Throws on bytes that are not HTTP/1.
  HttpAnswer read_head(int wait_ms = kPatienceMs);
  // Reads head and body. `bodiless`: the answer to HEAD, which names a length and has no body.
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
