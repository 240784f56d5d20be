// The answer to an accepted publish. Its head is kept for a second, since only the date in it
// changes.
//
// Belongs to the control loop.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace crier::cmd {

class AcceptedReply {
 public:
  // Returns a whole 202. `body`: JSON. `replayed`: all of its events had been accepted before.
  // `trace_id`: of the request; empty: the answer has none.
  std::string reply(std::string_view body, bool keep_alive, bool replayed,
                    std::string_view trace_id = {});

 private:
  std::array<std::string, 2> heads_;  // Up to Content-Length; [1] keeps the connection alive.
  std::string date_;                  // The date in them.
};

}  // namespace crier::cmd
