#include "cmd/daemon/reloader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cmd/daemon/settings.h"
#include "config/budget.h"
#include "config/load.h"
#include "net/socket/peer_credentials.h"

namespace crier::cmd {
namespace {

double unix_seconds() {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return now.count();
}

}  // namespace

Reloader::Reloader(const Parts& parts)
    : parts_(parts), outcome_{.success_unix_seconds = unix_seconds()} {}

void Reloader::reload() {
  config::Config& running = parts_.config;
  auto wanted = config::load(parts_.file, parts_.overrides);
  if (!wanted) {
    std::vector<std::string> problems;
    for (const config::Problem& problem : wanted.error()) problems.push_back(problem.message);
    return refuse(problems);
  }
  if (wanted->publish.socket.empty()) wanted->publish.socket = running.publish.socket;
  if (wanted->journal.path.empty()) wanted->journal.path = running.journal.path;
  parts_.activation.name_addresses(*wanted);
  const auto differences = config::compare(running, *wanted);
  auto peers = net::PeerList::make(wanted->publish.users, wanted->publish.groups);
  const auto sockets = net::try_options(socket_options(*wanted));
  const auto own = net::kernel_options();
  std::vector<std::string> problems;
  if (!peers) problems.push_back(peers.error().detail);
  if (!sockets) problems.push_back(sockets.error().detail);
  if (!own) problems.push_back(own.error().detail);
  if (problems.empty() && !config::apply_live(running, *wanted)) {
    problems.emplace_back("the new settings contradict one that needs a restart");
  }
  if (!problems.empty()) return refuse(problems);
  parts_.endpoints.set_peers(std::move(*peers));
  if (!sockets->warning.empty()) parts_.logs.limited.warning("reload: " + sockets->warning);
  follow(net::next_plan(parts_.sockets, sockets->usable, running.reload.canary_percent, *own));
  apply_to_parts();
  tell(differences);
}

// Not limited, and neither are problems: there are no more lines than settings.
void Reloader::tell(const std::vector<config::Difference>& differences) {
  const auto live = std::ranges::count_if(differences, &config::Difference::live);
  outcome_ = {.successful = true,
              .success_unix_seconds = unix_seconds(),
              .pending = differences.size() - static_cast<std::size_t>(live)};
  for (const config::Difference& difference : differences) {
    const Field fields[] = {
        {"key", difference.key}, {"from", difference.running}, {"to", difference.wanted}};
    parts_.logs.sink.write(difference.live ? Level::info : Level::warning,
                           difference.live ? "reload: applied" : "reload: needs a restart", fields);
  }
  parts_.logs.limited.info("reloaded", {{"applied", live}, {"pending", outcome_.pending}});
}

void Reloader::refuse(const std::vector<std::string>& problems) {
  outcome_.successful = false;
  for (const std::string& problem : problems) parts_.logs.sink.error("reload: " + problem);
  parts_.logs.limited.error("reload: nothing was changed");
}

void Reloader::follow(net::SocketPlan plan) {
  net::SocketPlan& running = parts_.sockets;
  LogSink& log = parts_.logs.limited;
  if (plan.canary) {
    log.info("reload: canary: a share of new connections gets the new socket options",
             {{"percent", plan.canary_percent}});
  } else if (running.canary && plan.current == running.current) {
    log.info("reload: canary ended: all new connections get the previous socket options");
  } else if (plan.current != running.current) {
    log.info("reload: all new connections get the new socket options");
  }
  running = std::move(plan);
}

void Reloader::apply_to_parts() {
  const config::Config& config = parts_.config;
  parts_.logs.apply(config);
  if (!config.admin.debug) parts_.debug_switch.switch_off(std::nullopt, "admin.debug");
  parts_.traces.set_every(trace_every(config));
  parts_.event_log.set_limits(topic_classes(config), config.history.bytes_max);
  parts_.endpoints.set_publish_rate(publish_rate(config));
  parts_.endpoints.set_admin_body(config::admin_body_bytes_max(config));
  parts_.workers.order_reload(parts_.sockets);
}

}  // namespace crier::cmd
