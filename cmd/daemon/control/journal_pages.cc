#include "cmd/daemon/control/journal_pages.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "cmd/daemon/control/publish_call.h"
#include "core/check.h"
#include "net/http/reply.h"
#include "net/socket/os_error.h"

namespace crier::cmd {

void JournalPages::send_copy(const net::Responder& responder) {
  CRIER_CHECK(has_file() && !busy());
  std::string head = net::ReplyBuilder(200)
                         .field("Content-Type", "application/vnd.sqlite3")
                         .field("Cache-Control", "no-store")
                         .finish();
  sending_.emplace(
      Sending{.stream = responder.stream(std::move(head), [this] { send_more(); }), .file = {}});
  making_ = true;
  parts_.copy([this](Result<net::Fd> file) { on_copy(std::move(file)); });
}

void JournalPages::on_copy(Result<net::Fd> file) {
  making_ = false;
  if (!file) parts_.log.error("the journal cannot be copied", {{"reason", file.error().detail}});
  if (!sending_) return;  // The client has left.
  if (file) {
    sending_->file = std::move(*file);
    return send_more();
  }
  if (sending_->stream.wanted()) sending_->stream.end();
  sending_.reset();
}

void JournalPages::send_more() {
  if (!sending_) return;
  if (!sending_->stream.wanted()) return sending_.reset();
  if (!sending_->file) return;
  std::array<char, net::kStreamPieceMax> piece;
  while (true) {
    const ssize_t got = ::pread(sending_->file.get(), piece.data(), piece.size(),
                                static_cast<off_t>(sending_->sent));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      parts_.log.error("the copy of the journal cannot be read",
                       {{"reason", net::errno_text(errno)}});
    }
    if (got <= 0) break;
    const auto size = static_cast<std::size_t>(got);
    if (!sending_->stream.write({piece.data(), size})) return;  // on_change follows.
    sending_->sent += size;
  }
  sending_->stream.end();
  sending_.reset();
}

void PublishRoutes::show_journal(const Call& call) {
  const net::Request& head = call.head();
  JournalPages* pages = parts_.journal_pages;
  if (head.method != net::Method::get || head.has_origin) {
    return refuse(call, PublishRefusal::method, "The journal is read with GET, not by web pages.",
                  "GET");
  }
  if (pages == nullptr) {
    return refuse(call, PublishRefusal::not_found,
                  "The journal has no file: journal.kind is memory.");
  }
  if (!pages->allows(call.request.peer.credentials)) {
    return refuse(call, PublishRefusal::forbidden,
                  "Only root and the daemon's own user may read the journal.");
  }
  if (head.path == kJournalPath) {
    return call.responder.reply(
        net::text_reply(200, net::kJsonType, pages->figures(), {.keep_alive = head.keep_alive}),
        !head.keep_alive);
  }
  if (!pages->has_file()) {
    return refuse(call, PublishRefusal::not_found,
                  "The journal has no file: it is a stream of NATS; use `nats stream backup`.");
  }
  if (parts_.draining()) {
    return refuse(call, PublishRefusal::draining, "The daemon is shutting down.");
  }
  if (pages->busy()) {
    return refuse(call, PublishRefusal::busy, "Another copy of the journal is being made.");
  }
  pages->send_copy(call.responder);
}

}  // namespace crier::cmd
