#include "tests/support/subscriber.h"

#include <chrono>
#include <utility>

namespace crier::tests {
namespace {

constexpr std::size_t kEventBytesMax = 4 * 1024 * 1024;

class Deadline {
 public:
  explicit Deadline(int wait_ms) : at_(Clock::now() + std::chrono::milliseconds(wait_ms)) {}
  int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(at_ - Clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point at_;
};

// Shortens text that a failed test prints.
std::string end_of(const std::string& text) {
  constexpr std::size_t kShown = 1'000;
  return text.size() <= kShown ? text : "…" + text.substr(text.size() - kShown);
}

}  // namespace

Subscriber::Subscriber(RawSocket socket, const std::string& target,
                       const SubscriberOptions& options)
    : socket_(std::move(socket)), parser_(kEventBytesMax) {
  std::string request = "GET " + target + (options.http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  request += "Host: localhost\r\n" + options.fields;
  if (!options.last_event_id.empty()) request += "Last-Event-ID: " + options.last_event_id + "\r\n";
  socket_.send(request + "\r\n");
}

const HttpAnswer& Subscriber::head() {
  if (!head_) {
    head_ = socket_.read_head();
    chunked_ = head_->field("transfer-encoding") == "chunked";
  }
  return *head_;
}

void Subscriber::unchunk() {
  std::string& bytes = socket_.buffer();
  for (std::size_t line = 0; !finished_ && (line = bytes.find("\r\n")) != std::string::npos;) {
    const std::size_t size = std::stoul(bytes.substr(0, line), nullptr, 16);
    if (bytes.size() < line + 2 + size + 2) return;
    if (bytes.compare(line + 2 + size, 2, "\r\n") != 0) throw SocketError("a chunk without end");
    unparsed_.append(bytes, line + 2, size);
    bytes.erase(0, line + 2 + size + 2);
    finished_ = size == 0;
  }
}

// Takes the bytes that have arrived, or waits for more. Returns false if nothing came.
bool Subscriber::read_body(int wait_ms) {
  head();
  if (finished_) return false;
  if (socket_.buffer().empty() && !socket_.read_more(wait_ms)) return false;
  const std::size_t before = socket_.buffer().size();
  if (chunked_) {
    unchunk();
  } else {
    unparsed_ += std::exchange(socket_.buffer(), {});
  }
  text_ += unparsed_;
  const bool readable = parser_.feed(std::exchange(unparsed_, {}), [this](const SseMessage& event) {
    messages_.push_back(event);
  });
  if (!readable) throw SocketError("an event is too long");
  // The chunk is incomplete: wait for more bytes.
  return socket_.buffer().size() != before || socket_.read_more(wait_ms);
}

std::optional<SseMessage> Subscriber::try_next(int wait_ms) {
  const Deadline deadline(wait_ms);
  while (messages_.empty()) {
    if (!read_body(deadline.left_ms())) return std::nullopt;
  }
  SseMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

SseMessage Subscriber::next(int wait_ms) {
  std::optional<SseMessage> message = try_next(wait_ms);
  if (!message) throw SocketError("no event in time; the stream's end so far:\n" + end_of(text_));
  return std::move(*message);
}

SseMessage Subscriber::next_published(int wait_ms) {
  for (;;) {
    SseMessage message = next(wait_ms);
    if (message.event == "crier.gap") throw SocketError("a gap: " + message.data);
    if (!message.event.starts_with("crier.")) return message;
  }
}

bool Subscriber::wait_for_text(const std::string& part, int wait_ms) {
  const Deadline deadline(wait_ms);
  while (text_.find(part) == std::string::npos) {
    if (!read_body(deadline.left_ms())) return text_.find(part) != std::string::npos;
  }
  return true;
}

bool Subscriber::wait_for_end(int wait_ms) {
  const Deadline deadline(wait_ms);
  while (read_body(deadline.left_ms())) {
  }
  return chunked_ ? finished_ : socket_.ended();
}

}  // namespace crier::tests
