#include "cmd/daemon/admin/topic_tails.h"

#include <algorithm>
#include <utility>

#include "cmd/daemon/admin/event_stream.h"
#include "core/check.h"
#include "core/text/escape.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kTailBegin = "retry: 2000\n\n";
constexpr std::string_view kTailHeartbeat = ":\n\n";
// A byte takes at most six in JSON. The rest is topic, name, id and keys.
static_assert(TopicTails::kDataBytesMax * 6 + 4 * 1024 <= net::kStreamPieceMax);

// Removes the first line and its end.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

// Not within a character.
std::string_view beginning_of(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace

std::string tailed_event_json(std::string_view topic, std::string_view text) {
  const std::size_t bytes = text.size();
  std::string_view id;
  std::string_view name;
  std::string data;
  bool any_data = false;
  bool cut = false;
  while (!text.empty() && !cut) {
    const std::string_view line = take_line(text);
    if (line.starts_with("id: ")) id = line.substr(4);
    if (line.starts_with("event: ")) name = line.substr(7);
    if (!line.starts_with("data: ")) continue;
    if (std::exchange(any_data, true)) data += '\n';
    const std::size_t room =
        TopicTails::kDataBytesMax - std::min(TopicTails::kDataBytesMax, data.size());
    const std::string_view shown = beginning_of(line.substr(6), room);
    data += shown;
    cut = shown.size() < line.size() - 6 || data.size() > TopicTails::kDataBytesMax;
  }
  std::string json = "{\"id\":";
  append_json_string(json, id);
  append_json_string(json.append(",\"topic\":"), topic);
  if (!name.empty()) append_json_string(json.append(",\"event\":"), name);
  append_json_string(json.append(",\"data\":"), data);
  json.append(",\"bytes\":").append(std::to_string(bytes));
  return json.append(cut ? ",\"cut\":true}" : ",\"cut\":false}");
}

TopicTails::TopicTails(Parts parts)
    : parts_(std::move(parts)), timer_(parts_.loop, [this] { on_tick(); }) {}

bool TopicTails::full() {
  forget_gone();
  return tails_.size() >= parts_.tails_max;
}

void TopicTails::add(const net::Responder& responder, std::string_view trace_id, bool head_only,
                     Selector topic) {
  if (head_only) return responder.stream(event_stream_head(trace_id), {}).end();
  CRIER_CHECK(tails_.size() < parts_.tails_max);
  if (tails_.empty()) {
    parts_.batches.add(*this);
    timer_.start_repeating(parts_.tick_ms);
  }
  const auto stream = responder.stream(event_stream_head(trace_id), [this] { forget_gone(); });
  const Instant now = parts_.now();
  // Refused while much of an earlier answer waits; clients do without it.
  static_cast<void>(stream.write(kTailBegin));
  tails_.push_back({.stream = stream, .topic = std::move(topic), .took_all = now, .wrote_at = now});
}

void TopicTails::close() {
  for (const Tail& tail : std::exchange(tails_, {})) {
    if (tail.stream.wanted()) tail.stream.end();
  }
  rest();
}

void TopicTails::rest() {
  timer_.stop();
  parts_.batches.remove(*this);
}

void TopicTails::forget_gone() {
  std::erase_if(tails_, [](const Tail& tail) { return !tail.stream.wanted(); });
  if (tails_.empty()) rest();
}

void TopicTails::on_batch(const broadcast::Batch& batch) {
  for (Tail& tail : tails_) {
    for (const FrameRef& frame : batch) {
      if (!tail.topic.matches(frame->topic())) continue;
      if (tail.sent < kEventsPerTick &&
          write(tail, "event: event\ndata: " +
                          tailed_event_json(frame->topic(), frame->wire(Framing::plain)) +
                          "\n\n")) {
        ++tail.sent;
        continue;
      }
      ++tail.skipped;
      tail.sent = kEventsPerTick;  // The client has much to read: until the next tick, only count.
    }
  }
}

// Says first how many events were skipped, if some were.
bool TopicTails::write(Tail& tail, std::string_view message) const {
  std::string all;
  if (tail.skipped > 0) {
    all = "event: skipped\ndata: {\"events\":" + std::to_string(tail.skipped) + "}\n\n";
  }
  if (!tail.stream.write(all.append(message))) return false;
  tail.skipped = 0;
  tail.wrote_at = parts_.now();
  return true;
}

void TopicTails::on_tick() {
  if (!parts_.config.admin.debug) return close();
  forget_gone();
  const Instant now = parts_.now();
  std::erase_if(tails_, [&](Tail& tail) {
    tail.sent = 0;
    if (tail.stream.waiting() == 0) tail.took_all = now;
    const bool quiet = now.us - tail.wrote_at.us >= kHeartbeatSeconds * 1'000'000;
    if (tail.skipped > 0 || quiet) {
      // Refused while the client has much to read. Without writes, a client that left is not seen.
      static_cast<void>(write(tail, quiet ? kTailHeartbeat : std::string_view()));
    }
    const bool unread = now.us - tail.took_all.us > kUnreadSeconds * 1'000'000;
    if (unread) tail.stream.end();
    return unread;
  });
  if (tails_.empty()) rest();
}

}  // namespace crier::cmd
