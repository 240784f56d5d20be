#include "cmd/cli/commands.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/cli/help.h"
#include "cmd/cli/report.h"
#include "cmd/daemon/metric_reference.h"
#include "cmd/system/version.h"
#include "cmd/tuning/tuning.h"
#include "config/reference.h"
#include "core/names.h"
#include "core/text/roff.h"

namespace crier::cmd {
namespace {

struct Entry {
  std::string_view term;
  std::string_view text;
};

struct Page {
  std::string_view name;   // The operand of `crier manual`.
  std::string_view title;  // The name for man(1).
  std::string (*text)();
};
constexpr Page kPages[] = {{"crier", "crier", &command_page},
                           {"config", "crier.json", &configuration_page},
                           {"http", "crier-http", &http_page},
                           {"metrics", "crier-metrics", &metrics_page},
                           {"runbook", "crier-runbook", &runbook_page}};

constexpr std::string_view kAbout =
    "crier broadcasts events to browsers. Programs on a host publish events to it over a local\n"
    "socket; it fans each event out, by topic, to every browser and client that holds a stream of\n"
    "Server-Sent Events open. A client that reconnects or falls behind continues from the "
    "history,\n"
    "without gap or duplicate; if the history lacks events, crier.gap tells the client so.\n"
    "\n"
    "To try it, in three terminals:\n"
    "\n"
    "  crier serve\n"
    "  crier subscribe news\n"
    "  crier publish news Hello\n"
    "\n"
    "As a system service it is crier.service, configured in /etc/crier/crier.json; publishers\n"
    "must be in the group crier.\n";

constexpr Entry kExitCodes[] = {
    {"0", "Done."},
    {"1", "Failed; standard error says why, and what to do."},
    {"2", "Misused: the command line is not one of the above."},
    {"78",
     "Misconfigured, from serve, check and tune: the configuration has mistakes, or asks for what\n"
     "this machine does not have. crier.service does not restart after it."},
};

constexpr Entry kSignals[] = {
    {"SIGTERM, SIGINT",
     "The daemon drains: it takes no new streams, ends the open ones within drain.window_seconds,\n"
     "and exits with 0. A second one ends it at once. crier subscribe ends with 0 on SIGINT."},
    {"SIGHUP",
     "The daemon reads its configuration again, applies what can change at once, and logs what\n"
     "needs a restart. A configuration with mistakes changes nothing."},
};

constexpr Entry kEnvironment[] = {
    {"CRIER_SOCKET",
     "The publish socket, for the daemon and for crier publish; publish.socket and --socket\n"
     "come first."},
    {"XDG_RUNTIME_DIR", "Where the publish socket is, in crier/, if a user runs the daemon."},
    {"NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS, LISTEN_FDNAMES",
     "Set by systemd: see sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3). The sockets\n"
     "are named http and publish."},
    {"JOURNAL_STREAM",
     "Set by systemd: where the log goes to the journal, its lines begin with their\n"
     "priority, and as text they have no time."},
};

constexpr Entry kFiles[] = {
    {"/etc/crier/crier.json", "The service's configuration, see crier.json(5)."},
    {"/run/crier/publish.sock", "The publish socket, of the service or of root."},
    {kTuningRecord, "The values before crier tune --apply, for --undo; its locks are beside it."},
    {"/usr/share/doc/crier/examples",
     "Drop-ins for the service, configurations of nginx, HAProxy and Caddy."},
};

constexpr std::string_view kLog =
    "crier serve writes its log to standard error. log.level sets the least severity that is\n"
    "logged, log.format the form of a line: text, logfmt or json. Both apply on SIGHUP.\n"
    "\n"
    "Lines about a stream have its session_id, as in /debug/streams of the admin endpoint, and\n"
    "its trace_id, which the client sent in traceparent or X-Trace-Id or got from crier.\n"
    "wire_size_bytes counts the bytes written to the socket: for one event, or for a whole stream\n"
    "with its head. On request of crier debug there is a line for each event delivered, or for\n"
    "those of one topic; its chunk_seq is the event's number in the stream, from 1. Each event is\n"
    "one HTTP chunk, and crier's own events are not counted.\n"
    "\n"
    "Nothing waits for the reader of the log: crier counts the lines that find no room, and logs\n"
    "the count.\n"
    "\n"
    "  journalctl -u crier -p warning\n"
    "  journalctl -u crier -o cat | jq -c 'select(.session_id == \"0:17:42\")'\n";

// .nh: words are not divided, so that paths and keys can be copied.
std::string title(std::string_view name, std::string_view section, std::string_view manual) {
  return ".TH " + std::string(name) + " " + std::string(section) + " \"\" \"crier " +
         std::string(version()) + "\" \"" + std::string(manual) + "\"\n.nh\n";
}

std::string heading(std::string_view text) {
  return ".SH " + std::string(text) + "\n";
}

// Paragraphs, and lines that are indented: examples, to be shown as they are.
std::string paragraphs(std::string_view text) {
  std::string out;
  bool paragraph_begins = true;
  bool in_example = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const bool example = line.starts_with("  ");
    if (in_example && !example) out += ".fi\n.RE\n";
    if (!in_example && example) out += ".PP\n.RS 4\n.nf\n";
    if (!example && !line.empty() && (paragraph_begins || in_example)) out += ".PP\n";
    if (!line.empty()) out += roff_text(example ? line.substr(2) : line) + "\n";
    paragraph_begins = line.empty();
    in_example = example;
  }
  return in_example ? out + ".fi\n.RE\n" : out;
}

std::string row(std::string_view term, std::string_view value, std::string_view text) {
  std::string out = ".TP\n\\fB" + roff_text(term) + "\\fR";
  if (!value.empty()) out += " \\fI" + roff_text(value) + "\\fR";
  std::string line(text);  // To roff, "e.g." at a line's end would end a sentence.
  std::ranges::replace(line, '\n', ' ');
  return out + "\n" + roff_text(line) + "\n";
}

std::string rows(std::string_view name, std::span<const Entry> entries) {
  std::string out = heading(name);
  for (const Entry& entry : entries) out += row(entry.term, {}, entry.text);
  return out;
}

std::string described(const Command& command) {
  std::string out = ".SS \"" + roff_text(usage_line(command)) + "\"\n";
  out += roff_text(sentence(command)) + "\n";
  for (const Option& option : command.options) out += row(option.name, option.value, option.help);
  return out + paragraphs(command.notes);
}

// The labels of a family in their order, each with its values.
std::vector<std::pair<std::string, std::vector<std::string>>> labels_of(
    const metrics::Family& family) {
  std::vector<std::pair<std::string, std::vector<std::string>>> labels;
  for (const metrics::Series& series : family.series) {
    labels.resize(series.labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i].first = series.labels[i].first;
      labels[i].second.push_back(series.labels[i].second);
    }
  }
  return labels;
}

std::string metric(const metrics::Family& family) {
  std::string out = row(family.name, to_string(family.kind), family.help);
  for (const auto& [label, values] : labels_of(family)) {
    out += ".br\n" + roff_text("Label " + label + ": ");
    for (const std::string& value : values) {
      out += &value == &values.front() ? "" : ", ";
      out += "\\fB" + roff_text(value) + "\\fR";
    }
    out += ".\n";
  }
  return out;
}

}  // namespace

int manual(const Arguments& arguments) {
  const std::string wanted = arguments.operands().empty() ? "crier" : arguments.operands().front();
  std::string names;
  for (const Page& page : kPages) {
    if (wanted == page.name || wanted == page.title) return print_result(page.text());
    names.append(names.empty() ? "" : ", ").append(page.name);
  }
  return misused(arguments, "there is no page `" + wanted + "`; the pages are " + names);
}

std::string command_page() {
  std::string out = title("CRIER", "1", "User Commands");
  out += heading("NAME") + "crier \\- Server\\-Sent\\-Events broadcast daemon\n";
  out += heading("SYNOPSIS");
  for (const Command& command : commands()) out += roff_text(usage_line(command)) + "\n.br\n";
  out += "crier \\-\\-version\n";
  out += heading("DESCRIPTION") + paragraphs(kAbout);
  out += heading("COMMANDS");
  out += row(kHelpOption.name, {}, "After any command: what it does, and its options.");
  for (const Command& command : commands()) out += described(command);
  out += heading("LOG") + paragraphs(kLog);
  out += rows("EXIT STATUS", kExitCodes) + rows("SIGNALS", kSignals);
  out += rows("ENVIRONMENT", kEnvironment) + rows("FILES", kFiles);
  out += heading("SEE ALSO");
  return out +
         ".BR crier.json (5),\n.BR crier\\-http (7),\n.BR crier\\-metrics (7),\n"
         ".BR crier\\-runbook (7),\n.BR systemd.service (5),\n.BR curl (1)\n";
}

std::string configuration_page() {
  std::string out = title("CRIER.JSON", "5", "File Formats");
  out += heading("NAME") + "crier.json \\- configuration of crier\n";
  out += heading("DESCRIPTION");
  out += paragraphs(
      "JSON, in which // and /* */ begin comments. Keys are named SECTION.NAME here, which is\n"
      "{\"SECTION\": {\"NAME\": VALUE}} in the file and SECTION.NAME=VALUE after --set. Keys that "
      "are\n"
      "left out have their defaults. crier refuses unknown keys and values out of range, and\n"
      "reports all of them at once. To check a file, and to print one with every key at its\n"
      "default:\n"
      "\n"
      "  crier check /etc/crier/crier.json\n"
      "  crier config --example\n"
      "\n"
      "systemctl reload crier, or SIGHUP, applies the keys that are \"applied on reload\" "
      "below.\n");
  out += heading("KEYS") + config::reference_man();
  out += heading("FILES") + row("/etc/crier/crier.json", {}, "The service's configuration.");
  return out + heading("SEE ALSO") + ".BR crier (1)\n";
}

std::string metrics_page() {
  std::string out = title("CRIER\\-METRICS", "7", "Miscellaneous Information");
  out += heading("NAME") + "crier\\-metrics \\- what crier tells Prometheus\n";
  out += heading("DESCRIPTION");
  out += paragraphs(
      "GET /metrics of the admin endpoint, in the text format of Prometheus. Clients cannot\n"
      "make the number of series grow: there are fewer than 500, whatever they do. Every\n"
      "counter is there from the start, at 0. Times are in seconds, sizes in bytes. What is not\n"
      "known is left out.\n"
      "\n"
      "  curl http://127.0.0.1:8081/metrics\n"
      "\n"
      "The histograms are of the whole daemon. Figures are read while other threads count, so\n"
      "two of them may differ by what happens in between.\n");
  const MetricReference reference(version());
  out += heading("METRICS");
  for (const metrics::Family& family : reference.catalogue().families()) out += metric(family);
  return out + heading("SEE ALSO") + ".BR crier (1),\n.BR crier.json (5)\n";
}

}  // namespace crier::cmd
