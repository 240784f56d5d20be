// What the publish socket tells of a journal that is not `memory`, to root and to the daemon's own
// user.
//
//   GET /journal          figures of the journal, JSON
//   GET /journal/backup   a copy of its file, if it has one, from which a start begins a new epoch
//
// One copy is made at a time. It is complete only if its size is what its own head says: the answer
// begins before the copy exists, and ends early if it cannot be made or read.
//
// Belongs to the control loop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/log.h"
#include "core/result.h"
#include "net/http/http_handler.h"
#include "net/socket/fd.h"
#include "net/socket/peer_credentials.h"

namespace crier::cmd {

inline constexpr std::string_view kJournalPath = "/journal";
inline constexpr std::string_view kJournalCopyPath = "/journal/backup";

class JournalPages {
 public:
  using CopyMade = std::function<void(Result<net::Fd>)>;
  struct Parts {
    std::function<std::string()> figures;  // JSON, an object.
    // Makes a copy and calls back in a later turn with a descriptor of it, to be read from its
    // beginning. Must not call once the pages are gone. Null: there is no file.
    std::function<void(CopyMade)> copy;
    LogSink& log;
    uid_t own_uid;
  };

  explicit JournalPages(Parts parts) : parts_(std::move(parts)) {}
  JournalPages(const JournalPages&) = delete;
  JournalPages& operator=(const JournalPages&) = delete;

  // Whether this user may read the journal, and so all events.
  bool allows(const net::PeerCredentials& peer) const {
    return peer.uid == 0 || peer.uid == parts_.own_uid;
  }
  std::string figures() const { return parts_.figures(); }
  bool has_file() const { return parts_.copy != nullptr; }
  // Whether a copy is being made or sent.
  bool busy() const { return making_ || (sending_ && sending_->stream.wanted()); }
  // Requires: has_file(), and not busy.
  void send_copy(const net::Responder& responder);

 private:
  struct Sending {
    net::AnswerStream stream;
    net::Fd file;  // Empty until the copy is made.
    std::uint64_t sent = 0;
  };

  void on_copy(Result<net::Fd> file);
  // Sends as much as the client has room for.
  void send_more();

  Parts parts_;
  std::optional<Sending> sending_;
  bool making_ = false;  // Goes on when the client leaves.
};

}  // namespace crier::cmd
