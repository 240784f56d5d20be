// The daemon's journal, its sockets besides the subscribers', its metrics, and what a reload
// changes.
#include <string>
#include <utility>
#include <vector>

#include "cmd/daemon/daemon.h"
#include "cmd/daemon/settings.h"
#include "cmd/system/socket_path.h"
#include "cmd/system/version.h"
#include "config/differences.h"
#include "config/load.h"
#include "net/socket/accounts.h"
#include "net/socket/endpoint.h"
#include "net/socket/peer_credentials.h"

namespace crier::cmd {
namespace {

// Nobody where none is named.
Result<std::optional<uid_t>> owner_of(const config::Publish& publish) {
  if (publish.owner.empty()) return std::nullopt;
  if (const auto found = net::find_user(publish.owner)) return found;
  return fail(Errc::invalid_config, "publish.owner: there is no user \"" + publish.owner + "\"");
}

Result<std::optional<gid_t>> group_of(const config::Publish& publish) {
  if (publish.group.empty()) return std::nullopt;
  if (const auto found = net::find_group(publish.group)) return found;
  return fail(Errc::invalid_config, "publish.group: there is no group \"" + publish.group + "\"");
}

}  // namespace

Result<void> Daemon::load_journal() {
  const auto loaded = journal_.load(
      [this](const broadcast::Event& event, std::uint64_t sequence, Instant accepted) {
        event_log_.append(encoder_.encode(event, sequence, accepted));
      });
  log_head_ = event_log_.head();
  return loaded;
}

// What could not be tried before the kernel was tuned.
Result<void> Daemon::try_sockets() {
  if (!start_.checked.sockets_wait) return {};
  auto tried = net::try_options(sockets_.current);
  if (!tried) return std::unexpected(tried.error());
  if (!tried->warning.empty()) log_.warning(tried->warning);
  sockets_.current = std::move(tried->usable);
  return {};
}

Result<void> Daemon::open_publish_socket() {
  const config::Publish& publish = config_.publish;
  const auto owner = owner_of(publish);
  if (!owner) return std::unexpected(owner.error());
  const auto group = group_of(publish);
  if (!group) return std::unexpected(group.error());
  auto peers = net::PeerList::make(publish.users, publish.groups);
  if (!peers) return std::unexpected(peers.error());
  const bool handed_in{start_.activation.publish};
  if (!handed_in) {
    if (const auto ready = prepare_socket_directory(publish.socket); !ready) return ready;
  }
  auto listener = handed_in ? net::UnixListener::adopt(std::move(start_.activation.publish))
                            : net::UnixListener::open({.path = publish.socket,
                                                       .mode = publish.mode.bits,
                                                       .owner = *owner,
                                                       .group = *group});
  if (!listener) {
    Error error = listener.error();
    if (*owner || *group) {
      error.detail +=
          " (publish.owner, publish.group: under systemd leave them empty and set "
          "SocketUser=, SocketGroup= of crier-publish.socket)";
    }
    return std::unexpected(std::move(error));
  }
  publish_listener_.emplace(std::move(*listener));

  PublishParts parts{journal_, event_log_, encoder_, idempotency_, *control_, *feed_};
  parts.peers = std::move(*peers);
  parts.limits = {config_.limits.event_bytes_max, config_.limits.request_lines_max};
  parts.draining = [this] { return phase_ != Phase::serving; };
  parts.random_seed = keys_.publish_seed;
  if (net::peers_are_hidden()) {
    log_.info("publishers share one space of idempotency keys: PrivateUsers= hides who they are");
  }
  publish_routes_.emplace(std::move(parts));
  publish_server_.emplace(loop_, *publish_routes_, publish_server_options(config_));
  return publish_server_->listen(publish_listener_->fd());
}

Result<void> Daemon::open_admin() {
  const auto endpoint = net::Endpoint::parse(config_.admin.listen);
  if (!endpoint) {
    return fail(endpoint.error().code, "admin.listen: " + endpoint.error().detail);
  }
  catalogue_.emplace();
  admin_routes_.emplace(AdminRoutes::Parts{config_, *catalogue_, *this, event_log_, *control_,
                                           debug_switch_, keys_.admin_seed});
  admin_server_.emplace(loop_, *admin_routes_, admin_server_options(config_));
  if (endpoint->family == net::Endpoint::Family::unix_socket) {
    if (const auto ready = prepare_socket_directory(endpoint->path); !ready) return ready;
    auto listener = net::UnixListener::open({.path = endpoint->path});
    if (!listener) return std::unexpected(listener.error());
    admin_unix_listener_.emplace(std::move(*listener));
    return admin_server_->listen(admin_unix_listener_->fd());
  }
  if (const auto free = net::probe_address(*endpoint, "admin.listen"); !free) return free;
  net::ListenerOptions options;
  options.defer_accept_seconds = 0;
  options.sockets.send_buffer_bytes = 0;
  options.sockets.unsent_bytes_low_water = 0;
  auto listener = net::Listener::open(*endpoint, options, "admin.listen");
  if (!listener) return std::unexpected(listener.error());
  admin_tcp_listener_.emplace(std::move(*listener));
  return admin_server_->listen(admin_tcp_listener_->fd());
}

void Daemon::make_catalogue() {
  MetricSources sources;
  for (const auto& worker : workers_) {
    sources.workers.push_back(&worker->stats());
    sources.refusals.push_back(&worker->refusals());
    sources.pending.push_back(&worker->pending_counters());
    sources.listeners.push_back(&worker->listener_counters());
  }
  sources.log = &event_log_.stats();
  sources.frames = &frames_;
  sources.publish = &publish_server_->counters();
  sources.publishing = &publish_routes_->counters();
  sources.admin = &admin_server_->counters();
  sources.kernel = &kernel_;
  sources.sockets = &sockets_;
  sources.version = version();
  // In place: the routes refer to it.
  catalogue_.emplace(cmd::make_catalogue(sources));
}

void Daemon::reload() {
  const auto wanted = config::load(start_.file, start_.overrides);
  if (!wanted) {
    std::vector<std::string> problems;
    for (const config::Problem& problem : wanted.error()) problems.push_back(problem.message);
    return refuse_reload(problems);
  }
  config::Config full = *wanted;
  if (full.publish.socket.empty()) full.publish.socket = config_.publish.socket;
  start_.activation.name_addresses(full);
  const auto differences = config::compare(config_, full);
  auto peers = net::PeerList::make(full.publish.users, full.publish.groups);
  const auto sockets = net::try_options(socket_options(full));
  const auto own = net::kernel_options();
  std::vector<std::string> problems;
  if (!peers) problems.push_back(peers.error().detail);
  if (!sockets) problems.push_back(sockets.error().detail);
  if (!own) problems.push_back(own.error().detail);
  if (problems.empty() && !config::apply_live(config_, full)) {
    problems.emplace_back("the new settings contradict one that needs a restart");
  }
  if (!problems.empty()) return refuse_reload(problems);
  publish_routes_->set_peers(std::move(*peers));
  if (!sockets->warning.empty()) log_.warning("reload: " + sockets->warning);
  follow(net::next_plan(sockets_, sockets->usable, config_.reload.canary_percent, *own));
  apply_to_parts();
  // Not limited, like problems: no more than there are knobs.
  for (const config::Difference& difference : differences) {
    stderr_log_.info(
        difference.live ? "reload: applied" : "reload: needs a restart",
        {{"key", difference.key}, {"from", difference.running}, {"to", difference.wanted}});
  }
  log_.info("reloaded", {{"changes", differences.size()}});
}

void Daemon::refuse_reload(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) stderr_log_.error("reload: " + problem);
  log_.error("reload: nothing was changed");
}

void Daemon::follow(net::SocketPlan plan) {
  if (plan.canary) {
    log_.info("reload: a canary: the new socket options for a share of new connections",
              {{"percent", plan.canary_percent}});
  } else if (sockets_.canary && plan.current == sockets_.current) {
    log_.info("reload: the canary has ended: the socket options from before it");
  } else if (plan.current != sockets_.current) {
    log_.info("reload: the new socket options for all new connections");
  }
  sockets_ = std::move(plan);
}

void Daemon::apply_to_parts() {
  stderr_log_.set_level(log_level(config_));
  stderr_log_.set_format(config_.log.format);
  connections_.set_lines_per_second(config_.log.connections_per_second);
  if (!config_.admin.debug) debug_switch_.switch_off(std::nullopt, "admin.debug");
  event_log_.set_limits(topic_classes(config_), config_.history.bytes_max);
  for (const auto& worker : workers_) {
    worker->order_reload({worker_options(config_, counts_.streams_max), subscribe_policy(config_),
                          config_.log.connections_per_second, sockets_});
  }
}

}  // namespace crier::cmd
