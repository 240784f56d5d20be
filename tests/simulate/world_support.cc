#include "tests/simulate/world.h"

#include <algorithm>
#include <utility>

#include "core/text/event_id.h"
#include "core/turn_limits.h"
#include "tests/support/catch.h"

namespace crier::broadcast::simulate {
namespace {

constexpr std::uint64_t kMs = 1'000;
const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      holes_(seed % 2 == 0),
      setting_(setting_of(random_)),
      control_(setting_.log, setting_.control, account_),
      counts_(1'000, HashKey{1, 2}),
      live_options_(setting_.worker) {
  counts_.streams_max = setting_.streams_max;
  counts_.streams_per_address_max = setting_.streams_per_address_max;
  if (const std::uint32_t cap = setting_.streams_per_topic_max; cap > 0) {
    counts_.cap_topics(cap, 100, HashKey{3, 4});
  }
  WorkerOptions options = setting_.worker;
  options.frames = &account_;
  options.history_bytes = &control_.log().stats().history_frame_bytes;
  options.closed = &control_.log().closed_topics();
  options.memory = &memory_;
  worker_ = std::make_unique<Broadcaster>(Broadcaster::Parts{io_, control_, *this, stats_, counts_},
                                          std::move(options));
  for (std::size_t number = 0; number < setting_.clients; ++number) {
    Client::Facts facts;
    facts.number = number;
    facts.subscriptions = subscriptions_of(random_, setting_.topics);
    facts.framing = one_in(3) ? Framing::plain : Framing::chunked;
    const TopicClasses& classes = *setting_.worker.classes;
    const TopicClass& row = classes[classes.of_subscriptions(facts.subscriptions)];
    facts.policy = row.policy;
    facts.rate = row.rate;
    if (one_in(6)) {
      facts.rate_asked = one_in(2) ? 5 : 200;
      facts.rate = row.rate.lowered_to(facts.rate_asked);
    }
    facts.bytes_rate = row.bytes_rate;
    clients_.push_back(std::make_unique<Client>(std::move(facts), record_, setting_.log.epoch));
  }
}

// The head of the log must equal the model's.
void World::publish_first() {
  const std::string topic = topic_name(0);
  control_.publish({.topic = topic, .data = "first"}, record_.before(), now_);
  record_.add({topic, "", "first"});
}

Happened World::run() {
  if (record_.before() > 0) publish_first();
  for (std::size_t i = 0; i < setting_.steps; ++i) {
    step();
    settle_turn();
  }
  come_to_rest();
  end_all();
  const Happened happened = count();
  check_nothing_left();
  return happened;
}

void World::step() {
  switch (random_.between(0, 15)) {
    case 0:
    case 1:
    case 2:
      return one_in(60) ? close_one() : publish_some();
    case 3:
    case 4:
      return open_some();
    case 5:
    case 6:
    case 7:
      return disturb_socket();
    case 8:
      return one_in(8) ? change_memory_stage() : hang_up();
    case 9:
    case 10:
      return control_turn();
    case 11:
    case 12:
      return worker_turn(random_.between(1, 20));
    case 13:
      return pass(random_.between(1, 100) * kMs);
    case 14:
      return one_in(4) ? pass(random_.between(100, 9'000) * kMs) : deliver_edges(50);
    default:
      control_turn();
      return worker_turn(50);
  }
}

// Memory is usually not short, so that replays go on and streams open.
void World::change_memory_stage() {
  constexpr auto kHighest = static_cast<std::uint32_t>(MemoryStage::refuse_events);
  memory_.stage = static_cast<MemoryStage>(one_in(2) ? random_.between(0, kHighest) : 0);
  memory_.level = memory_.stage.load();
}

void World::publish_some() {
  const std::uint32_t count = one_in(4) ? random_.between(1, 120) : random_.between(1, 5);
  const bool one_topic = one_in(2);
  const auto any = [&] {
    return topic_name(random_.between(0, static_cast<std::uint32_t>(setting_.topics) - 1));
  };
  std::string topic = any();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!one_topic) topic = any();
    // A journal may put an event after the closing one; publishers cannot.
    if (control_.log().closing_of(topic) && !one_in(40)) continue;
    std::string data = std::to_string(record_.head() + 1) + (one_in(5) ? "\n: \n" : "=");
    data.append(random_.between(0, setting_.data_bytes), 'x');
    const std::string name = one_in(3) ? "n" + std::to_string(i) : "";
    const std::uint32_t hole = holes_ && one_in(4) ? random_.between(1, 5) : 0;
    control_.publish({.topic = topic, .data = data, .name = name}, hole, now_);
    record_.skip(hole);
    record_.add({topic, name, data});
    record_.look_at(control_.log(), now_, step_);
    if (one_in(60)) control_turn();
  }
}

void World::close_one() {
  const std::string topic =
      topic_name(random_.between(0, static_cast<std::uint32_t>(setting_.topics) - 1));
  const std::string data = closed_data(topic);
  control_.publish({.topic = topic, .data = data, .name = kClosedName}, 0, now_);
  record_.add({topic, std::string(kClosedName), data});
  record_.look_at(control_.log(), now_, step_);
}

void World::open_some() {
  for (const auto& client : clients_) {
    if (!client->connected() && one_in(3)) connect(*client);
  }
}

ResumePlan World::choose_plan(Client& client) {
  const std::uint64_t head = record_.head();
  ResumePlan plan;
  plan.after = head;
  if (!client.id().empty() && !one_in(6)) {
    return plan_resume(client.id(), setting_.log.epoch, head);
  }
  static const std::string malformed[] = {"x", "0", "aaaaaaaaaaaaa-01", "-1"};
  static std::string other;  // The plan holds a view of it.
  switch (random_.between(0, 5)) {
    case 0:
      return plan_resume(malformed[random_.between(0, 3)], setting_.log.epoch, head);
    case 1:
      other = to_string(EventId{Epoch::from_random(99), random_.between(0, 500)});
      return plan_resume(other, setting_.log.epoch, head);
    case 2:
      other = to_string(EventId{setting_.log.epoch, head + random_.between(0, 2)});
      return plan_resume(other, setting_.log.epoch, head);
    case 3:
      plan.kind = ResumePlan::Kind::replay;
      plan.from = ReplayFrom::earliest;
      plan.after = 0;
      return plan;
    case 4:
      plan.kind = ResumePlan::Kind::replay;
      plan.from = ReplayFrom::last;
      plan.last_count = random_.between(0, 7);
      plan.after = 0;
      return plan;
    default:
      return plan;
  }
}

void World::connect(Client& client) {
  std::array<std::uint8_t, 16> address{};
  address[0] = static_cast<std::uint8_t>(client.facts().number % 4);
  const auto token = worker_->reserve(address, now_);
  if (!token) {
    ++refused_;
    const bool short_of_memory = memory_.is_at(MemoryStage::refuse_streams);
    REQUIRE((token.error() == Refused::memory) == short_of_memory);
    const bool capped =
        token.error() == Refused::streams_max || setting_.streams_per_address_max > 0;
    REQUIRE((short_of_memory || capped));
    return;
  }
  if (one_in(12)) return worker_->cancel(*token);
  const ResumePlan plan = choose_plan(client);
  if (worker_->is_over(client.facts().subscriptions, plan)) {
    ++over_;
    REQUIRE(client.all_closed(control_.log()));
    return worker_->cancel(*token);
  }
  const ConnectionHandle fd = io_.open();
  if (one_in(4)) io_[fd].room = random_.between(0, 400);
  if (one_in(4)) io_[fd].per_write_max = random_.between(1, 300);
  if (static_cast<std::uint32_t>(fd) % 40 == 39) io_[fd].unwatchable = true;
  StartRequest request;
  request.connection = fd;
  request.head = kHead;
  request.framing = client.facts().framing;
  request.padding = one_in(8);
  request.rate = client.facts().rate_asked;
  request.subscriptions = client.facts().subscriptions;
  request.resume = plan;
  request.address_hash = client.facts().number % 4;  // 0 means unknown.
  if (one_in(4)) request.trace_id = "a-client's-own";
  if (one_in(4)) request.trace_id = "0af7651916cd43dd8448eb211c80319c";
  by_generation_[token->generation] = &client;
  client.connect(*token, fd, plan, kHead, now_, control_.log());
  progress_[fd] = {0, now_, {}};
  if (const auto started = worker_->start(*token, request, now_); !started) {
    ++refused_;
    count_refused(started.error());
    REQUIRE(io_[fd].bytes == 0);
    REQUIRE(!io_[fd].closed);
    client.break_off();
    progress_.erase(fd);
  }
}

void World::count_refused(Refused why) {
  switch (why) {
    case Refused::topics_max:
      return;
    case Refused::patterns_max:
      ++patterns_refused_;
      return;
    case Refused::streams_per_topic_max:
      REQUIRE(setting_.streams_per_topic_max > 0);
      ++topics_full_;
      return;
    case Refused::class_streams_max:
      ++rows_full_;
      return;
    case Refused::streams_max:
    case Refused::streams_per_address_max:
    case Refused::memory:
    case Refused::draining:
      FAIL("reserve() refuses for this reason, and start() does not");
  }
}

void World::disturb_socket() {
  const std::uint32_t kind = random_.between(0, 11);
  for (const auto& client : clients_) {
    if (!client->connected() || !one_in(4)) continue;
    ScriptedIo::Socket& socket = io_[client->fd()];
    if (kind < 3) {
      socket.room = random_.between(0, 3'000);
    } else if (kind < 6) {
      socket.room = 0;
    } else if (kind < 9) {
      socket.room = ScriptedIo::kUnlimited;
    } else if (kind == 9) {
      socket.per_write_max = one_in(2) ? ScriptedIo::kUnlimited : random_.between(1, 500);
    } else if (kind == 10) {
      socket.starved = !socket.starved;
    } else if (one_in(3)) {
      socket.gone = true;
    }
  }
}

void World::hang_up() {
  for (const auto& client : clients_) {
    if (!client->connected() || !one_in(12)) continue;
    if (one_in(5)) {
      io_[client->fd()].input += random_.between(1, 100) * 1'024;
      worker_->on_readable(client->token());
    } else {
      worker_->on_peer_closed(client->token());
    }
  }
}

void World::control_turn() {
  if (one_in(3)) control_.log().expire(now_);
  const auto about = [&](const ReplayRequest& request) {
    record_.look_at(control_.log(), now_, step_);
    const auto client = by_generation_.find(request.generation);
    REQUIRE(client != by_generation_.end());
    if (client->second->token().generation == request.generation) {
      const bool forgot = control_.log().stats().topics_forgotten.read() > 0;
      client->second->on_request(request, forgot, control_.log());
    }
  };
  const bool feed_first = one_in(2);
  if (feed_first) control_.feed();
  for (std::uint32_t i = random_.between(0, 5); i > 0; --i) control_.answer(now_, about);
  if (!feed_first) control_.feed();
  record_.look_at(control_.log(), now_, step_);
}

void World::worker_turn(std::uint32_t most) {
  for (std::uint32_t i = 0; i < most; ++i) {
    const bool took = control_.hand_over(*worker_, now_);
    if (!took || one_in(3)) worker_->run(now_);
    if (!took && !worker_->unfinished()) break;
  }
}

// Advances the clock with the calls of the worker's timers.
void World::pass(std::uint64_t us) {
  const std::uint64_t until = now_.us + us;
  while (now_.us < until) {
    now_.us = std::min(until, now_.us + 10 * kMs);
    const std::uint64_t ms = now_.us / kMs;
    if (ms >= last_revisit_ms_ + kRevisitTickMs) {
      last_revisit_ms_ = ms;
      worker_->revisit();
      worker_->run(now_);
    }
    if (ms >= last_tick_ms_ + kSweepTickMs) {
      last_tick_ms_ = ms;
      worker_->tick(now_);
      settle_turn();
    }
  }
}

// Ends a turn, and hands the clients the bytes sent in it.
void World::settle_turn() {
  ++step_;
  deliver_edges(80);
  worker_->finish_turn(now_);
  read_sockets();
  check_bounds();
  check_stalled();
}

void World::deliver_edges(std::uint32_t percent) {
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    ScriptedIo::Socket& socket = io_[client->fd()];
    const bool writable = socket.room > 0 && !socket.starved;
    if (!socket.output_watched || !socket.owes_edge || !(writable || socket.gone)) continue;
    if (random_.between(1, 100) > percent) continue;
    socket.owes_edge = false;
    progress_[client->fd()].writable_at = now_;
    worker_->on_writable(client->token(), now_);
  }
}

void World::read_sockets() {
  for (const auto& client : clients_) {
    if (!client->connected()) continue;
    ScriptedIo::Socket& socket = io_[client->fd()];
    Progress& progress = progress_[client->fd()];
    if (socket.bytes != progress.bytes)
      progress = {socket.bytes, now_, progress.starved_at, progress.writable_at};
    if (socket.starved) progress.starved_at = now_;
    client->take(socket.sent, now_, step_);
    socket.sent.clear();
  }
}

}  // namespace crier::broadcast::simulate
