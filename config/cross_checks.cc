#include "config/cross_checks.h"

#include <cstdint>
#include <string_view>

#include "config/affinity.h"
#include "config/knob.h"

namespace crier::config {
namespace {

std::string with_value(std::string_view key, std::uint64_t value) {
  return std::string(key) + " (" + std::to_string(value) + ")";
}

class Checks {
 public:
  explicit Checks(const Config& config) : config_(config) {}

  std::vector<Contradiction> run() {
    const Limits& limits = config_.limits;
    at_least("limits.owed_bytes_max", limits.owed_bytes_max, limits.event_bytes_max);
    at_least("limits.request_bytes_max", limits.request_bytes_max, limits.event_bytes_max);
    buckets();
    journal();
    endpoints();
    steering();
    proxies();
    return std::move(found_);
  }

 private:
  // One event must fit whole.
  void at_least(std::string_view key, std::uint64_t value, std::uint64_t event_bytes_max) {
    constexpr std::string_view kEvent = "limits.event_bytes_max";
    if (value >= event_bytes_max) return;
    add(key, kEvent, std::to_string(value),
        "it must be at least " + with_value(kEvent, event_bytes_max));
  }

  void buckets() {
    const Limits& limits = config_.limits;
    bucket("limits.events_burst", "limits.events_per_second", limits.events_burst,
           limits.events_per_second);
    for (std::size_t i = 0; i < config_.topics.size(); ++i) {
      const TopicRow& row = config_.topics[i];
      if (!row.rate && !row.burst) continue;  // Checked above.
      const std::string prefix = "topics[" + std::to_string(i) + "].";
      const std::string burst = row.burst ? prefix + "burst" : "limits.events_burst";
      const std::string rate = row.rate ? prefix + "rate" : "limits.events_per_second";
      bucket(burst, rate, row.burst.value_or(limits.events_burst),
             row.rate.value_or(limits.events_per_second));
    }
  }

  void bucket(std::string_view burst_key, std::string_view rate_key, std::uint64_t burst,
              std::uint64_t rate) {
    const std::uint64_t burst_max = rate * kBucketSecondsMax;
    if (rate == 0 || burst <= burst_max) return;
    add(burst_key, rate_key, std::to_string(burst),
        "it must be at most " + std::to_string(kBucketSecondsMax) + " times " +
            with_value(rate_key, rate) + ", " + std::to_string(burst_max));
  }

  // Rows of a file are rewritten when three quarters of them are dead.
  void journal() {
    const std::uint64_t least = 4 * config_.history.bytes_max;
    const Journal& journal = config_.journal;
    if (journal.kind == JournalKind::nats && config_.nats.servers.empty()) {
      add("nats.servers", "journal.kind", "[]", "journal.kind nats needs at least one server");
    }
    if (config_.nats.certificate.empty() != config_.nats.key.empty()) {
      add("nats.certificate", "nats.key", to_text(config_.nats.certificate),
          "nats.certificate and nats.key need each other");
    }
    if (journal.kind == JournalKind::memory || journal.bytes_max >= least) return;
    add("journal.bytes_max", "history.bytes_max", std::to_string(journal.bytes_max),
        "it must be at least 4 times " +
            with_value("history.bytes_max", config_.history.bytes_max) + ", " +
            std::to_string(least));
  }

  void endpoints() {
    const std::string& admin = config_.admin.listen;
    if (admin == config_.http.listen) {
      add("admin.listen", "http.listen", to_text(admin), "it must differ from http.listen");
    }
    if (!config_.publish.socket.empty() && admin == "unix:" + config_.publish.socket) {
      add("admin.listen", "publish.socket", to_text(admin), "it must differ from publish.socket");
    }
  }

  void steering() {
    const Workers& workers = config_.workers;
    if (workers.steering == Steering::off || workers.affinity != kAffinityOff) return;
    add("workers.steering", "workers.affinity", to_text(std::string(to_string(workers.steering))),
        "it needs pinned workers, but workers.affinity is \"off\"");
  }

  void proxies() {
    const Http& http = config_.http;
    if (http.proxy_protocol == ProxyProtocol::off || !http.trusted_proxies.empty()) return;
    add("http.proxy_protocol", "http.trusted_proxies",
        to_text(std::string(to_string(http.proxy_protocol))),
        "it needs a proxy to trust, but http.trusted_proxies is empty");
  }

  void add(std::string_view key, std::string_view other, std::string value, std::string rule) {
    found_.push_back({std::string(key), std::string(other), std::move(value), std::move(rule)});
  }

  const Config& config_;
  std::vector<Contradiction> found_;
};

}  // namespace

std::vector<Contradiction> contradictions(const Config& config) {
  return Checks(config).run();
}

}  // namespace crier::config
