#include "cmd/daemon/worker/worker.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "cmd/system/processors.h"
#include "core/check.h"
#include "core/probe.h"
#include "core/turn_limits.h"
#include "net/socket/descriptor_table.h"
#include "net/socket/peer_address.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kAcceptsInTurn = 16;        // Then the next worker accepts.
constexpr std::uint32_t kRefusalsPerSecond = 16;  // Lines; as many as the log writes of a message.
constexpr std::size_t kOriginBytesMax = 256;
constexpr std::size_t kPathBytesMax = 128;
constexpr std::size_t kAcceptsInDrain = 4'096;  // The longest queue of the default backlog.

}  // namespace

Worker::Worker(WorkerSetup setup, const Shared& shared)
    : setup_(std::move(setup)),
      shared_(shared),
      link_({[this] { wake(); }, shared_.wake_control}),
      wakeup_(loop_, [] {}) {}

Worker::~Worker() {
  CRIER_CHECK(!thread_.joinable());
}

void Worker::start_thread() {
  try {
    thread_ = std::thread([this] { run_thread(); });
  } catch (const std::system_error& error) {
    shared_.tables_left.count_down();  // Or the others would wait for this one.
    started_.set_value(fail(Errc::os, std::string("cannot start a worker's thread: ") +
                                          error.what() +
                                          "; lower workers.count or raise TasksMax= (ulimit -u)"));
  }
}

void Worker::run_thread() {
  // For `top -H` and the like; at most 15 characters.
  const std::string name = "crier-w" + std::to_string(setup_.identity.worker);
  ::pthread_setname_np(::pthread_self(), name.c_str());
  // Before it makes a table: memory is on the node whose processor touches it first.
  if (setup_.place) pinned_ = pin_this_thread(setup_.place->number);
  Result<void> ready;
  if (setup_.own_descriptor_table) ready = net::leave_shared_table();
  shared_.tables_left.arrive_and_wait();
  bool serves = false;
  try {
    if (ready) ready = set_up();
    serves = ready.has_value();
    started_.set_value(std::move(ready));
  } catch (const std::bad_alloc&) {
    started_.set_exception(std::current_exception());
  }
  if (serves) loop_.run();
  clean_up();
}

// The first descriptors of this worker.
Result<void> Worker::set_up() {
  handed_in_.reset(setup_.handed_in.listener);
  if (setup_.own_descriptor_table) {
    for (const int fd : setup_.handed_in.others) ::close(fd);
  }
  auto ready = net::ReadySet::create();
  if (!ready) return std::unexpected(ready.error());
  ready_ = std::make_unique<net::ReadySet>(std::move(*ready));
  sockets_poll_ = std::make_unique<net::PollHandle>(loop_, [this] { on_sockets_ready(); });
  if (const auto watched = sockets_poll_->watch(ready_->fd()); !watched) return watched;

  io_ = std::make_unique<WorkerIo>(*ready_);
  broadcaster_ = std::make_unique<broadcast::Broadcaster>(
      broadcast::Broadcaster::Parts{*io_, link_, *this, stats_, shared_.counts}, setup_.options);
  names_ = std::make_unique<StreamNames>(
      StreamNames::Parts{*broadcaster_, *io_, setup_.identity.trace_key, setup_.identity.worker});
  routes_ = std::make_unique<SubscribeRoutes>(
      SubscribeRoutes::Parts{
          *broadcaster_, *setup_.options.classes, *io_, refusals_, *names_, shared_.log_head,
          shared_.requests,
          [this](const RefusedStream& refused) { on_refused(refused, net::Loop::now()); },
          [this](ShutOutNote note) { on_shut_out(std::move(note), net::Loop::now()); }},
      setup_.identity, setup_.policy);
  debug_ = std::make_unique<StreamDebug>(
      StreamDebug::Parts{*broadcaster_, *names_, setup_.identity.epoch,
                         std::max(kDebugLinesPerSecond / setup_.options.workers, 1U),
                         [this](DebugNote&& line) { return send(std::move(line)); }});
  follower_ = std::make_unique<EventFollower>(*broadcaster_, stats_, net::Loop::now_ns);
  pending_ = std::make_unique<net::PendingRequests>(setup_.pending, *ready_, *routes_);
  listener_poll_ = std::make_unique<net::PollHandle>(loop_, [this] { on_accept_ready(); });
  sweep_timer_ = std::make_unique<net::Timer>(loop_, [this] { on_sweep(); });
  revisit_timer_ = std::make_unique<net::Timer>(loop_, [this] { broadcaster_->revisit(); });
  pause_timer_ = std::make_unique<net::Timer>(loop_, [this] {
    // Out of its turn at a shared listener, finish_turn() resumes when the turn comes.
    if (!awaits_turn_ && listener_poll_->watching()) listener_poll_->resume();
  });
  sweep_timer_->start_repeating(kSweepTickMs);
  loop_.set_end_of_turn([this] { finish_turn(); });
  return {};
}

// Descriptors are closed in the table they were opened in, handles on the thread of their loop.
void Worker::clean_up() {
  sweep_timer_.reset();
  revisit_timer_.reset();
  pause_timer_.reset();
  listener_poll_.reset();
  sockets_poll_.reset();
  loop_.set_end_of_turn([] {});
  loop_.settle();
  if (listener_) listener_->stop();
  pending_.reset();
  if (broadcaster_) {
    broadcaster_->cut_all();
    broadcaster_->finish_turn(net::Loop::now());
  }
  note_unlogged();  // Control takes what is in the outbox once it has joined this thread.
  ready_.reset();
}

Result<void> Worker::listen() {
  using Sharing = net::Listener::Sharing;
  const Sharing sharing = setup_.handed_in.shared ? Sharing::several_workers : Sharing::one_worker;
  auto listener = handed_in_ ? net::Listener::adopt(std::move(handed_in_), setup_.listener, sharing)
                             : net::Listener::open(setup_.endpoint, setup_.listener);
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::make_unique<net::Listener>(std::move(*listener));
  if (setup_.steering && place() && !listener_->was_handed_in()) {
    if (auto preferred = listener_->prefer_processor(place()->number); !preferred) return preferred;
  }
  return listener_poll_->watch(listener_->fd());
}

void Worker::carry_out(WorkerOrders& orders) {
  if (orders.reload) reload(std::move(*orders.reload));
  if (orders.debug) debug_->set_rules(orders.debug);
  if (orders.drain_spread_ms) begin_drain(*orders.drain_spread_ms, orders.ids_end);
  if (orders.stop) loop_.stop();
  for (ControlTask& done : orders.carried_out) link_.reply(std::move(done));
}

// Refuses new streams and stops listening. Connections in the queue are answered with crier.busy,
// or are left to the next daemon if a service manager keeps the socket.
void Worker::begin_drain(std::uint32_t spread_ms, bool ids_end) {
  const Instant now = net::Loop::now();
  broadcaster_->begin_drain(spread_ms, now, ids_end);
  if (!listener_) return;
  listener_poll_->close();
  if (!listener_->was_handed_in()) {
    listener_->accept_some(kAcceptsInDrain,
                           [&](const net::Accepted& accepted) { accept(accepted, now); });
  }
  listener_->stop();
  pending_->close_idle(now);
}

void Worker::reload(WorkerReload wanted) {
  broadcaster_->set_live_options(wanted.options);
  routes_->set_policy(std::move(wanted.policy));
  setup_.notes_per_second = wanted.notes_per_second;
  if (!setup_.notes_per_second) note_unlogged();
  if (listener_) listener_->follow(wanted.sockets);
}

bool Worker::accepts() const {
  return !setup_.handed_in.shared ||
         shared_.accepting.load(std::memory_order_relaxed) == setup_.identity.worker;
}

void Worker::on_accept_ready() {
  if (!accepts()) return await_turn();
  const Instant now = net::Loop::now();
  const Counter& turned_away = pending_->counters().turned_away;
  const std::uint64_t before = turned_away.read();
  const auto end = listener_->accept_some(kAcceptsPerTurn, [&](const net::Accepted& accepted) {
    accept(accepted, now);
    ++accepted_;
  });
  const bool starved = end == net::AcceptEnd::starved;
  // Waking up for each connection of a flood costs more than closing it.
  const bool flooded =
      !setup_.handed_in.shared && end == net::AcceptEnd::drained && turned_away.read() != before;
  if (setup_.handed_in.shared && (starved || accepted_ >= kAcceptsInTurn)) {
    pass_turn_on();  // Another may have the descriptors that this one lacks.
  } else if (starved || flooded) {
    listener_poll_->pause();
  }
  if (starved || flooded) pause_timer_->start_once(starved ? kStarvedPauseMs : kFloodedPauseMs);
}

void Worker::accept(const net::Accepted& accepted, Instant now) {
  const net::PeerAddress& peer = accepted.peer;
  probe::accept(accepted.fd, peer.bytes.data(), peer.v6 ? 6 : 4, peer.port);
  pending_->accept(accepted, now);
}

void Worker::await_turn() {
  listener_poll_->pause();
  awaits_turn_ = true;
}

void Worker::pass_turn_on() {
  accepted_ = 0;
  await_turn();
  const std::uint32_t next = (setup_.identity.worker + 1) % setup_.options.workers;
  shared_.accepting.store(next, std::memory_order_relaxed);
  shared_.wake_worker(next);
}

void Worker::on_sockets_ready() {
  std::array<net::Ready, kReadyBatchMax> batch;
  const Instant now = net::Loop::now();
  for (std::size_t round = 0; round < kReadyBatchesPerTurn; ++round) {
    const std::size_t count = ready_->wait(batch);
    for (std::size_t i = 0; i < count; ++i) {
      if (net::is_pending(batch[i].token)) {
        pending_->on_ready(batch[i], now);
      } else {
        on_stream_ready(batch[i], now);
      }
    }
    if (count < batch.size()) return;
  }
}

void Worker::on_stream_ready(const net::Ready& ready, Instant now) {
  const broadcast::StreamToken token{ready.token.generation, net::row_of(ready.token)};
  if (ready.peer_closed || ready.error) {
    broadcaster_->on_peer_closed(token);
    return;
  }
  if (ready.writable) broadcaster_->on_writable(token, now);
  if (ready.readable) broadcaster_->on_readable(token);
}

void Worker::on_sweep() {
  const Instant now = net::Loop::now();
  broadcaster_->tick(now);
  pending_->sweep(now);
  // For a queue that all workers share, one of them is enough.
  const bool shared = setup_.handed_in.shared && setup_.identity.worker != 0;
  if (listener_ && !shared) listener_->look_at_queue();
  debug_->tick(now);
  if (any_unlogged_) end_notes_second(now);
}

// Everything a worker does between two sleeps besides its callbacks, in order.
void Worker::finish_turn() {
  if (const auto orders = link_.begin_turn()) carry_out(*orders);
  const bool may_resume = awaits_turn_ && !pause_timer_->running();
  if (may_resume && accepts() && listener_poll_->watching()) {
    awaits_turn_ = false;
    listener_poll_->resume();
  }
  link_.take_inbox(*broadcaster_, *this, net::Loop::now());
  for (std::size_t done = 0; done < kFanoutSlice && broadcaster_->unfinished();
       done += kGroupSlice) {
    broadcaster_->run(net::Loop::now());
  }
  follower_->finish_turn();
  if (pending_->has_work()) pending_->run(net::Loop::now());
  broadcaster_->finish_turn(net::Loop::now());
  if (broadcaster_->any_to_revisit() && !revisit_timer_->running()) {
    revisit_timer_->start_once(kRevisitTickMs);
  }
  link_.wake_if_sent();
  const bool more_input = !link_.inbox_empty() && broadcaster_->wants_input();
  loop_.keep_awake(broadcaster_->unfinished() || pending_->has_work() || more_input);
}

// Returns true if another line of this kind may be sent in this second. The end of a second reports
// what was not logged, unless control is so late that only answers may be sent to it.
bool Worker::may_note(LinesPerSecond& lines, std::uint32_t lines_max, Instant now) {
  end_notes_second(now);
  if (link_.has_room_for_notes() && lines.take(lines_max)) return true;
  any_unlogged_ = true;
  return false;
}

void Worker::end_notes_second(Instant now) {
  if (!notes_second_.over(now)) return;
  notes_.begin();
  refusal_notes_.begin();
  shut_out_notes_.begin();
  if (link_.has_room_for_notes()) note_unlogged();
}

void Worker::note_unlogged() {
  if (std::exchange(any_unlogged_, false)) link_.send(std::exchange(unlogged_, {}));
}

bool Worker::send(DebugNote&& line) {
  if (!link_.has_room_for_notes()) return false;
  link_.send(std::move(line));
  return true;
}

void Worker::on_stream_opened(broadcast::StreamToken token, const broadcast::Stream& stream,
                              bool resumed) {
  if (!setup_.notes_per_second) return;
  if (!may_note(notes_, *setup_.notes_per_second, net::Loop::now())) {
    ++unlogged_.opened;
    if (resumed) ++unlogged_.resumed;
    return;
  }
  link_.send(OpenedNote{names_->session_id(token), names_->trace_id(token, stream),
                        names_->address(stream), names_->topics(stream), resumed});
}

void Worker::on_stream_ended(broadcast::StreamToken token, const broadcast::Stream& stream,
                             broadcast::EndReason reason, Instant now) {
  if (debug_ && debug_->any_rules()) debug_->on_ended(token, stream, reason, now);
  if (!setup_.notes_per_second) return;
  if (!may_note(notes_, *setup_.notes_per_second, now)) {
    ++unlogged_.ended[static_cast<std::size_t>(reason)];
    return;
  }
  link_.send(EndedNote{names_->session_id(token), names_->trace_id(token, stream),
                       names_->address(stream), names_->topics(stream), reason, stream.bytes_sent,
                       stream.events_sent,
                       std::uint64_t{ticks_between(stream.opened_at, now.tick())} * kTickMicros});
}

void Worker::on_refused(const RefusedStream& refused, Instant now) {
  if (!may_note(refusal_notes_, kRefusalsPerSecond, now)) {
    ++unlogged_.refused;
    return;
  }
  link_.send(RefusedNote{.reason = to_string(refused.reason),
                         .code = refused.refusal.code,
                         .status = refused.refusal.status,
                         .address = net::to_string(refused.peer),
                         .origin = std::string(refused.origin.substr(0, kOriginBytesMax)),
                         .why = std::string(refused.refusal.message),
                         .trace_id = std::string(refused.trace_id),
                         .path = std::string(refused.path.substr(0, kPathBytesMax))});
}

void Worker::on_shut_out(ShutOutNote note, Instant now) {
  if (!may_note(shut_out_notes_, kRefusalsPerSecond, now)) {
    ++unlogged_.shut_out;
    return;
  }
  link_.send(std::move(note));
}

}  // namespace crier::cmd
