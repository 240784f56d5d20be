#include "cmd/daemon/control/topic_pages.h"

#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/text/escape.h"

namespace crier::cmd {
namespace {

void append_id(std::string& out, const Epoch& epoch, std::uint64_t sequence) {
  if (sequence == 0) {
    out.append("null");
    return;
  }
  out.push_back('"');
  append_event_id(out, epoch, sequence);
  out.push_back('"');
}

std::string per_second(double rate) {
  std::array<char, 64> digits{};
  const auto printed = std::to_chars(digits.data(), digits.data() + digits.size(), rate,
                                     std::chars_format::fixed, 3);
  CRIER_CHECK(printed.ec == std::errc{});
  return {digits.data(), printed.ptr};
}

void append_topic(std::string& out, const Epoch& epoch, const broadcast::TopicInfo& topic,
                  std::uint64_t subscribers) {
  out.append("{\"topic\":");
  append_json_string(out, topic.name);
  out.append(",\"subscribers\":").append(std::to_string(subscribers));
  out.append(",\"published\":").append(std::to_string(topic.published));
  out.append(",\"events_per_second\":").append(per_second(topic.events_per_second));
  out.append(",\"closed_id\":");
  append_id(out, epoch, topic.closed_sequence);
  out.append(",\"history\":{\"events\":").append(std::to_string(topic.events));
  out.append(",\"bytes\":").append(std::to_string(topic.bytes));
  out.append(",\"oldest_id\":");
  append_id(out, epoch, topic.oldest_sequence);
  out.append(",\"newest_id\":");
  append_id(out, epoch, topic.newest_sequence);
  out.append(",\"evicted_through\":");
  append_id(out, epoch, topic.evicted_through);
  out.append("}}");
}

}  // namespace

std::string topic_json(const Epoch& epoch, const broadcast::TopicInfo& topic,
                       std::uint64_t subscribers) {
  std::string out;
  append_topic(out, epoch, topic, subscribers);
  return out.append("\n");
}

std::string topic_page_json(const Epoch& epoch, const broadcast::TopicPage& page,
                            std::span<const std::uint64_t> subscribers) {
  CRIER_CHECK(subscribers.size() == page.topics.size());
  std::string out = "{\"topics\":[";
  for (std::size_t i = 0; i < page.topics.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_topic(out, epoch, page.topics[i], subscribers[i]);
  }
  out.append("],\"next\":").append(page.next == 0 ? "null" : '"' + std::to_string(page.next) + '"');
  return out.append("}\n");
}

void make_topic_page(const broadcast::Log& log, WorkerQueries& workers, const PageQuery& query,
                     Instant now, std::function<void(std::optional<std::string>)> done) {
  broadcast::TopicPage page = log.page(query.after, query.limit, now);
  std::vector<std::string> names;
  names.reserve(page.topics.size());
  for (const broadcast::TopicInfo& topic : page.topics) names.push_back(topic.name);
  workers.count_subscribers(
      std::move(names), [done = std::move(done), page = std::move(page), epoch = log.epoch()](
                            const std::optional<std::vector<std::uint64_t>>& counts) {
        done(counts ? std::optional(topic_page_json(epoch, page, *counts)) : std::nullopt);
      });
}

}  // namespace crier::cmd
