#include "cmd/daemon/endpoints.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "cmd/daemon/settings.h"
#include "cmd/system/drawn.h"
#include "net/socket/accounts.h"
#include "net/socket/endpoint.h"

namespace crier::cmd {
namespace {

// Returns nothing if the configuration names no user.
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

// Puts the key of the configuration before the error's text.
Error named(std::string_view key, const Error& error) {
  return {error.code, std::string(key) + ": " + error.detail};
}

}  // namespace

Endpoints::Endpoints(Parts parts) : parts_(std::move(parts)) {}

Result<void> Endpoints::open(net::Fd publish) {
  if (auto opened = open_publish(std::move(publish)); !opened) return opened;
  return open_admin();
}

Result<void> Endpoints::open_publish(net::Fd handed_in) {
  const config::Config& config = parts_.config;
  const config::Publish& publish = config.publish;
  const auto owner = owner_of(publish);
  if (!owner) return std::unexpected(owner.error());
  const auto group = group_of(publish);
  if (!group) return std::unexpected(group.error());
  auto peers = net::PeerList::make(publish.users, publish.groups);
  if (!peers) return std::unexpected(peers.error());
  auto listener = handed_in ? net::UnixListener::adopt(std::move(handed_in))
                            : net::UnixListener::open({.path = publish.socket,
                                                       .mode = publish.mode.bits,
                                                       .owner = *owner,
                                                       .group = *group});
  if (!listener) {
    Error error = named("publish.socket", listener.error());
    if (*owner || *group) {
      error.detail +=
          " (publish.owner, publish.group: under systemd leave them empty and set "
          "SocketUser=, SocketGroup= of crier-publish.socket)";
    }
    return std::unexpected(std::move(error));
  }
  publish_listener_.emplace(std::move(*listener));

  PublishParts parts{parts_.journal, parts_.event_log, parts_.encoder, parts_.keys,
                     parts_.control, parts_.feed,      parts_.log};
  parts.peers = std::move(*peers);
  parts.limits = {config.limits.event_bytes_max, config.limits.request_lines_max,
                  publish_rate(config)};
  parts.draining = parts_.draining;
  parts.memory = &parts_.memory;
  parts.random_seed = drawn<std::uint64_t>();
  parts.traces = &parts_.traces;
  parts.journal_pages = parts_.journal_pages;
  if (net::peers_are_hidden()) {
    parts_.log.info(
        "publishers share one space of idempotency keys and one publish.rate: PrivateUsers= hides "
        "their users");
  }
  publish_routes_.emplace(std::move(parts));
  net::HttpServerOptions options = publish_server_options(config);
  options.shortage = &parts_.memory;
  publish_server_.emplace(parts_.loop, *publish_routes_, options);
  return publish_server_->listen(publish_listener_->fd());
}

Result<void> Endpoints::open_admin() {
  const config::Config& config = parts_.config;
  const auto endpoint = net::Endpoint::parse(config.admin.listen);
  if (!endpoint) return std::unexpected(named("admin.listen", endpoint.error()));
  catalogue_.emplace();
  viewers_.emplace(StatsViewers::Parts{
      .loop = parts_.loop,
      .config = config,
      .catalogue = *catalogue_,
      .log = parts_.event_log,
      .batches = parts_.feed.watchers(),
      .workers = parts_.control,
      .why_not_ready = [this] { return parts_.why_not_ready({}); },
      .now = net::Loop::now,
      .viewers_max =
          std::min<std::size_t>(StatsViewers::kViewersMax, config.admin.connections_max / 2)});
  tails_.emplace(TopicTails::Parts{
      .loop = parts_.loop,
      .config = config,
      .batches = parts_.feed.watchers(),
      .now = net::Loop::now,
      .tails_max = std::min<std::size_t>(TopicTails::kTailsMax, config.admin.connections_max / 4)});
  admin_routes_.emplace(AdminRoutes::Parts{config, *catalogue_, parts_.why_not_ready,
                                           parts_.event_log, parts_.control, parts_.debug_switch,
                                           parts_.traces, *viewers_, *tails_, parts_.log,
                                           [this](const auto& request, auto responder) {
                                             publish_routes_->publish_of_page(request, responder);
                                           },
                                           drawn<std::uint64_t>(), net::Loop::now});
  net::HttpServerOptions server = admin_server_options(config);
  server.shortage = &parts_.memory;
  admin_server_.emplace(parts_.loop, *admin_routes_, server);
  if (endpoint->family == net::Endpoint::Family::unix_socket) {
    // publish.mode and publish.group let publishers in, and these are not for the admin socket.
    auto listener = net::UnixListener::open({.path = endpoint->path, .mode = 0600});
    if (!listener) return std::unexpected(named("admin.listen", listener.error()));
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

void Endpoints::show(MetricSources sources) {
  sources.publish = &publish_server_->counters();
  sources.publishing = &publish_routes_->counters();
  sources.admin = &admin_server_->counters();
  sources.publish_connections = [this] { return static_cast<double>(publish_server_->serving()); };
  sources.ready = [this] { return parts_.why_not_ready({}).empty(); };
  catalogue_.emplace(make_catalogue(sources));
  viewers_->set_sources({.workers = sources.workers,
                         .loops = sources.worker_loops,
                         .listeners = sources.listeners,
                         .kernel = sources.kernel});
}

std::uint64_t Endpoints::starved_accepts() const {
  return publish_server_->counters().accepts_starved.read() +
         admin_server_->counters().accepts_starved.read();
}

void Endpoints::add_times(LimitTimes& times) const {
  const net::HttpServerCounters& publish = publish_server_->counters();
  times.add(Limit::publish_connections_max,
            publish.connections_refused.read() + publish.displaced.read());
  const auto rate = static_cast<std::size_t>(PublishRefusal::rate);
  times.add(Limit::publish_rate, publish_routes_->counters().refused[rate].read());
}

void Endpoints::close() {
  viewers_->close();
  tails_->close();
  admin_server_->close();
  publish_server_->close();
}

}  // namespace crier::cmd
