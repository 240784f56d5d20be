#include "cmd/daemon/control/debug_switch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cmd/log/log_line.h"

namespace crier::cmd {
namespace {

std::string_view addresses_of(const DebugRule& rule) {
  return rule.addresses ? std::string_view(rule.addresses->text()) : std::string_view();
}

}  // namespace

const DebugSwitch::Row* DebugSwitch::switch_on(const DebugWish& wish, std::string_view by,
                                               Instant now) {
  auto row = std::ranges::find_if(rows_, [&](const Row& there) {
    return there.rule.topic == wish.rule.topic &&
           addresses_of(there.rule) == addresses_of(wish.rule);
  });
  if (row == rows_.end()) {
    if (rows_.size() >= kDebugRulesMax) return nullptr;
    row = rows_.insert(rows_.end(), Row{wish.rule, {}, {}});
    row->rule.id = ++last_id_;
  }
  row->by = by;
  row->ends = Instant{now.us + std::uint64_t{wish.seconds} * 1'000'000};
  std::vector<Field> fields = {{"rule", row->rule.id}};
  if (!row->rule.topic.empty()) fields.push_back({"topic", row->rule.topic});
  if (row->rule.addresses) fields.push_back({"address", row->rule.addresses->text()});
  const std::string ends =
      utc_text(std::chrono::system_clock::now() + std::chrono::seconds(wish.seconds));
  fields.push_back({"by", row->by});
  fields.push_back({"duration_seconds", wish.seconds});
  fields.push_back({"ends", ends});
  log_.write(Level::info, "debugging of single streams switched on", fields);
  tell_workers();
  return &*row;
}

template <typename Ends>
std::size_t DebugSwitch::end(std::string_view by, const Ends& ends) {
  for (const Row& row : rows_) {
    if (!ends(row)) continue;
    log_.info("debugging of single streams switched off", {{"rule", row.rule.id}, {"by", by}});
  }
  const std::size_t ended = std::erase_if(rows_, ends);
  if (ended > 0) tell_workers();
  return ended;
}

std::size_t DebugSwitch::switch_off(std::optional<std::uint32_t> id, std::string_view by) {
  return end(by, [&](const Row& row) { return !id || row.rule.id == *id; });
}

void DebugSwitch::tick(Instant now) {
  if (rows_.empty()) return;
  end("expiry", [&](const Row& row) { return now >= row.ends; });
}

void DebugSwitch::tell_workers() const {
  auto rules = std::make_shared<std::vector<DebugRule>>();
  for (const Row& row : rows_) rules->push_back(row.rule);
  tell_(std::move(rules));
}

}  // namespace crier::cmd
