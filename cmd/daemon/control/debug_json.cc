#include "cmd/daemon/control/debug_json.h"

#include "config/json_value.h"

namespace crier::cmd {
namespace {

config::Json to_json(const StreamRow& row) {
  return {{"session_id", row.session_id},
          {"trace_id", row.trace_id},
          {"address", row.address.empty() ? config::Json() : config::Json(row.address)},
          {"state", row.state},
          {"topics", row.topics},
          {"bytes_sent", row.bytes_sent},
          {"events_sent", row.events_sent},
          {"owed_events", row.owed_events},
          {"owed_bytes", row.owed_bytes},
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

std::string streams_json(const StreamPage& page) {
  config::Json rows = config::Json::array();
  for (const StreamRow& row : page.rows) rows.push_back(to_json(row));
  const config::Json all{
      {"streams", std::move(rows)},
      {"next", page.next == 0 ? config::Json(nullptr) : config::Json(std::to_string(page.next))}};
  // Trace ids and topics were checked before; if one was not, the page must not throw.
  return all.dump(-1, ' ', false, config::Json::error_handler_t::replace) + "\n";
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
