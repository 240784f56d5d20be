// The worker's answers to control's pages: see WorkerPages.
#include <utility>

#include "cmd/daemon/worker/worker.h"

namespace crier::cmd {
namespace {

// Slots looked at for one page, so that a nearly empty table is not scanned in one turn.
constexpr std::size_t kSlotsPerPage = 65'536;

}  // namespace

StreamPage Worker::list_streams(std::uint32_t from, std::size_t limit) const {
  const broadcast::StreamTable& streams = std::as_const(*broadcaster_).streams();
  const Instant now = net::Loop::now();
  StreamPage page;
  std::size_t slot = from;
  for (std::size_t looked = 0; slot < streams.end() && looked < kSlotsPerPage; ++slot, ++looked) {
    if (page.rows.size() == limit) break;
    const auto index = static_cast<broadcast::StreamIndex>(slot);
    if (streams.taken(index)) page.rows.push_back(row_of(index, now));
  }
  page.next = slot < streams.end() ? slot : 0;
  return page;
}

StreamRow Worker::row_of(broadcast::StreamIndex index, Instant now) const {
  const broadcast::StreamTable& streams = std::as_const(*broadcaster_).streams();
  const broadcast::Stream& stream = streams[index];
  StreamRow row;
  row.session_id = names_->session_id(streams.token(index));
  row.trace_id = names_->trace_id(streams.token(index), stream);
  row.address = names_->address(stream);
  row.state = to_string(stream.state);
  for (const Selector& topic : broadcaster_->topics().subscriptions(stream)) {
    row.topics.push_back(topic);
  }
  row.bytes_sent = stream.bytes_sent;
  row.events_sent = stream.events_sent;
  if (stream.owing != broadcast::kNone) {
    row.owed_events = streams.owing(stream).ring.size();
    row.owed_bytes = streams.owing(stream).bytes;
    row.waiting = streams.owing(stream).waiting();
  }
  row.position = stream.sequence_next - 1;
  row.from_history = stream.state == broadcast::StreamState::replaying;
  row.path = io_->path(stream.connection);
  row.open_seconds =
      static_cast<double>(ticks_between(stream.opened_at, now.tick())) / kTicksPerSecond;
  return row;
}

std::vector<LaggingStream> Worker::take_lagging() {
  using broadcast::StreamState;
  const Instant now = net::Loop::now();
  std::vector<LaggingStream> rows;
  for (const broadcast::LagSurvey::Found& found : broadcaster_->take_lagging(now)) {
    const broadcast::Stream* const stream = broadcaster_->streams().find(found.token);
    if (stream == nullptr) continue;
    if (stream->state != StreamState::owing && stream->state != StreamState::replaying) continue;
    rows.push_back({setup_.identity.worker, found.sequence, row_of(found.token.index, now)});
  }
  return rows;
}

WorkerRow Worker::row() const {
  return {.place = place(),
          .streams = stats_.streams.read(),
          .streams_opened = stats_.opened.read(),
          .connections_accepted = listener_->counters().accepted.read(),
          .bytes_sent = stats_.bytes_sent.read()};
}

}  // namespace crier::cmd
