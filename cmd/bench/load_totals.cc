// What became of the events: sums over the client processes, and their latencies.
#include <algorithm>
#include <cmath>

#include "cmd/bench/load.h"

namespace crier::bench {
namespace {

std::uint64_t share_of(const std::vector<std::uint64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

}  // namespace

bool Load::all_arrived(std::uint32_t group) const {
  const Delivery now = totals(group);
  return now.received - groups_[group].before.received + now.not_taken >= now.expected;
}

std::uint64_t Load::opened(std::uint32_t index) const {
  std::uint64_t sum = 0;
  for (const Client& client : groups_[index].clients) sum += client.state->opened.read();
  return sum;
}

std::uint64_t Load::refused(std::uint32_t index) const {
  std::uint64_t sum = 0;
  for (const Client& client : groups_[index].clients) sum += client.state->refused.read();
  return sum;
}

std::uint64_t Load::received(std::uint32_t index) const {
  return totals(index).received - groups_[index].before.received;
}

Histogram Load::latency(std::uint32_t index) const {
  Histogram sum;
  for (const Client& client : groups_[index].clients) sum.merge(client.state->latency);
  return sum;
}

Histogram Load::slice(std::uint32_t index, std::uint32_t number) const {
  Histogram sum;
  for (const Client& client : groups_[index].clients) sum.merge(client.state->slices[number]);
  return sum;
}

// Sums since the start, except what is of the command that runs: `expected`, what it owes its
// reading streams and, of those that ended, what they had received; and `not_taken`.
Delivery Load::totals(std::uint32_t index) const {
  const Group& group = groups_[index];
  Delivery sum;
  // First: what a stream had received that ends now would else be missing from both sums.
  for (const Client& client : group.clients) {
    sum.ended += client.state->ended.load(std::memory_order_acquire);
  }
  for (const Client& client : group.clients) {
    sum.ended_received += client.state->ended_received.read();
    sum.received += client.state->received.read();
    sum.bytes += client.state->bytes.read();
    sum.lost_first += client.state->lost_first.read();
    sum.lost_between += client.state->lost.read();
    sum.lost_last += client.state->lost_last.read();
    sum.duplicates += client.state->duplicates.read();
    sum.too_old += client.state->too_old.read();
    sum.late += client.state->late.read();
    sum.strays += client.state->strays.read();
  }
  if (group.publisher) {
    sum.posts_failed = group.publisher->failed();
    sum.requests = group.publisher->posted();
    sum.connections = group.publisher->connections();
  }
  if (group.options.reads) {
    const std::uint32_t for_one = group.events - group.events_for_all;
    const auto owed = for_one + std::uint64_t{group.events_for_all} * (opened(index) - sum.ended);
    sum.expected = owed + sum.ended_received - group.before.ended_received;
    const std::uint64_t requests = sum.requests - group.before.requests;
    const std::uint64_t failed = sum.posts_failed - group.before.posts_failed;
    if (requests > 0) {
      sum.not_taken = static_cast<std::uint64_t>(
          static_cast<double>(failed) * static_cast<double>(owed) / static_cast<double>(requests));
    }
  }
  return sum;
}

Result<Delivery> Load::finish(std::uint32_t index) {
  const Group& group = groups_[index];
  const Publisher& publisher = *group.publisher;
  // The server answers in order.
  const auto answered = std::upper_bound(group.posted.begin(), group.posted.end(),
                                         publisher.answered() + publisher.failed());
  group.window->answered.store(
      group.next_event - static_cast<std::uint32_t>(group.posted.end() - answered),
      std::memory_order_release);
  if (auto told = tell(index, kFinish); !told) return std::unexpected(told.error());
  Delivery result = totals(index);
  result.events = group.events;
  for (std::uint64_t Delivery::* const counter :
       {&Delivery::received, &Delivery::bytes, &Delivery::lost_first, &Delivery::lost_between,
        &Delivery::lost_last, &Delivery::duplicates, &Delivery::too_old, &Delivery::late,
        &Delivery::strays, &Delivery::ended, &Delivery::posts_failed, &Delivery::requests}) {
    result.*counter -= group.before.*counter;
  }
  result.unanswered = std::min(publisher.unanswered(), result.requests);
  // What the server refused to take was counted as lost by each stream that still lacks it.
  std::uint64_t refused = std::min(result.not_taken, result.lost());
  for (std::uint64_t* lost : {&result.lost_between, &result.lost_last, &result.lost_first}) {
    const std::uint64_t part = std::min(*lost, refused);
    *lost -= part;
    refused -= part;
  }
  // A connection that an earlier command opened serves this one, too.
  result.connections -= std::max<std::uint64_t>(group.before.connections, 1) - 1;
  result.first_failure = publisher.first_failure();
  result.answered = std::max(publisher.last_answer_ns(), group.first_due) - group.first_due;
  result.broken = publisher.broken();
  add_latencies(index, result);
  return result;
}

void Load::add_latencies(std::uint32_t index, Delivery& result) const {
  const Group& group = groups_[index];
  const Histogram each = latency(index);
  result.each_p50 = each.percentile(0.5);
  result.each_p99 = each.percentile(0.99);
  result.each_max = each.percentile(1);

  std::vector<std::uint64_t> last;
  std::vector<std::uint64_t> own;
  std::uint64_t end = group.first_due;
  for (std::uint32_t i = 0; i < group.events; ++i) {
    std::uint64_t arrived = 0;
    for (const Client& client : group.clients) {
      arrived = std::max(arrived, client.state->arrived_ns[i].load());
    }
    const std::uint64_t due = group.window->due_ns[i].load();
    const bool for_all = group.options.topics.for_all(group.next_event - group.events + i);
    if (arrived > due) (for_all ? last : own).push_back(arrived - due);
    end = std::max(end, arrived);
  }
  std::sort(last.begin(), last.end());
  std::sort(own.begin(), own.end());
  result.last_p50 = share_of(last, 0.5);
  result.last_p99 = share_of(last, 0.99);
  result.last_max = share_of(last, 1);
  result.own_p50 = share_of(own, 0.5);
  result.own_p99 = share_of(own, 0.99);
  result.own_max = share_of(own, 1);
  result.elapsed = end - group.first_due;
}

}  // namespace crier::bench
