#include "cmd/daemon/control/metrics_wiring.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "cmd/daemon/control/loop_metrics.h"
#include "cmd/daemon/control/state_metrics.h"
#include "metrics/process_stats.h"

namespace crier::cmd {
namespace {

using broadcast::EndReason;
using broadcast::GapReason;
using broadcast::LogStats;
using broadcast::WorkerStats;
using metrics::Catalogue;
using metrics::Kind;
using net::HttpServerCounters;
using net::ListenerCounters;
using net::PendingCounters;

// A metric that is one counter of each source.
template <typename Source>
struct Row {
  Kind kind;
  std::string_view name;
  std::string_view help;
  Counter Source::* counter;
};

constexpr Row<WorkerStats> kWorkerRows[] = {
    {Kind::gauge, "crier_stream_active_connections", "Streams open now.", &WorkerStats::streams},
    {Kind::gauge, "crier_streams_owing", "Streams that are owed events or are replaying.",
     &WorkerStats::streams_owing},
    {Kind::counter, "crier_streams_opened_total", "Streams opened.", &WorkerStats::opened},
    {Kind::counter, "crier_canary_streams_opened_total",
     "Streams opened with the socket options of a canary; crier_streams_opened_total counts them "
     "too.",
     &WorkerStats::canaries_opened},
    {Kind::counter, "crier_streams_resumed_total", "Streams opened with a position to resume from.",
     &WorkerStats::resumed},
    {Kind::counter, "crier_stream_chunks_total",
     "Frames handed to the kernel whole, crier's own events included.", &WorkerStats::frames_sent},
    {Kind::counter, "crier_events_delivered_total",
     "Published events handed to the kernel, once for each stream.",
     &WorkerStats::events_delivered},
    {Kind::counter, "crier_bytes_sent_total", "Bytes of streams handed to the kernel.",
     &WorkerStats::bytes_sent},
    {Kind::counter, "crier_heartbeats_total", "Heartbeats sent.", &WorkerStats::heartbeats},
    {Kind::gauge, "crier_queue_bytes",
     "Bytes owed to streams that cannot take them yet; frames that several are owed count for "
     "each.",
     &WorkerStats::queue_bytes},
    {Kind::gauge, "crier_ring_bytes",
     "Memory of the streams' queues themselves, without the events in them.",
     &WorkerStats::ring_bytes},
    {Kind::counter, "crier_replay_frames_total", "Frames of the history taken by streams.",
     &WorkerStats::replay_frames},
    {Kind::gauge, "crier_replays_waiting", "Streams that wait for their turn to replay.",
     &WorkerStats::replays_waiting},
    {Kind::counter, "crier_overflows_total", "Times a stream was owed more than its limits.",
     &WorkerStats::overflows},
    {Kind::counter, "crier_overflows_of_all_total",
     "Times a stream overflowed because all streams together were owed more than "
     "limits.owed_total_bytes_max; crier_overflows_total counts them too.",
     &WorkerStats::gave_way},
    {Kind::counter, "crier_frames_dropped_total", "Frames dropped by the policy drop-oldest.",
     &WorkerStats::frames_dropped},
    {Kind::counter, "crier_events_superseded_total", "Events dropped by the policy conflate.",
     &WorkerStats::events_superseded},
    {Kind::counter, "crier_worker_batches_total", "Batches of events taken by workers.",
     &WorkerStats::batches},
    {Kind::counter, "crier_worker_lost_pauses_total",
     "Times a worker fell so far behind that the history no longer held what it missed.",
     &WorkerStats::lost_pauses},
};

constexpr Row<LogStats> kLogRows[] = {
    {Kind::counter, "crier_events_published_total", "Events accepted.", &LogStats::events},
    {Kind::counter, "crier_event_bytes_total", "Memory of the frames of accepted events.",
     &LogStats::event_bytes},
    {Kind::gauge, "crier_history_events", "Events retained for replay.", &LogStats::history_events},
    {Kind::gauge, "crier_history_bytes",
     "Memory of the events retained for replay, as history.bytes_max counts it.",
     &LogStats::history_bytes},
    {Kind::gauge, "crier_history_frame_bytes",
     "Memory of the events retained for replay, their frames alone.",
     &LogStats::history_frame_bytes},
    {Kind::gauge, "crier_topics", "Topics known now.", &LogStats::topics},
    {Kind::gauge, "crier_topics_closed", "Topics that are closed.", &LogStats::topics_closed},
    {Kind::counter, "crier_topics_forgotten_total", "Topics forgotten.",
     &LogStats::topics_forgotten},
    {Kind::gauge, "crier_topics_forgotten_known",
     "Forgotten topics of which crier still knows what they lost.", &LogStats::forgotten_entries},
    {Kind::counter, "crier_replays_total", "Requests for a replay answered from the history.",
     &LogStats::replays},
    {Kind::counter, "crier_replayed_events_total", "Events in answers to requests for a replay.",
     &LogStats::replayed_events},
};

constexpr Row<PendingCounters> kPendingRows[] = {
    {Kind::counter, "crier_connections_accepted_total", "Connections of subscribers accepted.",
     &PendingCounters::accepted},
    {Kind::counter, "crier_requests_total", "Whole requests of subscribers.",
     &PendingCounters::requests},
    {Kind::counter, "crier_connections_silent_total",
     "Connections closed because no request came in time.", &PendingCounters::silent_timeouts},
    {Kind::counter, "crier_connections_abandoned_total",
     "Connections left by the client before it had its answer.", &PendingCounters::abandoned},
    {Kind::gauge, "crier_requests_pending",
     "Connections of subscribers that have no stream yet, bounded by limits.pending_requests_max.",
     &PendingCounters::held},
    {Kind::gauge, "crier_request_heads_pending",
     "Connections in crier_requests_pending that have sent part of a request.",
     &PendingCounters::heads},
    {Kind::counter, "crier_connections_unwatched_total",
     "Connections closed because the kernel had no room to watch one more.",
     &PendingCounters::starved},
};

constexpr Row<ListenerCounters> kListenerRows[] = {
    {Kind::counter, "crier_canary_connections_accepted_total",
     "Connections of subscribers accepted with the socket options of a canary (see "
     "reload.canary_percent); crier_connections_accepted_total counts them too.",
     &ListenerCounters::canaries},
    {Kind::counter, "crier_socket_options_refused_total",
     "Times the kernel refused an option of a socket, at a reload or for a canary.",
     &ListenerCounters::options_refused},
    {Kind::gauge, "crier_accept_queue_connections",
     "Connections of subscribers that wait in the kernel to be accepted.",
     &ListenerCounters::waiting},
    {Kind::gauge, "crier_accept_queue_max",
     "Bound of crier_accept_queue_connections: http.backlog or net.core.somaxconn, the lower one, "
     "for each worker. The kernel drops connections beyond it.",
     &ListenerCounters::waiting_max},
    {Kind::counter, "crier_accept_starved_total",
     "Times the kernel had no descriptor or memory for an accept.", &ListenerCounters::starved},
    {Kind::counter, "crier_accept_failed_total", "Connections that died before they were accepted.",
     &ListenerCounters::failed},
};

constexpr Row<HttpServerCounters> kPublishRows[] = {
    {Kind::counter, "crier_publish_connections_total", "Connections of publishers accepted.",
     &HttpServerCounters::connections},
    {Kind::counter, "crier_publish_requests_total", "Whole requests of publishers.",
     &HttpServerCounters::requests},
    {Kind::counter, "crier_publish_connections_refused_total",
     "Connections of publishers refused because publish.connections_max were open and none could "
     "be closed.",
     &HttpServerCounters::connections_refused},
    {Kind::counter, "crier_publish_connections_displaced_total",
     "Idle or slow connections of publishers closed for new connections: publish.connections_max.",
     &HttpServerCounters::displaced},
    {Kind::counter, "crier_publish_connections_idle_total",
     "Connections of publishers closed because no request came in time.",
     &HttpServerCounters::idle_closed},
    {Kind::counter, "crier_publish_connections_abandoned_total",
     "Connections whose publishers left before they were answered.",
     &HttpServerCounters::abandoned},
    {Kind::counter, "crier_publish_requests_unanswered_total",
     "Requests of publishers answered 503 because their answer took too long.",
     &HttpServerCounters::unanswered},
    {Kind::counter, "crier_publish_connections_stalled_total",
     "Connections of publishers cut because they did not read their answers.",
     &HttpServerCounters::stalled},
    {Kind::counter, "crier_publish_accept_starved_total",
     "Times the kernel had no descriptor or memory to accept a publisher, or to watch one.",
     &HttpServerCounters::accepts_starved},
};

constexpr Row<HttpServerCounters> kAdminRows[] = {
    {Kind::counter, "crier_admin_requests_total", "Whole requests to the admin endpoint.",
     &HttpServerCounters::requests},
};

constexpr Row<PublishCounters> kPublishingRows[] = {
    {Kind::counter, "crier_publish_replayed_total",
     "Publish requests all of whose events had been accepted before.", &PublishCounters::replayed},
};

template <typename Source>
using Sources = std::span<const Source* const>;

template <typename Source>
void add_rows(Catalogue& catalogue, std::span<const Row<Source>> rows, Sources<Source> sources) {
  for (const Row<Source>& row : rows) {
    auto numbers = row.kind == Kind::counter ? catalogue.counter(row.name, row.help)
                                             : catalogue.gauge(row.name, row.help);
    for (const Source* source : sources) numbers.add(source->*row.counter);
  }
}

// Adds one series for each value of `label`. Its words are in the order of the counters.
template <typename Reason, typename Source>
void add_reasons(Catalogue::Numbers numbers, std::string_view label,
                 std::array<Counter, kNamesOf<Reason>.size()> Source::* counters,
                 std::type_identity_t<Sources<Source>> sources) {
  for (std::size_t i = 0; i < kNamesOf<Reason>.size(); ++i) {
    const metrics::Labels labels = {{std::string(label), std::string(kNamesOf<Reason>[i])}};
    for (const Source* source : sources) numbers.add(labels, (source->*counters)[i]);
  }
}

template <typename Source>
void add_refusal(Catalogue::Numbers numbers, RefusalReason reason, Counter Source::* counter,
                 Sources<Source> sources) {
  const metrics::Labels labels = {{"reason", std::string(to_string(reason))}};
  for (const Source* source : sources) numbers.add(labels, source->*counter);
}

void add_states(Catalogue& catalogue, Sources<WorkerStats> workers) {
  auto states = catalogue.gauge(
      "crier_streams",
      "Streams by state, counted one by one about once a second; live: caught up, owing: behind, "
      "replaying: from the history, ending: about to be closed.");
  for (const WorkerStats* worker : workers) {
    for (std::size_t i = 0; i < worker->in_state.size(); ++i) {
      const std::string_view state = to_string(broadcast::kOpenStates[i]);
      states.add({{"state", std::string(state)}}, worker->in_state[i]);
    }
  }
}

void add_workers(Catalogue& catalogue, Sources<WorkerStats> workers) {
  add_rows<WorkerStats>(catalogue, kWorkerRows, workers);
  add_states(catalogue, workers);
  auto duration = catalogue.histogram("crier_stream_duration_seconds",
                                      "How long streams that ended were open.", 1e3);
  auto latency = catalogue.histogram(
      "crier_stream_latency_seconds",
      "From an accepted publish to the event's bytes in the kernel, for each stream that was open "
      "when it was accepted. Replays of earlier events are not observed.",
      1e6);
  auto lag = catalogue.histogram(
      "crier_stream_lag_events",
      "Events waiting for a stream, in a sample of the streams. For a stream that reads from the "
      "history, only fetched events count; without any it is not sampled.",
      1);
  auto lag_age = catalogue.histogram("crier_stream_lag_seconds",
                                     "Age of the oldest event that a stream is owed, of streams "
                                     "sampled by the sweep; 0 if it is owed none.",
                                     1e3);
  auto round_trip = catalogue.histogram(
      "crier_stream_round_trip_seconds",
      "Round trip to the client as the kernel estimates it, of streams sampled by the sweep.", 1e6);
  auto unsent = catalogue.histogram(
      "crier_stream_unsent_bytes",
      "Bytes that the kernel has taken and not yet sent, of streams sampled by the sweep.", 1);
  auto batches =
      catalogue.histogram("crier_batch_events", "Events in each batch that a worker took.", 1);
  auto fanout = catalogue.histogram(
      "crier_topic_fanout_seconds",
      "From an accepted publish until the last stream of its topic in a worker was offered the "
      "event; observed once for each topic of a batch, for the oldest event.",
      1e6);
  auto opening = catalogue.histogram(
      "crier_stream_opening_seconds",
      "From the accept of a connection, or the first byte of a later request, to the open stream.",
      1e6);
  auto resuming = catalogue.histogram(
      "crier_stream_resume_seconds",
      "From the opening of a stream with a position to resume from until it was given the last "
      "event that it had missed.",
      1e3);
  auto blocked = catalogue.counter("crier_write_blocked_total",
                                   "Writes cut short, by a full socket or the stream's rate.");
  for (const WorkerStats* worker : workers) {
    duration.add(worker->duration);
    latency.add(worker->latency);
    lag.add(worker->lag);
    lag_age.add(worker->lag_age);
    round_trip.add(worker->round_trip);
    unsent.add(worker->unsent);
    batches.add(worker->batch_events);
    fanout.add(worker->fanout);
    opening.add(worker->opening);
    resuming.add(worker->resuming);
    blocked.add({{"reason", "socket"}}, worker->blocked_by_socket);
    blocked.add({{"reason", "rate"}}, worker->blocked_by_rate);
  }
  add_reasons<EndReason>(catalogue.counter("crier_streams_ended_total", "Streams ended."), "reason",
                         &WorkerStats::ended, workers);
  add_reasons<EndReason>(catalogue.counter("crier_canary_streams_ended_total",
                                           "Streams ended that had the socket options of a canary; "
                                           "crier_streams_ended_total counts them too."),
                         "reason", &WorkerStats::canaries_ended, workers);
  add_reasons<GapReason>(catalogue.counter("crier_gaps_total", "Gaps announced to streams."),
                         "reason", &WorkerStats::gaps, workers);
}

void add_refusals(Catalogue& catalogue, const MetricSources& sources) {
  auto refused = catalogue.counter("crier_requests_refused_total",
                                   "Requests of subscribers refused, whatever the answer was; "
                                   "reason breaker_at_accept: connections closed unread.");
  add_reasons<RefusalReason>(refused, "reason", &RefusalCounts::by_reason, sources.refusals);
  const std::pair<RefusalReason, Counter PendingCounters::*> earlier[] = {
      {RefusalReason::malformed, &PendingCounters::refused_malformed},
      {RefusalReason::too_large, &PendingCounters::refused_too_large},
      {RefusalReason::unsupported, &PendingCounters::refused_unsupported},
      {RefusalReason::timeout, &PendingCounters::timeouts},
      {RefusalReason::pending_full, &PendingCounters::evicted},
      {RefusalReason::breaker_at_accept, &PendingCounters::turned_away},
  };
  for (const auto& [reason, counter] : earlier) {
    add_refusal<PendingCounters>(refused, reason, counter, sources.pending);
  }
  add_refusal<ListenerCounters>(refused, RefusalReason::no_descriptors, &ListenerCounters::shed,
                                sources.listeners);
}

void add_frames(Catalogue& catalogue, const FrameAccount& frames) {
  const auto now = [](const std::atomic<std::uint64_t>& number) {
    return [&number] { return static_cast<double>(number.load(std::memory_order_relaxed)); };
  };
  catalogue.gauge("crier_frames_alive", "Frames in memory.").add(now(frames.frames));
  catalogue.gauge("crier_frame_bytes", "Memory of the frames that crier_frames_alive counts.")
      .add(now(frames.bytes));
}

void add_publishing(Catalogue& catalogue, const PublishCounters& publishing) {
  const PublishCounters* const source[] = {&publishing};
  add_rows<PublishCounters>(catalogue, kPublishingRows, source);
  catalogue
      .histogram("crier_publish_latency_seconds",
                 "From the arrival of a whole publish request to its 202: its wait for a turn "
                 "included.",
                 1e6)
      .add(publishing.latency);
  add_reasons<PublishRefusal>(
      catalogue.counter(
          "crier_publish_refused_total",
          "Requests of publishers refused; reason head: before the request was complete."),
      "reason", &PublishCounters::refused, source);
}

// Both parsers run in three places. A value above 0 in one of them hints at request smuggling.
void add_disagreements(Catalogue& catalogue, const MetricSources& sources) {
  auto numbers = catalogue.counter("crier_parser_disagreement_total",
                                   "Requests that two parsers read differently; all refused.");
  for (const PendingCounters* pending : sources.pending) numbers.add(pending->parser_disagreements);
  numbers.add(sources.publish->parsers_disagreed).add(sources.admin->parsers_disagreed);
}

}  // namespace

metrics::Catalogue make_catalogue(const MetricSources& sources) {
  Catalogue catalogue;
  catalogue.gauge("crier_build_info", "1, with the version of this daemon.")
      .add({{"version", std::string(sources.version)}}, [] { return 1.0; });
  add_workers(catalogue, sources.workers);
  add_refusals(catalogue, sources);
  add_rows<PendingCounters>(catalogue, kPendingRows, sources.pending);
  add_rows<ListenerCounters>(catalogue, kListenerRows, sources.listeners);
  add_rows<LogStats>(catalogue, kLogRows, {&sources.log, 1});
  add_reasons<broadcast::EvictionCause>(
      catalogue.counter("crier_history_evicted_total", "Events evicted from the history."), "cause",
      &LogStats::evicted, {&sources.log, 1});
  catalogue
      .gauge("crier_history_oldest_age_seconds",
             "Age of the oldest event retained, of any topic. Absent while the history is empty.")
      .add(sources.history_age_seconds);
  add_frames(catalogue, *sources.frames);
  add_rows<HttpServerCounters>(catalogue, kPublishRows, {&sources.publish, 1});
  add_publishing(catalogue, *sources.publishing);
  add_rows<HttpServerCounters>(catalogue, kAdminRows, {&sources.admin, 1});
  add_disagreements(catalogue, sources);
  add_loop_metrics(catalogue, sources);
  add_journal_metrics(catalogue, sources.journal);
  add_state_metrics(catalogue, sources);
  metrics::add_process_stats(catalogue);
  return catalogue;
}

}  // namespace crier::cmd
