#include "config/budget.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <limits>

#include "config/memory_max.h"
#include "core/check.h"
#include "core/request_limiter.h"
#include "core/turn_limits.h"
#include "core/units.h"

namespace crier::config {
namespace {

// Bytes of user memory each; the header says of what.
constexpr std::uint64_t kProgram = 11 * kMiB;
constexpr std::uint64_t kWorkerThread = 256 * kKiB;
constexpr std::uint64_t kWorkerHeap = 2 * kMiB;
constexpr std::uint64_t kHistoryPerGap = 8;  // Bytes of history for each that malloc cannot use.
constexpr std::uint64_t kAddress = 32;
constexpr std::uint64_t kRequestBucket = 34;
constexpr std::uint64_t kClientBehindProxy = 24;
constexpr std::uint64_t kIdempotencyKey = 128;
constexpr std::uint64_t kTopicInLog = 640;  // 128 of them if it is closed.
constexpr std::uint64_t kTopicInWorker = 384;
constexpr std::uint64_t kTopicCounted = 32;  // For limits.streams_per_topic_max, in each worker.
constexpr std::uint64_t kSubscription = 16;
constexpr std::uint64_t kOwing = 192;
constexpr std::uint64_t kFrameRef = 8;
constexpr std::uint64_t kForgottenTopics = 4 * kMiB;  // The last 65,536 of them.
constexpr std::uint64_t kPublishConnection = 32 * kKiB;
constexpr std::uint64_t kUnansweredRequest = 1 * kKiB;
constexpr std::uint64_t kAdminConnection = 1 * kMiB;
constexpr std::uint64_t kJournalPending = 16 * kMiB;
constexpr std::uint64_t kJournalCopies = 3;
constexpr std::uint64_t kJournalTopic = 80;
constexpr std::uint64_t kForgottenMost = 65'536;
constexpr std::uint64_t kHistoryPerSurvey = 16;   // Bytes of history for each of a survey.
constexpr std::uint64_t kNatsClient = 5 * kMiB;
// Sent and not come back, come and not read, and on the way: what a server sends unasked.
constexpr std::uint64_t kNatsEvents = (16 + 16 + 32) * kMiB;
constexpr std::uint64_t kEventAround = 4 * kKiB;  // Of JSON, beside the data: topic, name, key.

// Loops, queues, listeners, signal pipe, standard streams, log, and a few that are open briefly.
constexpr std::uint64_t kControlDescriptors = 64;
constexpr std::uint64_t kLingering = 2 * kLingerSlots;  // For publishers and the admin endpoint.
constexpr std::uint64_t kWorkerDescriptors = 16;
constexpr std::uint64_t kLoopDescriptors = 2;  // Of these, opened before tables are separate.

constexpr std::uint64_t kFewRequests = 1'024;  // Up to this number keep a quarter.

constexpr std::uint64_t kUnevenPart = 16;  // A worker may get 1/16 more connections than its part.

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > kMost - b ? kMost : a + b;
}
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMost / b ? kMost : a * b;
}

std::string readable(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value,
                kUnits[unit]);
  return text.data();
}

void add_memory(Budget& budget, const Config& config) {
  const Limits& limits = config.limits;
  const std::uint64_t streams = budget.streams;
  const std::uint64_t workers = budget.workers;
  const std::uint64_t ring = std::bit_ceil(std::uint64_t{limits.owed_events_max});
  const bool counts_addresses = limits.streams_per_address_max != 0;
  const bool counts_topics = limits.streams_per_topic_max != 0;
  const bool limits_requests = limits.requests_per_address != 0;
  const bool behind_proxies = !config.http.trusted_proxies.empty();
  budget.rows = {
      {"program", kProgram + workers * kWorkerThread},
      {"worker heaps", workers * kWorkerHeap, true},
      {"streams", streams * kStreamBytes},
      {"addresses", counts_addresses ? streams * kAddress : 0},
      {"request limits", limits_requests ? RequestLimiter::kAddressesMax * kRequestBucket : 0},
      {"behind proxies", behind_proxies ? streams * kClientBehindProxy : 0},
      {"history", config.history.bytes_max},
      {"history's gaps", config.history.bytes_max / kHistoryPerGap},
      {"sparse history", config.history.bytes_max, true},
      {"idempotency keys", config.publish.idempotency_keys_max * kIdempotencyKey},
      {"topics",
       limits.topics_max *
           (kTopicInLog + workers * (kTopicInWorker + (counts_topics ? kTopicCounted : 0))),
       true},
      {"forgotten topics", kForgottenTopics, true},
      {"subscriptions", times(streams, limits.topics_per_stream_max * kSubscription), true},
      {"rings",
       streams * kOwing +
           std::min(times(streams, ring * kFrameRef), times(2 * workers, limits.ring_bytes_max)),
       true},
      {"owed frames", std::min(times(streams, limits.owed_bytes_max), limits.owed_total_bytes_max),
       true},
      {"batches", workers * (kInboxBytesMax + kPendingBytesMax), true},
      {"replays", times(workers, limits.replay_bytes_in_flight_max), true},
      {"pending requests", budget.requests * kPendingRequestBytes, true},
      {"publishers",
       config.publish.connections_max * (kPublishConnection + 2ULL * limits.request_bytes_max +
                                         config.publish.pipelined_max * kUnansweredRequest),
       true},
      {"admin",
       config.admin.connections_max * (kAdminConnection + 2 * admin_body_bytes_max(config)), true},
  };
  if (config.journal.kind == JournalKind::sqlite) {
    budget.rows.push_back({"journal's survey", config.history.bytes_max / kHistoryPerSurvey});
    budget.rows.push_back({"journal",
                           kJournalCopies * (kJournalPending + limits.request_bytes_max) +
                               (limits.topics_max + kForgottenMost) * kJournalTopic,
                           true});
  }
  if (config.journal.kind == JournalKind::nats) {
    budget.rows.push_back({"NATS client", kNatsClient});
    budget.rows.push_back({"NATS events", kNatsEvents, true});
  }
  for (const BudgetRow& row : budget.rows) {
    if (!row.worst_only) budget.full_bytes = plus(budget.full_bytes, row.bytes);
    budget.worst_bytes = plus(budget.worst_bytes, row.bytes);
  }
}

// Open files that are not connections of subscribers.
std::uint64_t other_descriptors(const Config& config, const Budget& budget, bool own_tables) {
  // A worker's own table starts as a copy of the common one, before that has any connections.
  if (own_tables) {
    return kControlDescriptors + kWorkerDescriptors + budget.workers * kLoopDescriptors;
  }
  return kControlDescriptors + kLingering + config.publish.connections_max +
         config.admin.connections_max + budget.workers * kWorkerDescriptors;
}

std::uint64_t connections_of(const Budget& budget) {
  return budget.streams + budget.requests;
}

void add_descriptors(Budget& budget, const Config& config) {
  const std::uint64_t connections = connections_of(budget);
  const std::uint64_t part = (connections + budget.workers - 1) / budget.workers;
  const std::uint64_t uneven = budget.workers > 1 ? part / kUnevenPart : 0;
  budget.descriptors_together = other_descriptors(config, budget, false) + connections;
  budget.descriptors_apart = other_descriptors(config, budget, true) + part + uneven;
}

// Connections of subscribers that fit when each table holds `room` descriptors.
std::uint64_t connections_in(const Config& config, const Budget& budget, std::uint64_t room,
                             bool own_tables) {
  if (room >= (own_tables ? budget.descriptors_apart : budget.descriptors_together)) {
    return connections_of(budget);
  }
  const std::uint64_t other = other_descriptors(config, budget, own_tables);
  std::uint64_t connections = room > other ? room - other : 0;
  if (own_tables && budget.workers > 1) {
    connections = connections * kUnevenPart / (kUnevenPart + 1) * budget.workers;
  }
  return std::min(connections, connections_of(budget));
}

// How many of the connections can be streams. Requests take what streams leave, but keep a
// sixteenth, or a quarter of few connections: without them no stream opens, and a request that
// comes in two packets is cut.
std::uint64_t streams_of(const Budget& budget, std::uint64_t connections) {
  const std::uint64_t kept =
      std::max(connections / 16, std::min((connections + 3) / 4, kFewRequests));
  return std::min(budget.streams, connections - std::min(budget.requests, kept));
}

std::string too_few(const Budget& budget, const std::string& what, std::uint64_t streams) {
  return "limits.streams_max is " + (budget.automatic ? "auto" : std::to_string(budget.streams)) +
         ", but " + what + " leave room for " + std::to_string(streams) + "; raise ";
}

std::string none_fits(const Config& config, const Budget& budget, const std::string& what,
                      bool own_tables) {
  // The stream's own, and one for a request, without which no stream opens.
  const std::uint64_t least = other_descriptors(config, budget, own_tables) + 2;
  const std::string text =
      what + " leave room for no stream: the first one needs " + std::to_string(least);
  if (own_tables) return text + "; raise LimitNOFILE= (ulimit -n)";
  return text + ", " + std::to_string(config.publish.connections_max) +
         " of them for publish.connections_max; raise LimitNOFILE= (ulimit -n), or lower "
         "publish.connections_max";
}

std::string lower_it(const Budget& budget) {
  return budget.automatic ? "" : ", or lower limits.streams_max";
}

// The scope of the limit on open files, to end "N open files".
std::string_view scope_of_files(OwnDescriptorTable wish, bool own_tables, bool automatic) {
  if (own_tables) return " a worker";
  if (wish == OwnDescriptorTable::off || automatic) return "";
  return " for all workers (the system forbids separate tables: unshare CLONE_FILES)";
}

Budget budget_with(const Config& config, unsigned workers, std::uint64_t streams,
                   std::uint64_t requests) {
  Budget budget;
  budget.streams = streams;
  budget.requests = requests;
  budget.automatic = config.limits.streams_max == kAuto;
  budget.workers = workers;
  add_memory(budget, config);
  add_descriptors(budget, config);
  return budget;
}

// How many of the streams fit into the memory.
std::uint64_t streams_in_memory(const Config& config, unsigned workers, std::uint64_t streams,
                                std::uint64_t memory_bytes) {
  if (memory_bytes == 0) return streams;
  const std::uint64_t others = budget_with(config, workers, 0, 0).full_bytes;
  const std::uint64_t each = budget_with(config, workers, 1, 0).full_bytes - others;
  return memory_bytes > others ? std::min(streams, (memory_bytes - others) / each) : 0;
}

// The bytes of memory that crier may use; 0: unknown.
std::uint64_t memory_for(const Config& config, const Machine& machine) {
  const std::uint64_t limit = memory_limit(config.limits.memory_max, machine.memory_bytes);
  if (limit == 0 || machine.memory_bytes == 0) return std::max(limit, machine.memory_bytes);
  return std::min(limit, machine.memory_bytes);
}

}  // namespace

std::uint64_t admin_body_bytes_max(const Config& config) {
  if (!config.admin.publish) return 0;
  return std::min<std::uint64_t>(2ULL * config.limits.event_bytes_max + kEventAround,
                                 config.limits.request_bytes_max);
}

Budget budget_of(const Config& config, unsigned workers, const Machine& machine) {
  CRIER_CHECK(workers >= 1);
  const std::uint64_t requests_max = config.limits.pending_requests_max;
  if (config.limits.streams_max != kAuto) {
    return budget_with(config, workers, config.limits.streams_max, requests_max);
  }
  const Budget most = budget_with(config, workers, kAutoStreamsMax, requests_max);
  const Fit fitted = fit(config, most, machine);
  const std::uint64_t streams =
      streams_in_memory(config, workers, fitted.streams_possible, memory_for(config, machine));
  // If there is room for none, ask for one, so that fit() says what is missing.
  if (streams == 0) return budget_with(config, workers, 1, requests_max);
  Budget budget = budget_with(config, workers, streams, fitted.requests_possible);
  budget.bound = streams < fitted.streams_possible ? kByMemory : fitted.bound;
  return budget;
}

std::string to_line(const Budget& budget) {
  return readable(budget.full_bytes) + " with " + std::to_string(budget.streams) +
         " streams that keep up, at most " + readable(budget.worst_bytes) +
         " with every limit reached, " + std::to_string(budget.descriptors_together) +
         " open files";
}

std::string to_table(const Budget& budget) {
  std::string text;
  const auto add = [&text](std::string_view name, const std::string& amount,
                           std::string_view note) {
    std::string line(name);
    line.resize(std::max<std::size_t>(line.size() + 1, 18), ' ');
    line.append(line.size() + amount.size() < 28 ? 28 - line.size() - amount.size() : 0, ' ');
    text += line + amount + std::string(note) + "\n";
  };
  for (const BudgetRow& row : budget.rows) {
    add(row.name, readable(row.bytes), row.worst_only ? "  at worst" : "");
  }
  add("all streams open", readable(budget.full_bytes), "");
  add("every limit", readable(budget.worst_bytes), "");
  add("open files", std::to_string(budget.descriptors_together), "");
  return text;
}

Fit fit(const Config& config, const Budget& budget, const Machine& machine) {
  Fit result{.bound = budget.bound};
  const OwnDescriptorTable wish = config.workers.own_descriptor_table;
  const std::uint64_t room = machine.descriptors_max;
  const bool one_is_enough = room == 0 || budget.descriptors_together <= room;
  result.own_descriptor_tables =
      wish == OwnDescriptorTable::on || (wish == OwnDescriptorTable::automatic &&
                                         !budget.automatic && !one_is_enough && machine.own_tables);
  std::uint64_t connections = connections_of(budget);
  if (room != 0) {
    connections = connections_in(config, budget, room, result.own_descriptor_tables);
  }
  if (const std::uint64_t streams = streams_of(budget, connections); streams < budget.streams) {
    const std::string files =
        std::to_string(room)
            .append(" open files")
            .append(scope_of_files(wish, result.own_descriptor_tables, budget.automatic));
    result.bound = kByOpenFiles;
    result.descriptor_problem =
        streams == 0
            ? none_fits(config, budget, files, result.own_descriptor_tables)
            : too_few(budget, files, streams) + "LimitNOFILE= (ulimit -n)" +
                  (result.own_descriptor_tables ? " or workers.count" : "") + lower_it(budget);
  }
  // epoll watches every connection, and the kernel counts the watches of a user in all tables.
  if (machine.watches_max != 0) {
    const auto watched = connections_in(config, budget, machine.watches_max, false);
    connections = std::min(connections, watched);
    if (const std::uint64_t streams = streams_of(budget, watched); streams < budget.streams) {
      if (watched == connections) result.bound = kByWatches;
      result.watch_problem =
          too_few(budget, std::to_string(machine.watches_max) + " watches of epoll", streams) +
          "the sysctl fs.epoll.max_user_watches to at least " +
          std::to_string(budget.descriptors_together) + lower_it(budget);
    }
  }
  result.streams_possible = streams_of(budget, connections);
  result.requests_possible = connections - result.streams_possible;
  result.memory_max = memory_limit(config.limits.memory_max, machine.memory_bytes);
  const std::uint64_t memory = memory_for(config, machine);
  const std::string needed = "the limits need " + readable(budget.full_bytes);
  const std::string lower = std::string(budget.automatic ? "" : "limits.streams_max, ") +
                            "history.bytes_max or publish.idempotency_keys_max";
  if (memory != 0 && budget.full_bytes > memory) {
    result.memory_problem = needed + ", but there are " + readable(memory) +
                            " of memory (limits.memory_max is " + config.limits.memory_max +
                            "); lower " + lower;
  } else if (result.memory_max != 0 && budget.full_bytes > result.memory_max / 4 * 3) {
    result.memory_warning = needed +
                            " when they are reached, which is more than three quarters of "
                            "limits.memory_max (" +
                            readable(result.memory_max) +
                            "): the history then shrinks, and streams wait or are refused; lower " +
                            lower;
  }
  return result;
}

}  // namespace crier::config
