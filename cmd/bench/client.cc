#include "cmd/bench/client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cmd/bench/answer.h"
#include "cmd/bench/event_order.h"
#include "cmd/bench/marker.h"

namespace crier::bench {
namespace {

enum class Phase : std::uint8_t { closed, connecting, head, open };

// One stream as its client sees it.
struct ClientStream {
  int fd = -1;
  std::uint32_t number = 0;    // Within the group.
  std::uint32_t received = 0;  // Events of the command that runs.
  EventOrder order;
  Phase phase = Phase::closed;
  StreamText text;
  MarkScanner scanner;
};

constexpr std::size_t kReadBytes = std::size_t{256} * 1024;
constexpr std::size_t kAnswerBytesMax = std::size_t{16} * 1024;  // Kept of one that is no stream.
constexpr int kEventsPerWait = 512;
// With thousands of connections from one address, half of a connect is the search for a free port.
constexpr std::uint32_t kSourcesPerProcess = 250;
constexpr std::uint64_t kCommandToken = ~std::uint64_t{0};

// A trace context as a tracing client sends it, with ids that no other stream of the group has.
std::string traceparent(std::uint32_t stream) {
  std::array<char, 80> line{};
  const std::uint64_t id = (std::uint64_t{stream} + 1) * 0x9e37'79b9'7f4a'7c15;
  std::snprintf(line.data(), line.size(), "traceparent: 00-%016llx%016llx-%016llx-01\r\n",
                static_cast<unsigned long long>(id), static_cast<unsigned long long>(~id),
                static_cast<unsigned long long>(id));
  return line.data();
}

class Client {
 public:
  Client(const ClientOptions& options, const Window& window, ClientState& state)
      : options_(options),
        window_(window),
        state_(state),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        buffer_(kReadBytes) {}

  int run(int commands);

 private:
  void start_more();
  void start(std::uint32_t index);
  bool send_request(ClientStream& stream);
  void on_ready(std::uint32_t index);
  void on_bytes(ClientStream& stream, std::string_view bytes);
  bool take_head(ClientStream& stream, std::string_view& bytes);
  void on_mark(ClientStream& stream, Mark mark, std::uint64_t now);
  void drop(ClientStream& stream);
  void note_refusal(const ClientStream& stream);
  void begin();
  void look_for_last_events();

  const ClientOptions& options_;
  const Window& window_;
  ClientState& state_;
  int epoll_;
  std::vector<char> buffer_;
  std::vector<ClientStream> streams_;
  // What came of answers whose head is not complete, or that are no stream, by the stream's number.
  std::unordered_map<std::uint32_t, std::string> answers_;
  std::uint32_t connecting_ = 0;
  bool counting_ = false;            // From kBegin to kFinish.
  bool slices_ = false;              // The command that runs, or ran last, keeps slices.
  std::uint32_t arrived_count_ = 0;  // Those of arrived_ns that are not 0 are before it.
};

int Client::run(int commands) {
  epoll_event watch{.events = EPOLLIN, .data = {.u64 = kCommandToken}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, commands, &watch) != 0) return 1;
  std::array<epoll_event, kEventsPerWait> ready{};
  bool running = true;
  while (running) {
    const int count = epoll_wait(epoll_, ready.data(), kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) return 1;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t token = ready[static_cast<std::size_t>(i)].data.u64;
      if (token == kCommandToken) {
        char byte = 0;
        running = ::read(commands, &byte, 1) > 0 && running;
        if (byte == kBegin) begin();
        if (byte == kFinish) look_for_last_events();
      } else {
        on_ready(static_cast<std::uint32_t>(token));
      }
    }
    start_more();
  }
  const linger reset{.l_onoff = 1, .l_linger = 0};
  for (const ClientStream& stream : streams_) {
    if (stream.fd >= 0) {
      setsockopt(stream.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(stream.fd);
    }
  }
  return 0;
}

void Client::start_more() {
  const std::uint32_t wanted = state_.wanted.load(std::memory_order_acquire);
  while (streams_.size() < wanted && connecting_ < options_.connecting_max) {
    streams_.emplace_back();
    start(static_cast<std::uint32_t>(streams_.size() - 1));
  }
}

void Client::start(std::uint32_t index) {
  ClientStream& stream = streams_[index];
  stream.number = options_.first_stream + index;
  stream.fd =
      ::socket(options_.server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  stream.phase = Phase::connecting;
  ++connecting_;
  if (stream.fd < 0) return drop(stream);
  if (options_.source != 0) {
    const int on = 1;
    setsockopt(stream.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const std::uint32_t host = options_.source + 1 + index % kSourcesPerProcess;
    sockaddr_in source{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(host)}};
    if (::bind(stream.fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
      return drop(stream);
    }
  }
  if (::connect(stream.fd, options_.server.get(), options_.server.size) != 0 &&
      errno != EINPROGRESS) {
    return drop(stream);
  }
  // The request waits for the loop to report the connection, as it would wait for a network: over
  // loopback it could leave at once, and a server would always find it together with the
  // connection.
  epoll_event watch{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = index}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, stream.fd, &watch) != 0) drop(stream);
}

bool Client::send_request(ClientStream& stream) {
  std::string path = options_.path;
  if (const auto at = path.find("{}"); at != std::string::npos) {
    path.replace(at, 2, options_.topics.subscription(stream.number));
  }
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + options_.host +
                              "\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n" +
                              (options_.trace ? traceparent(stream.number) : "") + "\r\n";
  const ssize_t sent = ::send(stream.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0) return false;
  stream.phase = Phase::head;
  return true;
}

void Client::on_ready(std::uint32_t index) {
  ClientStream& stream = streams_[index];
  if (stream.fd < 0) return;
  if (stream.phase == Phase::connecting) {
    if (!send_request(stream)) drop(stream);
    return;
  }
  // Edge-triggered: a read that fills the buffer may have left something behind.
  for (std::size_t got = buffer_.size(); got == buffer_.size() && stream.fd >= 0;) {
    const ssize_t n = ::recv(stream.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n == 0) errno = ECONNRESET;
    if (n <= 0) return drop(stream);
    got = static_cast<std::size_t>(n);
    on_bytes(stream, {buffer_.data(), got});
    if (!options_.reads && stream.phase == Phase::open) return;
  }
}

void Client::on_bytes(ClientStream& stream, std::string_view bytes) {
  if (stream.phase == Phase::head) {
    if (!take_head(stream, bytes)) return;
    answers_.erase(stream.number);
    stream.phase = Phase::open;
    stream.order.begin_after(window_.next.load(std::memory_order_acquire) - 1);
    --connecting_;
    state_.last_opened_ns.store(monotonic_ns(), std::memory_order_relaxed);
    state_.opened.add();
    if (!options_.reads) epoll_ctl(epoll_, EPOLL_CTL_DEL, stream.fd, nullptr);
  }
  state_.bytes.add(bytes.size());
  const std::uint64_t now = monotonic_ns();
  stream.text.feed(bytes, [&](std::string_view text) {
    stream.scanner.feed(text, [&](Mark mark) { on_mark(stream, mark, now); });
  });
  if (stream.text.ended()) drop(stream);
}

// Removes the head from `bytes`. False: it is not complete, or the answer is a refusal, which is
// dropped once it is complete.
bool Client::take_head(ClientStream& stream, std::string_view& bytes) {
  constexpr std::string_view kBegin = "HTTP/";
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::string& answer = answers_[stream.number];
  const std::size_t before = answer.size();
  answer.append(bytes.substr(0, kAnswerBytesMax - before));
  const std::size_t end = answer.find(kEnd);
  if (end == std::string::npos) {
    const std::size_t known = std::min(answer.size(), kBegin.size());
    if (answer.size() == kAnswerBytesMax || answer.substr(0, known) != kBegin.substr(0, known)) {
      drop(stream);
    }
    return false;
  }
  const std::size_t body = end + kEnd.size();
  const AnswerHead head = parse_answer_head(std::string_view(answer).substr(0, body));
  if (head.is_stream) {
    bytes.remove_prefix(body - before);
    stream.text = StreamText(head.chunked);
  } else if (answer.size() >= std::min(body + head.body_bytes, kAnswerBytesMax)) {
    drop(stream);
  }
  return head.is_stream;
}

void Client::on_mark(ClientStream& stream, Mark mark, std::uint64_t now) {
  if (!counting_) return;
  const std::uint32_t first = window_.first.load(std::memory_order_acquire);
  // What became of an earlier command's event was counted when that ended.
  if (mark.group == options_.group && mark.event < first) return;
  const std::uint32_t index = mark.event - first;
  const TopicPlan& topics = options_.topics;
  if (mark.group != options_.group || !topics.subscribes(stream.number, mark.topic) ||
      mark.event >= window_.next.load(std::memory_order_acquire)) {
    return state_.strays.add();
  }
  const std::uint32_t before = stream.order.newest();
  switch (stream.order.note(mark.event)) {
    case EventOrder::Kind::next:
      if (mark.event != before + 1) {
        Counter& lost = before < first ? state_.lost_first : state_.lost;
        lost.add(topics.owed(stream.number, before, mark.event - 1));
      }
      break;
    case EventOrder::Kind::too_old:
      state_.too_old.add();
      [[fallthrough]];
    case EventOrder::Kind::duplicate:
      return state_.duplicates.add();
    case EventOrder::Kind::late:
      state_.late.add();
      break;
  }
  state_.arrived_ns[index].store(now, std::memory_order_relaxed);
  arrived_count_ = std::max(arrived_count_, index + 1);
  const std::uint64_t due = window_.due_ns[index].load(std::memory_order_relaxed);
  const std::uint64_t latency = now > due ? now - due : 0;
  state_.latency.record(latency);
  if (slices_) {
    const std::uint64_t slice = window_.slice_ns.load(std::memory_order_relaxed);
    const std::uint64_t began = window_.began_ns.load(std::memory_order_relaxed);
    const std::uint64_t at = due > began ? (due - began) / slice : 0;
    state_.slices[std::min<std::uint64_t>(at, kSlicesMax - 1)].record(latency);
  }
  ++stream.received;
  state_.received.add();
}

// Memory that holds zeros is not written: it would become memory of the process.
void Client::begin() {
  for (ClientStream& stream : streams_) {
    stream.received = 0;
    // It took too long to open: the command counts on those that are open now.
    if (stream.phase == Phase::connecting || stream.phase == Phase::head) {
      errno = ETIMEDOUT;
      drop(stream);
    }
  }
  state_.latency.clear();
  for (std::uint32_t i = 0; i < arrived_count_; ++i) state_.arrived_ns[i].store(0);
  arrived_count_ = 0;
  if (slices_) {
    for (Histogram& slice : state_.slices) slice.clear();
  }
  slices_ = window_.slice_ns.load() != 0;
  counting_ = true;
  state_.commands_done.fetch_add(1, std::memory_order_release);
}

// The end of a command: what was published and a stream has not received by now is lost.
void Client::look_for_last_events() {
  const std::uint32_t last = window_.next.load(std::memory_order_acquire) - 1;
  const std::uint32_t answered = window_.answered.load(std::memory_order_acquire) - 1;
  for (ClientStream& stream : streams_) {
    if (stream.phase != Phase::open || !options_.reads || stream.order.newest() >= last) continue;
    const std::uint32_t newest = stream.order.newest();
    if (newest < answered) {
      state_.lost_last.add(options_.topics.owed(stream.number, newest, answered));
    }
    stream.order.skip_through(last);
  }
  counting_ = false;
  state_.commands_done.fetch_add(1, std::memory_order_release);
}

// Gives up a stream. One that never opened is refused, with the reason in its answer or in errno.
void Client::drop(ClientStream& stream) {
  if (stream.phase == Phase::open) {
    state_.ended_received.add(stream.received);
    state_.ended.fetch_add(1, std::memory_order_release);
  } else {
    note_refusal(stream);
    state_.refused.add();
    --connecting_;
  }
  stream.phase = Phase::closed;
  if (stream.fd >= 0) ::close(stream.fd);
  stream.fd = -1;
}

void Client::note_refusal(const ClientStream& stream) {
  const int error = errno;
  const auto answer = answers_.extract(stream.number);
  if (state_.refusal_bytes.load() != 0) return;
  const std::string reason = answer ? refusal_reason(answer.mapped()) : std::strerror(error);
  state_.refusal_bytes.store(
      static_cast<std::uint32_t>(reason.copy(state_.refusal.data(), state_.refusal.size())),
      std::memory_order_release);
}

}  // namespace

int run_client(const ClientOptions& options, int commands, const Window& window,
               ClientState& state) {
  return Client(options, window, state).run(commands);
}

}  // namespace crier::bench
