#include "cmd/daemon/admin/debug_json.h"

#include <algorithm>
#include <optional>
#include <ranges>

#include "config/json_value.h"
#include "core/text/event_id.h"

namespace crier::cmd {

std::optional<broadcast::Behind> behind_of(const StreamRow& row, const broadcast::Log& log) {
  broadcast::Behind all = row.waiting;
  for (const Selector& topic : row.topics) {
    if (topic.is_pattern()) {
      if (row.from_history) return std::nullopt;
      continue;
    }
    const broadcast::Behind more = log.behind(topic.text, row.position);
    all.events += more.events;
    if (!more.oldest || row.waiting.oldest) continue;  // What waits in its ring is older.
    all.oldest = std::min(*more.oldest, all.oldest.value_or(*more.oldest));
  }
  return all;
}

double seconds_since(const std::optional<Instant>& then, Instant now) {
  return then && now > *then ? static_cast<double>((now.us - then->us) / 1'000) / 1'000 : 0;
}

namespace {

config::Json to_json(const StreamRow& row, const broadcast::Log& log, Instant now) {
  std::vector<std::string_view> topics;
  for (const Selector& topic : row.topics) topics.push_back(topic.text);
  const auto behind = behind_of(row, log);
  using Json = config::Json;
  return {{"session_id", row.session_id},
          {"trace_id", row.trace_id},
          {"address", row.address.empty() ? config::Json() : config::Json(row.address)},
          {"state", row.state},
          {"topics", topics},
          {"bytes_sent", row.bytes_sent},
          {"events_sent", row.events_sent},
          {"owed_events", row.owed_events},
          {"owed_bytes", row.owed_bytes},
          {"lag_events", behind ? Json(behind->events) : Json()},
          {"lag_seconds", behind ? Json(seconds_since(behind->oldest, now)) : Json()},
          {"round_trip_ms", row.path ? Json(row.path->round_trip_us / 1e3) : Json()},
          {"unsent_bytes", row.path ? Json(row.path->unsent_bytes) : Json()},
          {"open_seconds", row.open_seconds}};
}

}  // namespace

std::string workers_json(const std::vector<WorkerRow>& workers) {
  config::Json rows = config::Json::array();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const WorkerRow& worker = workers[i];
    rows.push_back(config::Json{
        {"worker", i},
        {"processor", worker.place ? config::Json(worker.place->number) : config::Json()},
        {"node", worker.place ? config::Json(worker.place->node) : config::Json()},
        {"streams", worker.streams},
        {"streams_opened", worker.streams_opened},
        {"connections_accepted", worker.connections_accepted},
        {"bytes_sent", worker.bytes_sent}});
  }
  return config::Json{{"workers", std::move(rows)}}.dump() + "\n";
}

std::string streams_json(const StreamPage& page, const broadcast::Log& log, Instant now) {
  config::Json rows = config::Json::array();
  for (const StreamRow& row : page.rows) rows.push_back(to_json(row, log, now));
  const config::Json all{
      {"streams", std::move(rows)},
      {"next", page.next == 0 ? config::Json(nullptr) : config::Json(std::to_string(page.next))}};
  // Trace ids and topics were checked before; if one was not, the page must not throw.
  return all.dump(-1, ' ', false, config::Json::error_handler_t::replace) + "\n";
}

std::string traces_json(const PublishTraces& traces, const Epoch& epoch, std::size_t limit) {
  config::Json rows = config::Json::array();
  for (const PublishTrace& trace :
       traces.traces() | std::views::reverse | std::views::take(limit)) {
    const auto offset = [&](std::uint64_t ns) {
      return ns == 0 ? config::Json()
                     : config::Json(static_cast<std::int64_t>(ns - trace.accepted_ns));
    };
    config::Json workers = config::Json::array();
    for (const PublishTrace::Worker& worker : trace.workers) {
      workers.push_back(config::Json{{"worker", worker.worker},
                                     {"handed_ns", offset(worker.handed_ns)},
                                     {"taken_ns", offset(worker.way.taken_ns)},
                                     {"first_write_ns", offset(worker.way.first_write_ns)},
                                     {"last_write_ns", offset(worker.way.last_write_ns)},
                                     {"streams", worker.way.streams}});
    }
    rows.push_back(config::Json{{"trace_id", trace.trace_id},
                                {"topic", trace.topic},
                                {"event_id", to_string(EventId{epoch, trace.sequence})},
                                {"accepted_unix_seconds", trace.unix_seconds},
                                {"received_ns", offset(trace.received_ns)},
                                {"committed_ns", offset(trace.committed_ns)},
                                {"workers", std::move(workers)},
                                {"complete", trace.awaited == 0}});
  }
  return config::Json{{"every", traces.every()}, {"traces", std::move(rows)}}.dump() + "\n";
}

std::string debug_rules_json(std::span<const DebugSwitch::Row> rows, Instant now) {
  config::Json rules = config::Json::array();
  for (const DebugSwitch::Row& row : rows) {
    const DebugRule& rule = row.rule;
    const std::uint64_t left_us = row.ends > now ? row.ends.us - now.us : 0;
    rules.push_back(config::Json{
        {"id", rule.id},
        {"topic", rule.topic.empty() ? config::Json() : config::Json(rule.topic)},
        {"address", rule.addresses ? config::Json(rule.addresses->text()) : config::Json()},
        {"by", row.by},
        {"seconds_left", static_cast<double>(left_us / 1'000) / 1'000}});
  }
  return config::Json{{"rules", std::move(rules)}}.dump() + "\n";
}

}  // namespace crier::cmd
