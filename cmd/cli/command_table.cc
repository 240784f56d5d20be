#include "cmd/cli/command_table.h"

#include <algorithm>

#include "cmd/cli/commands.h"

namespace crier::cmd {
namespace {

constexpr Option kSet = {"--set", OptionKind::text, "KEY=VALUE",
                         "override one key of the configuration, e.g.\n"
                         "http.listen=0.0.0.0:8080; may be given several times",
                         true};

constexpr Option kServeOptions[] = {
    {"--config", OptionKind::text, "FILE",
     "configuration, JSON with comments; without it the defaults"},
    kSet,
};

constexpr Option kPublishOptions[] = {
    {"--socket", OptionKind::text, "PATH", "the daemon's publish socket"},
    {"--event", OptionKind::text, "NAME",
     "the SSE event name; without it subscribers see `message`"},
    {"--key", OptionKind::text, "KEY",
     "idempotency key: repeating the command publishes nothing new"},
    {"--lines", OptionKind::flag, "",
     "publish each line of standard input as an event, as it comes"},
    {"--json", OptionKind::flag, "", "check that the data is JSON; send a JSON string as its text"},
    {"--verbose", OptionKind::flag, "", "print the ids of what was published"},
};

constexpr Option kCloseOptions[] = {
    {"--socket", OptionKind::text, "PATH", "the daemon's publish socket"},
    {"--event", OptionKind::text, "NAME", "the SSE event name of the last event"},
    {"--key", OptionKind::text, "KEY",
     "idempotency key: repeating the command publishes nothing new"},
};

constexpr Option kSubscribeOptions[] = {
    {"--url", OptionKind::text, "URL", "the daemon (default http://127.0.0.1:8080)"},
    {"--json", OptionKind::flag, "", "print each event as a line of JSON: id, event, data"},
    {"--last-event-id", OptionKind::text, "ID", "continue after the event with this id"},
    {"--from", OptionKind::text, "WHERE",
     "begin with history: `earliest`, or `last=N` for the last N\nevents of each topic; `latest`: "
     "no history (default)"},
    {"--count", OptionKind::number, "N", "exit after N events"},
    {"--all", OptionKind::flag, "", "print crier's own events (crier.open, crier.gap, …), too"},
    {"--verify", OptionKind::flag, "",
     "exit with 1 at an event whose checksum is wrong, or that\nhas none (see frames.checksum)"},
};

constexpr Option kCheckOptions[] = {
    kSet,
    {"--verbose", OptionKind::flag, "", "print what the limits add up to, item by item"},
};

constexpr Option kAdmin = {
    "--admin", OptionKind::text, "ADDRESS",
    "the admin endpoint, HOST:PORT or the path of a socket\n(default 127.0.0.1:8081)"};

constexpr Option kDebugOptions[] = {
    {"--topic", OptionKind::text, "TOPIC",
     "streams of this topic or pattern; of their\nevents only those of TOPIC"},
    {"--address", OptionKind::text, "ADDRESS", "streams from this address or network (10.0.0.0/8)"},
    {"--seconds", OptionKind::number, "N", "how long (default 300, at most 3600)"},
    {"--off", OptionKind::flag, "", "end all rules, or the one with this number"},
    kAdmin,
};

constexpr Option kStatusOptions[] = {
    kAdmin,
    {"--json", OptionKind::flag, "", "print the same figures as JSON"},
    {"--watch", OptionKind::number, "SECONDS", "print them again every SECONDS; Ctrl-C ends it"},
};

constexpr Option kTopOptions[] = {kAdmin};

constexpr Option kBenchOptions[] = {
    {"--streams", OptionKind::number, "N", "streams to open (default 1000)"},
    {"--rate", OptionKind::number, "N", "events a second (default 20)"},
    {"--ramp", OptionKind::number, "N", "the rate at the end: it changes steadily from --rate"},
    {"--seconds", OptionKind::number, "N", "how long to publish (default 10)"},
    {"--size", OptionKind::number, "BYTES", "of an event's data (default 64)"},
    {"--topics", OptionKind::text, "LIST",
     "what each stream subscribes to, joined by `,` (default bench);\n% is the stream's number"},
    {"--reuse", OptionKind::number, "N",
     "requests on a publish connection before the next is\nopened (default: all on one)"},
    {"--find", OptionKind::text, "MS",
     "search the highest rate at which p99 is at most MS\nmilliseconds and nothing is lost"},
    kSet,
    {"--to", OptionKind::text, "URL", "measure a daemon that runs, instead of starting one"},
    {"--publish-socket", OptionKind::text, "PATH", "its publish socket"},
    {"--remote", OptionKind::flag, "", "allow --to to name another machine"},
    {"--json", OptionKind::flag, "", "print the report as JSON"},
    {"--html", OptionKind::text, "FILE", "write the report with its plots as a page, too"},
    {"--compare", OptionKind::text, "FILE",
     "compare a report, of --json or --html, with the one in\nthe operand FILE, or else with a "
     "new one"},
};

constexpr Option kJournalOptions[] = {
    {"--socket", OptionKind::text, "PATH", "the daemon's publish socket"},
    {"--json", OptionKind::flag, "", "print the figures of info and verify as JSON"},
};

constexpr Option kConfigOptions[] = {
    {"--schema", OptionKind::flag, "", "a JSON schema, for editors"},
    {"--example", OptionKind::flag, "", "a file with every key at its default, commented"},
    {"--reference", OptionKind::flag, "", "every key: meaning, default, what is allowed"},
    {"--man", OptionKind::flag, "", "the same as `crier manual config`, for man(1)"},
};

constexpr Option kTuneOptions[] = {
    {"--config", OptionKind::text, "FILE", "the configuration to compare with"},
    kSet,
    {"--apply", OptionKind::flag, "", "change what does not meet the needs; needs root"},
    {"--if-configured", OptionKind::flag, "",
     "for the unit: does nothing unless kernel.tuning is\n"
     "`apply`; with --undo, leaves parameters that were\n"
     "changed by hand, and all if kernel.keep is true"},
    {"--undo", OptionKind::flag, "", "restore what was changed, by hand or by the unit"},
    {"--all", OptionKind::flag, "", "show also rows that need nothing, and each row's reason"},
    {"--sysctl", OptionKind::flag, "", "print a file for /etc/sysctl.d"},
    {"--json", OptionKind::flag, "", "print the table as JSON"},
    {"--record", OptionKind::text, "PATH",
     "where --apply records the values before\n(default /run/crier-tuning.json)"},
};

constexpr std::string_view kPublishNotes =
    "DATA is the event's data; `-`, or no DATA, reads it whole from standard input, without\n"
    "its final line end.\n"
    "\n"
    "The socket is --socket, else $CRIER_SOCKET, else the first that exists of\n"
    "$XDG_RUNTIME_DIR/crier/publish.sock, /run/crier/publish.sock,\n"
    "/run/crier-publish/publish.sock and /tmp/crier-UID/publish.sock.\n"
    "\n"
    "Examples:\n"
    "  crier publish news 'Hello'\n"
    "  crier publish orders.eu.created --json '{\"order\": 17}'\n"
    "  tail -f access.log | crier publish log --lines\n";

constexpr std::string_view kCloseNotes =
    "The topic takes no more events. Its subscribers get DATA, if given, as its last event, then\n"
    "the event crier.closed; a stream ends once all its topics are closed. The socket is found as\n"
    "by `crier publish`.\n"
    "\n"
    "Examples:\n"
    "  crier close jobs.17\n"
    "  crier close jobs.17 --event done '{\"exit\": 0}'\n";

constexpr std::string_view kSubscribeNotes =
    "Prints the data of each event, and reconnects without loss when the stream breaks. Exits\n"
    "with 0 once all topics are closed.\n"
    "If events were lost, it warns on standard error. It does not support https: behind a proxy\n"
    "use curl -N.\n"
    "\n"
    "A TOPIC may be a pattern if the daemon allows them: `*` stands for one token, a final `>`\n"
    "for one or more (quote them in a shell).\n"
    "\n"
    "Examples:\n"
    "  crier subscribe news\n"
    "  crier subscribe --json --from last=10 orders.eu.created orders.us.created\n";

constexpr std::string_view kServeNotes =
    "SIGTERM or SIGINT drains and stops crier, a second one stops it at once. On SIGHUP crier\n"
    "reads the configuration again, applies what can change at once, and logs what needs a\n"
    "restart.\n"
    "\n"
    "If publish.socket is not set, the socket is $CRIER_SOCKET, else /run/crier/publish.sock\n"
    "as root, else $XDG_RUNTIME_DIR/crier/publish.sock or /tmp/crier-UID/publish.sock.\n"
    "\n"
    "Examples:\n"
    "  crier serve\n"
    "  crier serve --config /etc/crier/crier.json --set http.listen=0.0.0.0:8080\n";

constexpr std::string_view kTuneNotes =
    "Without an option: a table of the kernel's parameters that this configuration depends on,\n"
    "the value it needs of each, the reason if one is below, and the commands to raise it. Open\n"
    "files are those that this shell allows; crier.service has its own LimitNOFILE=.\n"
    "\n"
    "--apply only raises limits and shortens times. Values last until --undo or the next reboot,\n"
    "even if crier.service restarts; --sysctl prints a file that makes them permanent.\n";

constexpr std::string_view kTopNotes =
    "Once a second: streams, events, latency and lag of the last second, what was refused or\n"
    "ended and why, limits that are near, what the kernel lacks, and the workers. `q` ends it. If\n"
    "the daemon restarts, it connects again.\n";

constexpr std::string_view kBenchNotes =
    "Starts a daemon of its own with a temporary folder, opens the streams from several processes\n"
    "and addresses of 127.0.0.0/8, publishes, and ends the daemon. Clients and daemon share the\n"
    "machine: the figures are for comparing, and lower than those of a daemon alone.\n"
    "\n"
    "A latency begins when its event was due, even if the publisher was held up: percentiles\n"
    "are corrected for coordinated omission. `late` is how far the publisher was behind.\n"
    "Throughput, p99 and requests a connection belong together: each is easy to raise alone.\n"
    "\n"
    "--find makes runs of a quarter of --seconds. One that is too slow is repeated once before it\n"
    "counts; up to 31 runs, each at most MS and 5 seconds longer than that. With an IPv6 address\n"
    "in --to, all streams come from one address: at most about 28,000, as\n"
    "net.ipv4.ip_local_port_range allows, and limits.streams_per_address_max applies.\n"
    "\n"
    "Exits with 1 if a stream was refused or ended, or an event was lost, repeated or out of\n"
    "order. Ctrl-C ends the run and prints the report so far.\n"
    "\n"
    "Examples:\n"
    "  crier bench --streams 10000 --rate 10 --html report.html\n"
    "  crier bench --find 20\n"
    "  crier bench --json > before.json; crier bench --compare before.json\n"
    "  crier bench --to http://127.0.0.1:8080 --publish-socket /run/crier/publish.sock\n";

constexpr std::string_view kDebugNotes =
    "The daemon then logs these streams at debug, whatever log.level says: opened, each event\n"
    "delivered, falling behind, catching up, gaps, the end. It needs admin.debug. Without an\n"
    "option: the rules in force. A rule ends by itself, and writes 1,000 lines a second at most.\n"
    "\n"
    "--topic logs the streams that can receive an event of TOPIC, whatever else they subscribe\n"
    "to, but no event of their other topics: chunk_seq, which counts all events of the stream,\n"
    "then leaves out numbers. --address alone logs all events of its streams; with both options\n"
    "a stream must match both.\n"
    "\n"
    "Examples:\n"
    "  crier debug --topic 'orders.>' --seconds 60\n"
    "  crier debug --address 203.0.113.7\n"
    "  crier debug --off 2\n";

constexpr std::string_view kJournalNotes =
    "The journal keeps the events of all topics, so only root and the user that crier runs as may\n"
    "read it. These talk to the running daemon:\n"
    "\n"
    "  info              figures of its journal\n"
    "  backup FILE       a copy of it, into a new file, while events are published\n"
    "\n"
    "These open the file, while no daemon has it. Without FILE it is the one that journal.path is\n"
    "by default; for root, and with the package, /var/lib/crier/journal.db:\n"
    "\n"
    "  verify [FILE]     read all of it, and say what it holds and what is damaged\n"
    "  export [FILE]     print each event as a line of JSON: id, topic, event, data, time\n"
    "  new-epoch [FILE]  give the next events ids of a new epoch, as after a restore: a stream\n"
    "                    that resumes from an older id gets a crier.gap and all that is kept\n"
    "\n"
    "A daemon that is started with a copy begins a new epoch by itself. verify and export exit\n"
    "with 1 if events are damaged or missing.\n"
    "\n"
    "With journal.kind nats there is no file: info shows the stream and how far this node is, and\n"
    "the others say which command of NATS to use instead.\n"
    "\n"
    "Examples:\n"
    "  crier journal info\n"
    "  crier journal backup /var/backups/crier-journal.db\n"
    "  crier journal verify /var/backups/crier-journal.db\n"
    "  crier journal export | jq -r .topic | sort | uniq -c\n";

constexpr std::string_view kConfigNotes = "Give exactly one of the options.\n";

constexpr std::string_view kManualNotes =
    "Without a name it prints crier(1), about this program; `config` is crier.json(5), about the\n"
    "configuration; `http` is crier-http(7), about the HTTP interface; `metrics` is\n"
    "crier-metrics(7), about /metrics. To read one:\n"
    "\n"
    "  crier manual http | man -l -\n";

constexpr std::string_view kCompletionNotes =
    "For this shell, now: `source <(crier completion bash)`, or zsh. Debian's package installs "
    "it.\n";

constexpr Command kCommands[] = {
    {"serve", "", "run the daemon", kServeNotes, 0, 0, kServeOptions, &serve},
    {"publish", "TOPIC [DATA|-]", "publish events to a topic", kPublishNotes, 1, 2, kPublishOptions,
     &publish},
    {"close", "TOPIC [DATA]", "close a topic: no more events", kCloseNotes, 1, 2, kCloseOptions,
     &close_topic},
    {"subscribe", "TOPIC…", "print the events of topics", kSubscribeNotes, 1, kAnyNumber,
     kSubscribeOptions, &subscribe},
    {"status", "", "show what a running daemon does", "", 0, 0, kStatusOptions, &status},
    {"top", "", "show a running daemon's figures as they change", kTopNotes, 0, 0, kTopOptions,
     &top},
    {"debug", "[RULE]", "log single streams of a running daemon for a while", kDebugNotes, 0, 1,
     kDebugOptions, &debug},
    {"journal", "info|backup|verify|export|new-epoch [FILE]",
     "look at the journal, copy it, check it", kJournalNotes, 1, 2, kJournalOptions, &journal},
    {"bench", "[FILE]", "measure a daemon under load", kBenchNotes, 0, 1, kBenchOptions, &bench},
    {"check", "FILE", "check a configuration without starting", "", 1, 1, kCheckOptions, &check},
    {"tune", "", "show, raise and restore the kernel's parameters", kTuneNotes, 0, 0, kTuneOptions,
     &tune},
    {"config", "", "print what can be configured", kConfigNotes, 0, 0, kConfigOptions,
     &config_text},
    {"manual",
     "[crier|config|http|metrics|runbook]",
     "print a manual page",
     kManualNotes,
     0,
     1,
     {},
     &manual},
    {"completion",
     "bash|zsh",
     "print what completes command lines in a shell",
     kCompletionNotes,
     1,
     1,
     {},
     &completion},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(std::string_view name) {
  const auto* found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

const Option* find_option(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.options, name, &Option::name);
  return found == command.options.end() ? nullptr : &*found;
}

}  // namespace crier::cmd
