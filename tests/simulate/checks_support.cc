#include <algorithm>

#include "core/turn_limits.h"
#include "tests/simulate/world.h"
#include "tests/support/catch.h"

namespace crier::broadcast::simulate {

void World::on_stream_opened(StreamToken token, const Stream& stream, bool) {
  const auto client = by_generation_.find(token.generation);
  REQUIRE(client != by_generation_.end());
  REQUIRE(stream.connection == client->second->fd());
}

void World::on_stream_ended(StreamToken token, const Stream& stream, EndReason reason,
                            Instant now) {
  REQUIRE(by_generation_.contains(token.generation));
  Client& client = *by_generation_[token.generation];
  INFO("client " << client.facts().number << " ended: " << to_string(reason));
  REQUIRE(client.token() == token);
  const ConnectionHandle fd = client.fd();
  REQUIRE(stream.connection == fd);
  if (io_[fd].bytes != progress_[fd].bytes) progress_[fd] = {io_[fd].bytes, now, {}};
  client.take(io_[fd].sent, now, step_);
  const std::uint64_t quiet_us = now.us - progress_[fd].at.us;
  switch (reason) {
    case EndReason::expired:
      REQUIRE(ticks_between(stream.opened_at, now.tick()) >=
              setting_.worker.stream_seconds_max * 80);
      [[fallthrough]];
    case EndReason::closed:
    case EndReason::drained:
    case EndReason::overflow:
    case EndReason::memory:
      if (reason == EndReason::closed) REQUIRE((client.all_closed() || io_[fd].gone));
      // Without memory for a ring a blocked stream cannot be sent its end.
      if (setting_.worker.ring_bytes_max < 1'000) break;
      REQUIRE((client.told_end(to_string(reason)) || io_[fd].gone));
      break;
    case EndReason::stalled:
      REQUIRE(quiet_us + 100'000 >= std::min(5U, live_options_.owing_seconds_max) * 1'000'000ULL);
      break;
    case EndReason::no_memory:
      REQUIRE((setting_.worker.ring_bytes_max < 1'000 ||
               setting_.worker.owed_total_bytes_max < 10'000 || io_[fd].unwatchable));
      break;
    case EndReason::drain_cut:
      REQUIRE(cut_);
      break;
    case EndReason::client_closed:
    case EndReason::input_flood:
      break;
  }
  client.break_off();
  progress_.erase(fd);
}

void World::check_bounds() {
  REQUIRE(worker_->consistent());
  StreamTable& streams = worker_->streams();
  std::size_t connected = 0;
  std::uint64_t queue_bytes = 0;
  std::uint64_t memory = 0;
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    ++connected;
    const Stream* stream = streams.find(client->token());
    REQUIRE(stream != nullptr);
    REQUIRE(stream->connection == client->fd());
    if (stream->owing == kNone) continue;
    const Owing& owing = streams.owing(*stream);
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < owing.ring.size(); ++i) {
      bytes += owing.ring[i]->wire(stream->framing()).size();
      memory += owing.ring[i]->memory_bytes();
    }
    REQUIRE(bytes == owing.bytes);
    queue_bytes += bytes;
    REQUIRE(owing.ring.size() <= setting_.worker.owed_events_max + 4);
    if (client->facts().policy == OverflowPolicy::conflate) {
      // One event of each topic and a few of crier's own, in storage with room for twice as many.
      REQUIRE(owing.ring.size() <= 3 * (setting_.topics + 5));
    }
  }
  REQUIRE(connected == worker_->open_streams());
  REQUIRE(counts_.streams == connected);
  REQUIRE(connected <= setting_.streams_max);
  REQUIRE(stats_.queue_bytes.read() == queue_bytes);
  const std::uint64_t all = account_.bytes;
  const std::uint64_t unretained = all - control_.log().stats().history_frame_bytes.read();
  const std::uint64_t bound = setting_.worker.owed_total_bytes_max;
  if (!worker_->unfinished()) REQUIRE((unretained <= bound || memory <= bound));
}

// A stream that takes no byte it is owed must be ended; one that keeps up must get heartbeats.
void World::check_stalled() {
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    const Stream& stream = *worker_->streams().find(client->token());
    const Progress& progress = progress_[client->fd()];
    // A socket that reports room is no longer blocked, even if it then takes no byte.
    const std::uint64_t quiet_us = now_.us - std::max(progress.at, progress.writable_at).us;
    INFO("client " << client->facts().number << " quiet for " << quiet_us << " us, state "
                   << static_cast<int>(stream.state) << ", flags " << int{stream.flags});
    // Without memory for a ring, too, such a stream asks the log again and again.
    const bool starved = stream.has(Stream::kStarved) && setting_.worker.ring_bytes_max >= 1'000;
    if (stream.has(Stream::kBlocked) || starved) {
      // It may have kept up without a byte until its last heartbeat was due.
      const std::uint64_t most = live_options_.owing_seconds_max + live_options_.heartbeat_seconds;
      REQUIRE(quiet_us <= (most + 4) * 1'000'000ULL);
    } else if (stream.state == StreamState::live) {
      REQUIRE(now_.us - std::max(progress.at, progress.starved_at).us <=
              (live_options_.heartbeat_seconds + 3) * 1'000'000ULL);
    }
  }
}

bool World::at_rest() const {
  const auto caught_up = [&](const auto& client) {
    return !client->connected() ||
           worker_->streams()[client->token().index].state == StreamState::live;
  };
  return control_.idle() && !worker_->unfinished() && std::ranges::all_of(clients_, caught_up);
}

void World::come_to_rest() {
  memory_.stage = memory_.level = MemoryStage::ok;
  live_options_.stream_seconds_max = 0;
  worker_->set_live_options(live_options_);
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    ScriptedIo::Socket& socket = io_[client->fd()];
    socket.starved = false;
    socket.room = socket.per_write_max = ScriptedIo::kUnlimited;
  }
  for (int rounds = 0; !at_rest(); ++rounds) {
    INFO("not at rest after " << rounds << " rounds");
    REQUIRE(rounds < 30'000);
    control_turn();
    worker_turn(100);
    deliver_edges(100);
    pass(20'000);
    settle_turn();
  }
  settle_turn();
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    client->check_complete();
    REQUIRE_FALSE(client->all_closed(control_.log()));
  }
}

void World::end_all() {
  if (one_in(3)) {
    const std::uint64_t spread_ms = one_in(3) ? 0 : random_.between(1'000, 6'000);
    if (one_in(2)) publish_some();
    for (const auto& client : clients_) {
      if (client->connected() && one_in(4)) io_[client->fd()].room = random_.between(0, 200);
    }
    worker_->begin_drain(static_cast<std::uint32_t>(spread_ms), now_);
    REQUIRE(worker_->reserve({}, now_) == std::unexpected(Refused::draining));
    control_turn();
    worker_turn(50);
    pass((spread_ms + kDrainLastMs) * 1'000);
    settle_turn();
    for (const auto& client : clients_) {
      if (!client->connected()) continue;
      // Only streams that do not take the bytes they are owed are left.
      REQUIRE(worker_->streams().find(client->token())->state == StreamState::ending);
    }
  }
  cut_ = true;
  worker_->cut_all();
  settle_turn();
}

void World::check_nothing_left() {
  REQUIRE(worker_->open_streams() == 0);
  REQUIRE(worker_->streams().owing_count() == 0);
  REQUIRE(worker_->streams().ring_bytes() == 0);
  REQUIRE(worker_->topics().size() == 0);
  REQUIRE(worker_->topics().patterns().size() == 0);
  REQUIRE(stats_.queue_bytes.read() == 0);
  REQUIRE(stats_.streams.read() == 0);
  REQUIRE(stats_.streams_owing.read() == 0);
  REQUIRE(counts_.streams == 0);
  REQUIRE(counts_.addresses.rows_in_use() == 0);
  if (counts_.topics) REQUIRE(counts_.topics->rows_in_use() == 0);
  for (const auto& streams : counts_.streams_of_row) REQUIRE(streams == 0);
  for (int rounds = 0; !control_.idle() || worker_->unfinished(); ++rounds) {
    REQUIRE(rounds < 10'000);
    control_turn();
    worker_turn(100);
    worker_->finish_turn(now_);
  }
  REQUIRE(stats_.replays_waiting.read() == 0);
  worker_.reset();
  REQUIRE(account_.frames == control_.log().stats().history_events.read());
}

Happened World::count() const {
  Happened happened;
  happened.events = record_.head();
  happened.delivered = stats_.events_delivered.read();
  happened.opened = stats_.opened.read();
  happened.refused = refused_;
  happened.patterns_refused = patterns_refused_;
  happened.topics_full = topics_full_;
  happened.rows_full = rows_full_;
  happened.over = over_;
  happened.overflows = stats_.overflows.read();
  happened.gave_way = stats_.gave_way.read();
  happened.dropped = stats_.frames_dropped.read();
  happened.superseded = stats_.events_superseded.read();
  for (std::size_t i = 0; i < kNamesOf<GapReason>.size(); ++i)
    happened.gaps[i] = stats_.gaps[i].read();
  for (std::size_t i = 0; i < kNamesOf<EndReason>.size(); ++i) {
    happened.ended[i] = stats_.ended[i].read();
  }
  happened.lags = control_.lags();
  happened.losses = control_.losses();
  happened.topic_losses = control_.topic_losses();
  happened.paced = stats_.blocked_by_rate.read();
  happened.replayed = stats_.replay_frames.read();
  happened.heartbeats = stats_.heartbeats.read();
  return happened;
}

void Happened::add(const Happened& other) {
  events += other.events;
  delivered += other.delivered;
  opened += other.opened;
  refused += other.refused;
  patterns_refused += other.patterns_refused;
  topics_full += other.topics_full;
  rows_full += other.rows_full;
  over += other.over;
  overflows += other.overflows;
  gave_way += other.gave_way;
  dropped += other.dropped;
  superseded += other.superseded;
  for (std::size_t i = 0; i < kNamesOf<GapReason>.size(); ++i) gaps[i] += other.gaps[i];
  for (std::size_t i = 0; i < kNamesOf<EndReason>.size(); ++i) ended[i] += other.ended[i];
  lags += other.lags;
  losses += other.losses;
  topic_losses += other.topic_losses;
  paced += other.paced;
  replayed += other.replayed;
  heartbeats += other.heartbeats;
}

}  // namespace crier::broadcast::simulate
