#include "cmd/bench/trial.h"

#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <random>
#include <utility>

#include "cmd/client/terminal.h"
#include "cmd/status/status_text.h"
#include "cmd/system/machine.h"
#include "cmd/system/version.h"

namespace crier::bench {
namespace {

using config::Json;

constexpr double kNoDeadline = 1e9;  // turn() ends what stands still.
constexpr std::uint64_t kPatienceSeconds = 20;
constexpr double kRunOverFactor = 2;  // Of the time it should take; and some more.
constexpr double kRunOverSeconds = 30;
constexpr double kProbeOverSeconds = 5;  // A probe whose events need longer has failed.
constexpr double kSearchStep = 1.05;     // A search ends between two rates that differ by less.
constexpr std::size_t kProbesMax = 30;   // And one more, a repetition.
constexpr std::uint64_t kFiguresEvery = 200'000'000;
constexpr std::uint64_t kDescriptorsKept = 100;  // Of a client process, for other than streams.
constexpr std::uint32_t kClientsAtLeast = 2;
constexpr double kSlicesPerSecond = 4;
constexpr double kSlicesWanted = 100;
// Rows of the heat map: two for each power of two, from 16 µs to about a minute.
constexpr unsigned kHeatFrom = 14;
constexpr unsigned kHeatTo = 36;

double ms(std::uint64_t ns) {
  return std::round(static_cast<double>(ns) / 1e3) / 1e3;
}

double rounded(double value) {
  return std::round(value * 1e3) / 1e3;
}

Json latency_json(const Histogram& all) {
  return {{"p50", ms(all.percentile(0.5))},
          {"p90", ms(all.percentile(0.9))},
          {"p99", ms(all.percentile(0.99))},
          {"p999", ms(all.percentile(0.999))},
          {"max", ms(all.percentile(1))}};
}

std::vector<std::uint64_t> heat_edges() {
  std::vector<std::uint64_t> edges;
  for (unsigned bit = kHeatFrom; bit < kHeatTo; ++bit) {
    edges.push_back(std::uint64_t{1} << bit);
    edges.push_back(std::uint64_t{3} << (bit - 1));
  }
  return edges;
}

// Deliveries between two edges, beginning with those below the first.
Json heat_json(const Histogram& all) {
  Json counts = Json::array();
  std::uint64_t before = 0;
  for (const std::uint64_t edge : heat_edges()) {
    const std::uint64_t below = all.below(edge);
    counts.push_back(below - before);
    before = below;
  }
  counts.push_back(all.count() - before);
  return counts;
}

Json plan_json(const Plan& plan) {
  Json json = {{"streams", plan.streams}, {"rate", plan.hz},   {"rate_end", plan.hz_end},
               {"seconds", plan.seconds}, {"size", plan.size}, {"topics", plan.topics},
               {"reuse", plan.reuse}};
  if (plan.p99_ms > 0) json["find_p99_ms"] = plan.p99_ms;
  return json;
}

Json machine_json() {
  utsname names{};
  ::uname(&names);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {{"at", std::string(text)},
          {"processors", cmd::cores()},
          {"kernel", std::string(names.release)}};
}

Json delivery_json(const Delivery& d) {
  const double seconds = std::max(static_cast<double>(d.elapsed) / 1e9, 1e-9);
  return {{"events", d.events},
          {"expected", d.expected},
          {"received", d.received},
          {"bytes", d.bytes},
          {"seconds", rounded(seconds)},
          {"events_per_second", rounded(static_cast<double>(d.events) / seconds)},
          {"deliveries_per_second", rounded(static_cast<double>(d.received) / seconds)},
          {"lost", d.lost()},
          {"lost_first", d.lost_first},
          {"lost_between", d.lost_between},
          {"lost_last", d.lost_last},
          {"out_of_order", d.late},
          {"duplicates", d.duplicates},
          {"too_old", d.too_old},
          {"strays", d.strays},
          {"streams_ended", d.ended},
          {"publishes_failed", d.posts_failed},
          {"publishes_unanswered", d.unanswered},
          {"first_failure", d.first_failure}};
}

}  // namespace

Trial::Trial(Plan plan, Server& server, Watch watch)
    : plan_(std::move(plan)), server_(server), watch_(std::move(watch)) {}

Result<void> Trial::open() {
  const std::uint64_t descriptors = cmd::this_machine().descriptors_max;
  const std::uint64_t each = std::max<std::uint64_t>(descriptors, 2 * kDescriptorsKept);
  const auto needed = static_cast<std::uint32_t>(plan_.streams / (each - kDescriptorsKept) + 1);
  const std::uint32_t processes = std::max(
      needed,
      std::min({plan_.streams, kProcessesPerGroup, std::max(kClientsAtLeast, cmd::cores())}));
  if (processes > kProcessesPerGroup) {
    return fail(Errc::limit_reached, "so many streams need more than " +
                                         std::to_string(kProcessesPerGroup) +
                                         " processes; raise the limit on open files (ulimit -n)");
  }
  auto topics = TopicPlan::make(plan_.topics, plan_.streams, 1);
  if (!topics) return std::unexpected(topics.error());
  Target target{.server = server_.address(),
                .host = server_.host(),
                .publish_socket = server_.publish_socket(),
                .stream_path = plan_.base + "/events?topic={}",
                .requests_per_connection = plan_.reuse};
  // A network for each run, so that no pair of addresses is used twice in a minute. IPv6 has but
  // one address of this machine for itself.
  if (server_.on_this_machine() && server_.address().get()->sa_family == AF_INET) {
    target.source_octet = static_cast<std::uint8_t>(64 + std::random_device()() % 180);
  }
  auto load = Load::create(std::move(target));
  if (!load) return std::unexpected(load.error());
  load_ = *std::move(load);
  load_->on_turn([this] { return turn(); });
  if (resident_before_ == 0) resident_before_ = server_.resident_exactly().value_or(0);
  const auto group = load_->add_group(
      {.name = "bench", .topics = *topics, .streams = plan_.streams, .processes = processes});
  if (!group) return std::unexpected(group.error());
  begin_phase("opening", kNoDeadline);
  slice_ns_ = 0;
  opening_ = load_->open(0, plan_.streams, kNoDeadline);
  resident_open_ = server_.resident_exactly().value_or(0);
  if (opening_.opened == 0 && !stopped_) {
    return fail(Errc::os, "no stream could be opened: " + cmd::printable(opening_.first_refusal));
  }
  return {};
}

void Trial::begin_phase(std::string doing, double seconds_max) {
  doing_ = std::move(doing);
  phase_began_ = moved_at_ = monotonic_ns();
  phase_ends_ = phase_began_ + static_cast<std::uint64_t>(seconds_max * 1e9);
  gave_up_ = false;
}

Result<Delivery> Trial::publish(double hz, double hz_end, double seconds, double slice_seconds) {
  samples_.clear();
  slice_ns_ = static_cast<std::uint64_t>(slice_seconds * 1e9);
  phase_ns_ = static_cast<std::uint64_t>(seconds * 1e9);
  cpu_before_ = server_.cpu_ns().value_or(0);
  take_sample();
  auto done = load_->rate({{.group = 0, .hz = hz, .hz_end = hz_end}}, seconds, plan_.size,
                          kNoDeadline, slice_seconds);
  if (!done) return std::unexpected(done.error());
  take_sample();  // The last slice may not be over.
  cpu_after_ = server_.cpu_ns().value_or(0);
  deliveries_ = done->front().received;
  return done->front();
}

bool Trial::turn() {
  const std::uint64_t now = monotonic_ns();
  while (slice_ns_ != 0 && samples_.size() <= kSlicesMax &&
         now >= phase_began_ + samples_.size() * slice_ns_) {
    take_sample();
  }
  if (now - figures_at_ >= kFiguresEvery) {
    figures_at_ = now;
    figures_ = figures();
  }
  double share = static_cast<double>(now - phase_began_) / static_cast<double>(phase_ns_);
  if (doing_ == "opening") share = static_cast<double>(load_->opened(0)) / plan_.streams;
  if (!watch_({.doing = doing_, .share = std::min(share, 1.0), .figures = figures_})) {
    stopped_ = true;
  }
  const std::uint64_t moved = doing_ == "opening" ? load_->opened(0) + load_->refused(0)
                                                  : load_->published(0) + load_->received(0);
  if (std::exchange(moved_, moved) != moved) moved_at_ = now;
  gave_up_ = gave_up_ || now > phase_ends_ || now - moved_at_ > kPatienceSeconds * 1'000'000'000;
  return !stopped_ && !gave_up_;
}

void Trial::take_sample() {
  samples_.push_back({.received = samples_.empty() ? 0 : load_->received(0),
                      .published = samples_.empty() ? 0 : load_->published(0),
                      .cpu_ns = server_.cpu_ns().value_or(0),
                      .resident = server_.resident().value_or(0)});
}

std::string Trial::figures() const {
  const auto count = [](std::uint64_t n) { return cmd::human_count(static_cast<double>(n)); };
  if (doing_ == "opening") return count(load_->opened(0)) + " streams";
  const double p99 = static_cast<double>(load_->latency(0).percentile(0.99)) / 1e9;
  return count(load_->received(0)) + " deliveries, p99 " + cmd::human_latency(p99);
}

Json Trial::slices() const {
  Json rows = Json::array();
  const double seconds = static_cast<double>(slice_ns_) / 1e9;
  const auto count = static_cast<std::uint32_t>(
      std::min<double>(kSlicesMax, std::ceil(plan_.seconds / seconds - 1e-6)));
  for (std::uint32_t i = 0; i < count && i + 1 < samples_.size(); ++i) {
    const Sample& before = samples_[i];
    const Sample& after = samples_[i + 1];
    const auto rate = [&](std::uint64_t from, std::uint64_t to) {
      return rounded(static_cast<double>(to - from) / seconds);
    };
    const Histogram slice = load_->slice(0, i);
    Json row = {{"t", rounded((i + 1) * seconds)},
                {"events_per_second", rate(before.published, after.published)},
                {"deliveries_per_second", rate(before.received, after.received)},
                {"latency_ms", latency_json(slice)},
                {"heat", heat_json(slice)}};
    if (server_.pid() != 0) {
      const std::uint64_t cpu = std::max(before.cpu_ns, after.cpu_ns) - before.cpu_ns;
      row["processors"] = rounded(static_cast<double>(cpu) / 1e9 / seconds);
      row["memory_bytes"] = after.resident;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json Trial::server_json() const {
  Json json = {{"address", server_.address_text()}, {"started", server_.started()}};
  if (server_.pid() == 0 || cpu_after_ == 0) {
    json["no_figures"] = server_.pid() == 0 ? server_.why_no_pid() : "/proc hides its process";
    return json;
  }
  const auto cpu = static_cast<double>(cpu_after_ - cpu_before_);
  const double grown = static_cast<double>(resident_open_) - static_cast<double>(resident_before_);
  json["cpu_seconds"] = rounded(cpu / 1e9);
  json["cpu_us_per_delivery"] =
      rounded(cpu / 1e3 / static_cast<double>(std::max<std::uint64_t>(deliveries_, 1)));
  json["memory_bytes_before"] = resident_before_;
  json["memory_bytes_open"] = resident_open_;
  json["memory_bytes_after"] = server_.resident_exactly().value_or(0);
  json["memory_bytes_per_stream"] =
      std::round(10 * grown / static_cast<double>(std::max<std::uint64_t>(opening_.opened, 1))) /
      10;
  return json;
}

Result<Report> Trial::run() {
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  return measure();
}

Result<Report> Trial::measure() {
  begin_phase("publishing", kRunOverFactor * plan_.seconds + kRunOverSeconds);
  const double slice = std::max(1 / kSlicesPerSecond, plan_.seconds / kSlicesWanted);
  const auto delivery = publish(plan_.hz, plan_.hz_end, plan_.seconds, slice);
  if (!delivery) return std::unexpected(delivery.error());
  const double open_seconds = static_cast<double>(opening_.elapsed) / 1e9;
  Json report = {{"crier_bench", 1}, {"version", cmd::version()}};
  report["machine"] = machine_json();
  report["plan"] = plan_json(plan_);
  report["interrupted"] = stopped_;
  report["opening"] = {{"streams", opening_.opened},
                       {"refused", opening_.refused},
                       {"first_refusal", opening_.first_refusal},
                       {"ended", opening_.ended},
                       {"seconds", rounded(open_seconds)},
                       {"streams_per_second", rounded(static_cast<double>(opening_.opened) /
                                                      std::max(open_seconds, 1e-9))}};
  report["deliveries"] = delivery_json(*delivery);
  report["latency_ms"] = latency_json(load_->latency(0));
  report["publisher"] = {
      {"requests", delivery->requests},
      {"connections", delivery->connections},
      {"requests_per_connection",
       rounded(static_cast<double>(delivery->requests) /
               static_cast<double>(std::max<std::uint64_t>(delivery->connections, 1)))},
      {"late_p99_ms", ms(load_->lateness(0).percentile(0.99))},
      {"late_max_ms", ms(load_->lateness(0).percentile(1))}};
  report["server"] = server_json();
  if (plan_.p99_ms > 0) report["search"] = probes_;
  Json edges = Json::array();
  for (const std::uint64_t edge : heat_edges()) edges.push_back(ms(edge));
  report["heat_edges_ms"] = std::move(edges);
  report["slices"] = slices();
  if (!delivery->broken.empty()) {
    report["gave_up"] = delivery->broken;
  } else if (gave_up_) {
    report["gave_up"] = monotonic_ns() > phase_ends_
                            ? "the server is far too slow for this rate"
                            : "nothing arrived for " + std::to_string(kPatienceSeconds) + " s";
  }
  Report whole{std::move(report)};
  whole.json["faults"] = faults(whole);
  return whole;
}

Result<bool> Trial::probe(double hz, double seconds, bool repeated) {
  begin_phase("searching, " + cmd::human_count(hz) + " events/s",
              std::min(seconds + kProbeOverSeconds + plan_.p99_ms / 1e3, kNoDeadline));
  const auto done = publish(hz, hz, seconds, 0);
  if (!done) return std::unexpected(done.error());
  if (!done->broken.empty()) return fail(Errc::os, done->broken);
  const double p99 = ms(load_->latency(0).percentile(0.99));
  const bool whole = !gave_up_ && done->missing() == 0 && done->lost() == 0 && done->strays == 0 &&
                     done->ended == 0 && done->posts_failed == 0 && done->unanswered == 0;
  const bool fast = whole && p99 <= plan_.p99_ms;
  if (stopped_) return fast;
  probes_.push_back(
      {{"rate", hz}, {"p99_ms", p99}, {"whole", whole}, {"fast", fast}, {"repeated", repeated}});
  // If the server ended streams, or events of this probe are still on their way, the next one
  // begins with new streams.
  if (done->ended > 0 || gave_up_) {
    if (auto opened = open(); !opened) return std::unexpected(opened.error());
  }
  return fast;
}

Result<Report> Trial::search() {
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  const double seconds = std::max(0.5, plan_.seconds / 4);
  const double hz_max = kEventsPerCommand / plan_.seconds;
  double good = 0;
  double bad = hz_max * kSearchStep;
  double hz = std::min(plan_.hz, hz_max);
  while (probes_.size() < kProbesMax && !stopped_ && bad / std::max(good, 1e-9) > kSearchStep) {
    auto fast = probe(hz, seconds, false);
    if (fast && !*fast && !stopped_) fast = probe(hz, seconds, true);
    if (!fast) return std::unexpected(fast.error());
    if (stopped_) break;
    (*fast ? good : bad) = hz;
    if (good == 0 && bad <= 1) {
      return fail(
          Errc::not_found,
          "not even 1 event a second has a p99 of " + cmd::human_latency(plan_.p99_ms / 1e3) +
              " or less: " + cmd::human_latency(probes_.back()["p99_ms"].get<double>() / 1e3));
    }
    hz = good == 0 ? bad / 2 : bad > hz_max ? good * 2 : (good + bad) / 2;
    hz = std::clamp(std::round(hz), 1.0, hz_max);
    if (hz == good || hz == bad) break;
  }
  if (good > 0) plan_.hz = plan_.hz_end = good;
  return measure();
}

}  // namespace crier::bench
