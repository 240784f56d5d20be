// The table: one row per key. To add a knob, add its member to config.h and its row here.
#include <algorithm>
#include <array>

#include "config/knob.h"
#include "config/nats_knobs.h"
#include "core/units.h"

namespace crier::config {
namespace {

constexpr Applies kLive = Applies::live;
constexpr Applies kRestart = Applies::restart;

constexpr std::uint64_t kDaySeconds = 86'400;

using C = Config;

constexpr std::array kKnobs{
    text<&C::http, &Http::listen>("http.listen", kTcpEndpoint, kRestart,
                                  "TCP address and port for subscribers. Under crier.service, "
                                  "subscribers on other hosts need drop-ins/network.conf as well."),
    list<&C::http, &Http::hosts>(
        "http.hosts", kHosts, kLive,
        "Host headers that subscribers may use. Empty: any, because proxies "
        "pass names on."),
    list<&C::http, &Http::origins>(
        "http.origins", kOrigins, kLive,
        "Web origins whose pages may subscribe, in addition to crier's own."),
    number<&C::http, &Http::backlog>(
        "http.backlog", {1, 65'535}, kRestart,
        "Connections that may wait to be accepted, per worker. The kernel "
        "caps it at net.core.somaxconn."),
    list<&C::http, &Http::trusted_proxies>(
        "http.trusted_proxies", kAddressRanges, kLive,
        "Addresses of proxies that crier believes when they name a client's address. They must "
        "replace or append to the header that names it. Limits and logs then use the client's "
        "address. Empty: none; limits and logs use the address from which a connection comes."),
    choice<&C::http, &Http::client_address_from>(
        "http.client_address_from", kLive,
        "The header in which trusted proxies name the client: X-Forwarded-For, or Forwarded "
        "(RFC 7239). The other one is ignored."),
    choice<&C::http, &Http::proxy_protocol>(
        "http.proxy_protocol", kLive,
        "Whether connections of trusted proxies begin with a PROXY protocol header (version 1 or "
        "2) that names the client. off: no. optional: some do. required: yes; crier refuses those "
        "without one. Other peers may not send one."),

    text<&C::publish, &Publish::socket>("publish.socket", kSocketPath, kRestart,
                                        "Unix socket for publishers. Empty: "
                                        "/run/crier/publish.sock for root, else below the user's "
                                        "runtime directory."),
    text<&C::publish, &Publish::mode>("publish.mode", kFileMode, kRestart,
                                      "Permissions of the publish socket, octal."),
    text<&C::publish, &Publish::owner>(
        "publish.owner", kAccount, kRestart,
        "Owner of the publish socket. Empty: the user crier runs as."),
    text<&C::publish, &Publish::group>(
        "publish.group", kAccount, kRestart,
        "Group of the publish socket. Empty: the group crier runs as."),
    list<&C::publish, &Publish::users>("publish.users", kAccounts, kLive,
                                       "Users that may publish. If no users and no groups are "
                                       "listed: every user whom the socket's permissions allow."),
    list<&C::publish, &Publish::groups>("publish.groups", kAccounts, kLive,
                                        "Groups whose members may publish, beside publish.users."),
    number<&C::publish, &Publish::connections_max>("publish.connections_max", {1, 65'536}, kRestart,
                                                   "Open connections of publishers."),
    number<&C::publish, &Publish::pipelined_max>(
        "publish.pipelined_max", {1, 16'384}, kRestart,
        "Requests of one connection that may be without an answer. crier does not read further "
        "ones until it has answered. Independent of this, it reads none while the bodies of such "
        "requests add up to 1 MiB or more."),
    number<&C::publish, &Publish::rate>(
        "publish.rate", {0, 10'000'000}, kLive,
        "Events per second that one user (uid) may publish; beyond it requests are answered 429. "
        "0: no limit."),
    number<&C::publish, &Publish::burst>(
        "publish.burst", {1, 10'000'000}, kLive,
        "Events that a user may publish at once after a pause, if publish.rate is set. A request "
        "with more events is accepted as soon as one event would be, and the user's next requests "
        "wait until the rate holds again."),
    number<&C::publish, &Publish::idempotency_keys_max>(
        "publish.idempotency_keys_max", {0, 10'000'000}, kRestart,
        "Idempotency keys remembered; the oldest is forgotten first. 0: none."),
    number<&C::publish, &Publish::idempotency_seconds_max>(
        "publish.idempotency_seconds_max", {1, kDaySeconds}, kRestart,
        "How long an idempotency key is remembered, in seconds."),

    text<&C::admin, &Admin::listen>(
        "admin.listen", kAdminEndpoint, kRestart,
        "Address and port for metrics and health, or unix:/path, a socket that only root and the "
        "user crier runs as may use. Keep it off the open network."),
    flag<&C::admin, &Admin::debug>(
        "admin.debug", kLive,
        "Serve /debug/streams, /debug/topics, /debug/workers, /debug/config and /debug/trace, "
        "which show names of topics, /debug/log, which logs single streams for a while, and "
        "/tail, which shows the events of a topic; list busy topics and lagging streams on the "
        "dashboard."),
    number<&C::admin, &Admin::trace_every>(
        "admin.trace_every", {0, 1'000'000'000}, kLive,
        "Follow one publish request in so many through crier, from its acceptance to the last "
        "write of each worker, and show the last 64 on /debug/trace and the dashboard, if "
        "admin.debug is true. 0: none."),
    flag<&C::admin, &Admin::publish>(
        "admin.publish", kLive,
        "Let the dashboard publish, on every topic: then everybody who can connect to the admin "
        "endpoint can. publish.users and publish.groups do not count there; publish.rate does."),
    list<&C::admin, &Admin::hosts>(
        "admin.hosts", kHosts, kLive,
        "Host headers that the admin endpoint accepts beside addresses and "
        "localhost."),
    number<&C::admin, &Admin::connections_max>("admin.connections_max", {1, 4'096}, kRestart,
                                               "Open connections to the admin endpoint."),

    number<&C::workers, &Workers::count>(
        "workers.count", {0, kWorkersMax}, kRestart,
        "Threads that serve subscribers. 0: one per core, or one per "
        "processor listed in workers.affinity."),
    text<&C::workers, &Workers::affinity>(
        "workers.affinity", kAffinity, kRestart,
        "Which processor each worker is pinned to. off: none. auto: one of those that crier may "
        "use, NUMA nodes in turn, whole cores before their second threads. A list: the first "
        "worker to the first processor in it, and so on."),
    choice<&C::workers, &Workers::steering>(
        "workers.steering", kRestart,
        "Which worker gets a connection. off: the kernel chooses by a hash of its addresses, which "
        "spreads connections evenly. cpu: the worker pinned to the processor on which its packets "
        "arrive (SO_INCOMING_CPU), however many connections it has. Does not apply to sockets that "
        "a service manager opened."),
    choice<&C::workers, &Workers::own_descriptor_table>(
        "workers.own_descriptor_table", kRestart,
        "Whether each worker has a descriptor table of its own, so that the limit on open files "
        "counts per worker. auto: only if limits.streams_max is a number too large for one table, "
        "and the system allows it."),

    choice<&C::subscribe, &Subscribe::patterns>(
        "subscribe.patterns", kLive,
        "Whether subscribers may use the wildcards * and >. With them they read topics whose names "
        "they do not know."),

    number_or_auto<&C::limits, &Limits::streams_max>(
        "limits.streams_max", {1, 16'000'000}, kRestart,
        "Open streams, all workers together. auto: as many as the limit on open files "
        "(LimitNOFILE=, "
        "ulimit -n), the watches of epoll and the memory allow, 1000000 at most."),
    number<&C::limits, &Limits::streams_per_address_max>(
        "limits.streams_per_address_max", {0, 16'000'000}, kRestart,
        "Open streams of one client address (IPv6: of one /64). Behind a proxy it needs "
        "http.trusted_proxies. 0: no cap."),
    number<&C::limits, &Limits::streams_per_topic_max>(
        "limits.streams_per_topic_max", {0, 16'000'000}, kRestart,
        "Open streams of one topic, all workers together. A stream counts for each topic that it "
        "names, and not for its patterns. 0: no cap."),
    number<&C::limits, &Limits::requests_per_address>(
        "limits.requests_per_address", {0, 1'000'000}, kLive,
        "Requests per second of one client address (IPv6: of one /64), all workers together; "
        "crier refuses further ones. On the open internet: 20. Behind a proxy it needs "
        "http.trusted_proxies. 0: no limit."),
    number<&C::limits, &Limits::requests_per_address_burst>(
        "limits.requests_per_address_burst", {1, 1'000'000}, kLive,
        "Requests that an address may send at once, if limits.requests_per_address is set. Clients "
        "behind one address reconnect at the same time: allow as many as the largest office has."),
    number<&C::limits, &Limits::breaker_seconds>(
        "limits.breaker_seconds", {0, 3'600}, kLive,
        "Seconds for which an address is shut out after limits.requests_per_address has refused it "
        "three times in a row: its requests are refused, and its connections closed unread unless "
        "they are a trusted proxy's. 0: never."),
    text<&C::limits, &Limits::memory_max>(
        "limits.memory_max", kMemoryMax, kRestart,
        "Memory that crier may use, the kernel's socket buffers included: bytes (K, M, G, T), or a "
        "share of the machine's memory or of the control group's limit. As it fills up, crier "
        "first lets replays wait, then refuses new streams, ends those that are owed most, and "
        "refuses events. off: no limit."),
    choice<&C::limits, &Limits::refuse_with>(
        "limits.refuse_with", kLive,
        "How a browser learns that the server is full. stream: by a short stream that says when to "
        "reconnect. status: by 429 or 503, after which EventSource gives up."),
    number<&C::limits, &Limits::event_bytes_max>(
        "limits.event_bytes_max", {1, 1 * kMiB}, kRestart,
        "Bytes of data in one event; larger ones are refused."),
    number<&C::limits, &Limits::request_bytes_max>("limits.request_bytes_max",
                                                   {1 * kKiB, 256 * kMiB}, kRestart,
                                                   "Bytes in the body of one publish request."),
    number<&C::limits, &Limits::request_lines_max>(
        "limits.request_lines_max", {1'000, 1'000'000}, kRestart,
        "Lines in the body of one publish request, blank ones included. A request is served in one "
        "go: a thousand lines take about a millisecond."),
    number<&C::limits, &Limits::owed_bytes_max>(
        "limits.owed_bytes_max", {4 * kKiB, 64 * kMiB}, kRestart,
        "Bytes one stream may be owed before its overflow policy "
        "applies."),
    number<&C::limits, &Limits::owed_events_max>(
        "limits.owed_events_max", {8, 65'536}, kRestart,
        "Events one stream may be owed before its overflow "
        "policy applies; rounded up to a power of two."),
    number<&C::limits, &Limits::owed_total_bytes_max>(
        "limits.owed_total_bytes_max", {1 * kMiB, 64 * kGiB}, kLive,
        "Memory of events that the history no longer holds and crier still owes to streams, all "
        "streams together; beyond it the overflow policy applies to the streams that are owed "
        "most."),
    number<&C::limits, &Limits::ring_bytes_max>(
        "limits.ring_bytes_max", {1 * kMiB, 64 * kGiB}, kRestart,
        "Memory of one worker for the lists of events that its streams are owed: for short lists, "
        "and as much again for long ones."),
    number<&C::limits, &Limits::owing_seconds_max>(
        "limits.owing_seconds_max", {1, 3'600}, kLive,
        "Seconds after which crier ends a stream that is owed events and takes no byte."),
    number<&C::limits, &Limits::topics_per_stream_max>("limits.topics_per_stream_max", {1, 1'024},
                                                       kRestart, "Topics in one subscription."),
    number<&C::limits, &Limits::topics_max>(
        "limits.topics_max", {1, 16'000'000}, kRestart,
        "Topics known at a time, by their history or by streams."),
    number<&C::limits, &Limits::patterns_max>(
        "limits.patterns_max", {1, 16'000'000}, kRestart,
        "Different patterns to which the streams of one worker subscribe. crier compares an event "
        "with all patterns that begin like its topic."),
    number<&C::limits, &Limits::stream_seconds_max>(
        "limits.stream_seconds_max", {0, 30 * kDaySeconds}, kLive,
        "Seconds after which crier ends a stream and tells its client to reconnect. Each stream "
        "ends at 80 to 100 % of it, so that clients do not return together. 0: never."),
    number<&C::limits, &Limits::pending_requests_max>(
        "limits.pending_requests_max", {1, 4'000'000}, kRestart,
        "Connections of subscribers that are still sending their request, all workers together; "
        "beyond "
        "it the oldest is closed."),
    number<&C::limits, &Limits::pending_seconds_max>(
        "limits.pending_seconds_max", {1, 600}, kRestart,
        "Seconds from accept to the end of the request."),
    number<&C::limits, &Limits::events_per_second>(
        "limits.events_per_second", {0, 1'000'000}, kRestart,
        "Events per second sent to one stream. 0: no limit."),
    number<&C::limits, &Limits::events_burst>("limits.events_burst", {1, 1'000'000}, kRestart,
                                              "Events that crier sends at once to a stream that "
                                              "was idle, if limits.events_per_second is set."),
    number<&C::limits, &Limits::bytes_per_second>(
        "limits.bytes_per_second", {0, 4 * kGiB}, kRestart,
        "Bytes per second of events sent to one stream, as they go over the wire. A stream that "
        "would exceed it waits, as with limits.events_per_second. 0: no limit."),
    number<&C::limits, &Limits::bytes_burst>(
        "limits.bytes_burst", {1, 1 * kGiB}, kRestart,
        "Bytes that crier sends at once to a stream that was idle, if limits.bytes_per_second is "
        "set. A larger event is sent when the stream may be sent this many bytes, and the events "
        "after it wait until the rate holds again."),
    number<&C::limits, &Limits::replay_bytes_in_flight_max>(
        "limits.replay_bytes_in_flight_max", {64 * kKiB, 4 * kGiB}, kRestart,
        "Bytes of replayed history that one worker has on the way to streams; further replays "
        "wait."),

    choice<&C::frames, &Frames::checksum>(
        "frames.checksum", kRestart,
        "Whether published events carry a checksum of what clients receive, in a field `crc32c` "
        "that clients ignore unless they know it. off: no. crc32c: yes, 17 bytes an event. `crier "
        "subscribe --verify` checks it."),

    number<&C::heartbeat, &Heartbeat::interval_seconds>(
        "heartbeat.interval_seconds", {1, 3'600}, kLive,
        "Seconds without other bytes after which crier sends a stream a heartbeat."),

    number<&C::history, &History::events_max>("history.events_max", {0, 1'000'000}, kLive,
                                              "Events retained of one topic. 0: none."),
    number<&C::history, &History::bytes_max>(
        "history.bytes_max", {0, 64 * kGiB}, kLive,
        "Bytes of memory for the retained events of all topics together. Each event counts with "
        "its topic, its text and about 120 bytes more. The oldest event of all is evicted first."),
    number<&C::history, &History::topic_bytes_max>(
        "history.topic_bytes_max", {0, 64 * kGiB}, kLive,
        "Bytes of memory for the retained events of one topic, counted like those of "
        "history.bytes_max, and among them; beyond it the topic's oldest event is evicted. 0: no "
        "limit for one topic."),
    number<&C::history, &History::age_seconds_max>("history.age_seconds_max", {1, 30 * kDaySeconds},
                                                   kLive, "Seconds an event is retained."),

    choice<&C::journal, &Journal::kind>(
        "journal.kind", kRestart,
        "Where crier keeps accepted events. memory: nowhere but in memory; a restart loses the "
        "history. sqlite: in a file; a publisher is answered once its event is there, and ids, "
        "history and idempotency keys outlive a restart. nats: in a stream of NATS JetStream that "
        "any number of daemons share (nats.*)."),
    text<&C::journal, &Journal::path>(
        "journal.path", kFilePath, kRestart,
        "File of the journal, if journal.kind is sqlite. Its directory must exist and belong to "
        "the user crier runs as. Empty: journal.db in $STATE_DIRECTORY (crier.service: "
        "/var/lib/crier), else in /var/lib/crier for root, else in the user's state directory "
        "($XDG_STATE_HOME/crier or ~/.local/state/crier), which crier makes."),
    choice<&C::journal, &Journal::sync>(
        "journal.sync", kRestart,
        "When a publisher is answered. commit: the event is on the disk. interval: the system has "
        "it and writes it to the disk within journal.sync_ms; faster, but a crash of the machine "
        "loses what was not on the disk."),
    number<&C::journal, &Journal::sync_ms>(
        "journal.sync_ms", {10, 60'000}, kRestart,
        "Time between two syncs, in milliseconds, if journal.sync is interval."),
    number<&C::journal, &Journal::bytes_max>(
        "journal.bytes_max", {4 * kMiB, 1'024 * kGiB}, kRestart,
        "Size of the journal's file, or of its stream when crier makes it. Beyond it the oldest "
        "events are dropped, from the history, too; publishing goes on. At least four times "
        "history.bytes_max."),

    choice<&C::overflow, &Overflow::policy>(
        "overflow.policy", kRestart,
        "What happens to a stream that is owed too much. catch-up: it continues from the history "
        "at its own pace. disconnect: crier ends it. drop-oldest: it loses the oldest events it is "
        "owed. conflate: a stream that cannot keep up, or resumes, is owed only the newest event "
        "of each topic; the older ones are no loss. crier.gap tells it of every loss."),

    number<&C::drain, &Drain::window_seconds>(
        "drain.window_seconds", {0, 600}, kLive,
        "Seconds within which a shutdown ends all open streams: 1000 a second, or more if the "
        "window is too short for that. A stream that is slow to take what it is owed is cut a "
        "second after the last stream was ended, or when the window ends."),
    number<&C::drain, &Drain::delay_seconds>(
        "drain.delay_seconds", {0, 600}, kLive,
        "Seconds for which crier still accepts subscribers after /readyz says 503, so that load "
        "balancers notice."),

    choice<&C::log, &Log::level>("log.level", kLive, "The least severe messages that are logged."),
    choice<&C::log, &Log::format>("log.format", kLive,
                                  "What a line looks like: text (for people), logfmt (ts, level, "
                                  "msg and fields as key=value) or json (one object a line)."),
    number<&C::log, &Log::connections_per_second>(
        "log.connections_per_second", {0, 1'000'000}, kLive,
        "Lines per second, at debug, about single streams; the rest are counted. 0: none."),

    choice<&C::kernel, &Kernel::tuning>(
        "kernel.tuning", kRestart,
        "What a start does about kernel parameters below what this configuration needs: off "
        "(nothing), check (name them in one line of the log) or apply (raise them, and restore "
        "them at exit). `crier tune` shows them."),
    flag<&C::kernel, &Kernel::keep>(
        "kernel.keep", kRestart,
        "true: the values that kernel.tuning applied stay after the exit."),
    flag<&C::kernel, &Kernel::bbr>(
        "kernel.bbr", kRestart,
        "true: this configuration also needs BBR congestion control with the fq scheduler."),

    number<&C::reload, &Reload::canary_percent>(
        "reload.canary_percent", {1, 100}, kLive,
        "Percentage of new connections that get the socket options a reload has changed; the "
        "others get the previous options. A reload at 100 gives the changed options to all new "
        "connections, a reload with the previous options takes them back, a restart gives all "
        "connections the configured options."),

    flag<&C::socket, &Socket::no_delay>(
        "socket.no_delay", kLive,
        "TCP_NODELAY: false lets the kernel hold back small writes until earlier ones are "
        "acknowledged."),
    number<&C::socket, &Socket::send_buffer_bytes>(
        "socket.send_buffer_bytes", {0, 16 * kMiB}, kLive,
        "SO_SNDBUF of subscribers' sockets: bounds the kernel memory that a reader takes when it "
        "stops. 0: the kernel's own."),
    number<&C::socket, &Socket::unsent_low_water_bytes>(
        "socket.unsent_low_water_bytes", {0, 16 * kMiB}, kLive,
        "TCP_NOTSENT_LOWAT: bytes not yet sent beyond which a socket takes no more. 0: the "
        "kernel's "
        "own."),
    number<&C::socket, &Socket::user_timeout_seconds>(
        "socket.user_timeout_seconds", {0, 3'600}, kLive,
        "TCP_USER_TIMEOUT: seconds until the kernel gives up a peer that acknowledges nothing. 0: "
        "the kernel's own."),
    number<&C::socket, &Socket::busy_poll_microseconds>(
        "socket.busy_poll_microseconds", {0, 10'000}, kLive,
        "SO_BUSY_POLL: microseconds for which a read asks the network card itself. Some kernels "
        "want CAP_NET_ADMIN for more than net.core.busy_read. 0: the kernel's own."),
    text<&C::socket, &Socket::congestion_control>(
        "socket.congestion_control", kCongestionControl, kLive,
        "TCP_CONGESTION: one of those in net.ipv4.tcp_allowed_congestion_control. Empty: the "
        "kernel's own."),
    number<&C::socket, &Socket::keepalive_idle_seconds>(
        "socket.keepalive_idle_seconds", {1, 32'767}, kRestart,
        "TCP_KEEPIDLE: seconds of silence before the first keep-alive probe."),
    number<&C::socket, &Socket::keepalive_interval_seconds>(
        "socket.keepalive_interval_seconds", {1, 32'767}, kRestart,
        "TCP_KEEPINTVL: seconds between probes."),
    number<&C::socket, &Socket::keepalive_probes>(
        "socket.keepalive_probes", {1, 127}, kRestart,
        "TCP_KEEPCNT: probes without an answer before the kernel gives up a peer."),
    number<&C::socket, &Socket::defer_accept_seconds>(
        "socket.defer_accept_seconds", {0, 60}, kRestart,
        "TCP_DEFER_ACCEPT: seconds the kernel keeps a connection until its request arrives. 0: "
        "off."),
};

constexpr auto kAllKnobs = [] {
  std::array<Knob<Config>, kKnobs.size() + kNatsKnobs.size()> all;
  std::ranges::copy(kNatsKnobs, std::ranges::copy(kKnobs, all.begin()).out);
  return all;
}();

}  // namespace

std::span<const Knob<Config>> knobs() {
  return kAllKnobs;
}

}  // namespace crier::config
