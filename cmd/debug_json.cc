#include "cmd/debug_json.h"

#include <nlohmann/json.hpp>

namespace crier::cmd {
namespace {

using Json = nlohmann::ordered_json;

std::string page_json(const char* name, Json rows, std::uint64_t next) {
  Json page;
  page[name] = std::move(rows);
  page["next"] = next == 0 ? Json(nullptr) : Json(std::to_string(next));
  // A trace id or a topic was checked before it came here; if not, a page is no place to fail.
  return page.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Null where there is no such event.
Json id_json(const Epoch& epoch, std::uint64_t sequence) {
  return sequence == 0 ? Json(nullptr) : Json(to_string(EventId{epoch, sequence}));
}

Json to_json(const StreamRow& row) {
  return {{"session_id", row.session_id},
          {"trace_id", row.trace_id},
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
  Json rows = Json::array();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const WorkerRow& worker = workers[i];
    rows.push_back(Json{{"worker", i},
                        {"processor", worker.place ? Json(worker.place->number) : Json()},
                        {"node", worker.place ? Json(worker.place->node) : Json()},
                        {"streams", worker.streams},
                        {"streams_opened", worker.streams_opened},
                        {"connections_accepted", worker.connections_accepted},
                        {"bytes_sent", worker.bytes_sent}});
  }
  return Json{{"workers", std::move(rows)}}.dump() + "\n";
}

std::string streams_json(const StreamPage& page) {
  Json rows = Json::array();
  for (const StreamRow& row : page.rows) rows.push_back(to_json(row));
  return page_json("streams", std::move(rows), page.next);
}

std::string topics_json(const broadcast::TopicPage& page, const Epoch& epoch,
                        const std::vector<std::uint64_t>& subscribers) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < page.topics.size(); ++i) {
    const broadcast::TopicInfo& topic = page.topics[i];
    rows.push_back(Json{{"topic", topic.name},
                        {"subscribers", i < subscribers.size() ? Json(subscribers[i]) : Json()},
                        {"class", topic.topic_class},
                        {"published", topic.published},
                        {"events_per_second", topic.events_per_second},
                        {"events", topic.events},
                        {"bytes", topic.bytes},
                        {"oldest_id", id_json(epoch, topic.oldest_sequence)},
                        {"newest_id", id_json(epoch, topic.newest_sequence)},
                        {"evicted_through_id", id_json(epoch, topic.evicted_through)}});
  }
  return page_json("topics", std::move(rows), page.next);
}

std::string debug_rules_json(std::span<const DebugSwitch::Row> rows, Instant now) {
  Json rules = Json::array();
  for (const DebugSwitch::Row& row : rows) {
    const DebugRule& rule = row.rule;
    const std::uint64_t left_us = row.ends > now ? row.ends.us - now.us : 0;
    rules.push_back(Json{{"id", rule.id},
                         {"topic", rule.topic.empty() ? Json() : Json(rule.topic)},
                         {"address", rule.addresses ? Json(rule.addresses->text()) : Json()},
                         {"by", row.by},
                         {"seconds_left", static_cast<double>(left_us / 1'000) / 1'000}});
  }
  return Json{{"rules", std::move(rules)}}.dump() + "\n";
}

}  // namespace crier::cmd
