// A publisher: one keep-alive connection to a publish socket, requests pipelined, answers counted.
//
// Never blocks. Requests wait in memory for the socket to take them; pump() moves bytes both ways.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crier::bench {

class Publisher {
 public:
  Publisher() = default;
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // False with errno set if nobody answers there.
  [[nodiscard]] bool connect(const std::string& socket_path);

  // Queues one request. send() or pump() passes it on.
  void post(std::string_view target, std::string_view content_type, std::string_view body);

  // Writes what the socket takes and reads the answers that are there. False: the connection broke.
  [[nodiscard]] bool pump();

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool has_unsent() const { return sent_ < outbox_.size(); }
  bool waits() const { return posted_ > answered_ + failed_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t last_answer_ns() const { return last_answer_ns_; }  // 0: none yet.
  // The head line of the first answer that was no success; empty if there was none.
  const std::string& first_failure() const { return first_failure_; }

 private:
  bool write_some();
  bool read_some();
  void count_answers();

  int fd_ = -1;
  std::string outbox_;
  std::size_t sent_ = 0;
  std::string inbox_;
  std::uint64_t posted_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t last_answer_ns_ = 0;
  std::string first_failure_;
};

}  // namespace crier::bench
