// A publisher: one keep-alive connection to a publish socket, requests pipelined, answers counted.
//
// With a bound on the requests of a connection, it waits for the last answer of one connection
// before it opens the next, so that events stay in order. Requests wait in memory for the socket to
// take them; pump() moves bytes both ways and waits for the peer only to open a connection.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::bench {

class Publisher {
 public:
  // `requests_max`: of one connection; 0: all. Waits some seconds where the server does not accept.
  // Fails with a sentence.
  [[nodiscard]] Result<void> connect(const std::string& socket_path,
                                     std::uint32_t requests_max = 0);

  // Queues one request. send() or pump() passes it on.
  void post(std::string_view target, std::string_view content_type, std::string_view body);

  // Writes what the socket takes and reads the answers that are there. False: the connection broke.
  [[nodiscard]] bool pump();

  bool connected() const { return fd() >= 0; }
  int fd() const { return fd_.get(); }
  bool has_unsent() const { return sent_ < outbox_.size(); }
  std::uint64_t unanswered() const { return posted_ - answered_ - failed_; }
  std::size_t unsent_bytes() const { return unsent_; }   // Those that wait for a connection, too.
  const std::string& broken() const { return broken_; }  // Why pump() was false; else empty.
  std::uint64_t posted() const { return posted_; }
  std::uint64_t connections() const { return connections_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t last_answer_ns() const { return last_answer_ns_; }  // 0: none yet.
  // The head line of the first answer that was no success; empty if there was none.
  const std::string& first_failure() const { return first_failure_; }

 private:
  [[nodiscard]] Result<void> open_connection();
  bool take_queued();
  bool write_some();
  bool read_some();
  void count_answers();

  net::Fd fd_;
  std::string path_;
  std::uint32_t requests_max_ = 0;
  std::uint32_t requests_ = 0;      // Of this connection.
  std::deque<std::string> queued_;  // For this connection or later ones; only with a bound.
  std::string outbox_;
  std::size_t sent_ = 0;
  std::size_t unsent_ = 0;
  std::string broken_;
  std::string inbox_;
  std::uint64_t connections_ = 0;
  std::uint64_t posted_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t last_answer_ns_ = 0;
  std::string first_failure_;
};

}  // namespace crier::bench
