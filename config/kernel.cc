#include "config/kernel.h"

#include <algorithm>
#include <array>

#include "core/check.h"
#include "core/text/decimal.h"
#include "core/units.h"

namespace crier::config {
namespace {

// Open files and connections of the machine's other programs.
constexpr std::uint64_t kOthersFiles = 65'536;
constexpr std::uint64_t kOthersConnections = 16'384;
constexpr std::uint64_t kLocalPorts = 28'000;  // The default range is 32768 to 60999.

using Need = KernelNeed;

FieldGoal at_least(std::uint64_t value) {
  return {Better::higher, value};
}
FieldGoal at_most(std::uint64_t value) {
  return {Better::lower, value};
}
Goal one(FieldGoal field) {
  return {.fields = {field}, .word = {}};
}
// The pages of TCP buffers beyond which the kernel shrinks them. An idle connection holds no
// buffer, and one that is behind holds its send buffer; this is enough if a quarter of all are
// behind. It is at most a quarter of the memory, because the shrinking protects the machine.
std::uint64_t tcp_pages(const Need& need) {
  const std::uint64_t buffer = need.send_buffer_bytes == 0 ? 64 * kKiB : need.send_buffer_bytes;
  const std::uint64_t pages =
      need.connections / 4 * std::max<std::uint64_t>(1, buffer / need.page_bytes);
  if (need.memory_bytes == 0) return pages;
  return std::min(pages, need.memory_bytes / 4 / need.page_bytes);
}

constexpr std::array kParameters{
    KernelParameter{
        kOpenFiles, "Every stream is an open file.",
        [](const Need& need) { return std::optional(one(at_least(need.descriptors))); }},
    KernelParameter{
        "fs.nr_open", "RLIMIT_NOFILE cannot be set higher than this.",
        [](const Need& need) { return std::optional(one(at_least(need.descriptors))); }},
    KernelParameter{"fs.file-max", "Open files of the whole machine.",
                    [](const Need& need) {
                      return std::optional(one(at_least(need.connections + kOthersFiles)));
                    }},
    KernelParameter{"fs.epoll.max_user_watches", "Every stream is watched by epoll.",
                    [](const Need& need) {
                      return std::optional(one(at_least(need.watches + kOthersConnections)));
                    }},
    KernelParameter{"net.core.somaxconn", "Caps http.backlog, the queue of connections to accept.",
                    [](const Need& need) { return std::optional(one(at_least(need.backlog))); }},
    KernelParameter{"net.ipv4.tcp_max_syn_backlog",
                    "Room for handshakes: after a restart all clients connect at once.",
                    [](const Need& need) { return std::optional(one(at_least(need.backlog))); }},
    KernelParameter{
        "net.core.netdev_max_backlog",
        "Room for packets that wait for a processor: all clients acknowledge a broadcast at once.",
        [](const Need& need) {
          const std::uint64_t packets =
              std::clamp<std::uint64_t>(need.connections / 16, 1'000, 16'384);
          return std::optional(one(at_least(packets)));
        }},
    // Outgoing connections take a local port: not crier's, but those of a proxy on its machine.
    KernelParameter{"net.ipv4.ip_local_port_range",
                    "A proxy on this machine needs a local port per stream; list ports that others "
                    "listen on in net.ipv4.ip_local_reserved_ports.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (need.connections <= kLocalPorts) return std::nullopt;
                      return Goal{.fields = {at_most(16'384), at_least(60'999)}, .word = {}};
                    }},
    KernelParameter{"net.ipv4.tcp_tw_reuse",
                    "A proxy's local ports are free again at once after a reconnect.",
                    [](const Need&) { return std::optional(one(at_least(1))); }},
    KernelParameter{"net.ipv4.tcp_timestamps", "tcp_tw_reuse and round-trip times need them.",
                    [](const Need&) { return std::optional(one(at_least(1))); }},
    KernelParameter{"net.ipv4.tcp_fin_timeout",
                    "How many seconds a closed connection may still hold memory.",
                    [](const Need&) { return std::optional(one(at_most(30))); }},
    KernelParameter{"net.ipv4.tcp_slow_start_after_idle",
                    "At 1, sending restarts slowly after each pause.",
                    [](const Need&) { return std::optional(one(at_most(0))); }},
    KernelParameter{"net.ipv4.tcp_rmem", "A request head of 16 KiB must fit the receive window.",
                    [](const Need&) {
                      return std::optional(
                          Goal{.fields = {at_least(4'096), at_least(32'768), at_least(131'072)},
                               .word = {}});
                    }},
    KernelParameter{"net.ipv4.tcp_wmem",
                    "Send buffers, where socket.send_buffer_bytes leaves them to the kernel.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (need.send_buffer_bytes != 0) return std::nullopt;
                      return Goal{.fields = {at_least(4'096), at_least(16'384), at_least(131'072)},
                                  .word = {}};
                    }},
    KernelParameter{"net.core.wmem_max", "Caps socket.send_buffer_bytes.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (need.send_buffer_bytes == 0) return std::nullopt;
                      return one(at_least(need.send_buffer_bytes));
                    }},
    KernelParameter{
        "net.ipv4.tcp_mem",
        "Pages of all TCP buffers: beyond the second number the kernel shrinks them.",
        [](const Need& need) {
          return std::optional(
              Goal{.fields = {{}, at_least(tcp_pages(need)), at_least(tcp_pages(need) * 3 / 2)},
                   .word = {}});
        }},
    KernelParameter{"net.ipv4.tcp_notsent_lowat",
                    "Unsent bytes a socket takes, where socket.unsent_low_water_bytes is 0.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (!need.kernel_low_water) return std::nullopt;
                      return one(at_most(131'072));
                    }},
    KernelParameter{"net.ipv4.tcp_syncookies",
                    "Keeps accepting during a flood of half-open connections.",
                    [](const Need&) { return std::optional(one(at_least(1))); }},
    KernelParameter{"net.core.default_qdisc", "kernel.bbr: BBR paces best with fq.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (!need.bbr) return std::nullopt;
                      return Goal{.fields = {}, .word = "fq"};
                    }},
    KernelParameter{"net.ipv4.tcp_congestion_control",
                    "kernel.bbr: BBR does not mistake packet loss for a full link.",
                    [](const Need& need) -> std::optional<Goal> {
                      if (!need.bbr) return std::nullopt;
                      return Goal{.fields = {}, .word = "bbr"};
                    }},
    KernelParameter{"net.netfilter.nf_conntrack_max",
                    "Where connections are tracked, those beyond this are dropped silently.",
                    [](const Need& need) {
                      return std::optional(
                          one(at_least(need.connections / 4 * 5 + kOthersConnections)));
                    }},
};

// The numbers of a parameter; nothing if it holds anything else.
std::optional<std::vector<std::uint64_t>> numbers_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = text.find_first_not_of(kBlanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    const auto number = parse_decimal<std::uint64_t>(text.substr(at, end - at));
    if (!number) return std::nullopt;
    numbers.push_back(*number);
    at = text.find_first_not_of(kBlanks, end);
  }
  return numbers;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

bool good(FieldGoal goal, std::uint64_t value) {
  if (goal.better == Better::higher) return value >= goal.value;
  if (goal.better == Better::lower) return value <= goal.value;
  return true;
}

}  // namespace

KernelNeed kernel_need(const Config& config, const Budget& budget, const Fit& fit,
                       const Machine& machine) {
  const Socket& socket = config.socket;
  KernelNeed need;
  need.connections = fit.streams_possible + budget.requests;
  need.watches = fit.watch_problem.empty() ? need.connections : budget.streams + budget.requests;
  need.descriptors =
      fit.own_descriptor_tables ? budget.descriptors_apart : budget.descriptors_together;
  need.backlog = config.http.backlog;
  need.send_buffer_bytes = socket.send_buffer_bytes;
  need.kernel_low_water = socket.unsent_low_water_bytes == 0;
  need.bbr = config.kernel.bbr;
  need.memory_bytes = machine.memory_bytes;
  need.page_bytes = machine.page_bytes;
  return need;
}

std::span<const KernelParameter> kernel_parameters() {
  return kParameters;
}

std::optional<bool> meets(const Goal& goal, std::string_view current) {
  if (!goal.word.empty()) return trimmed(current) == goal.word;
  const auto numbers = numbers_of(current);
  if (!numbers || numbers->size() != goal.fields.size()) return std::nullopt;
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    if (!good(goal.fields[i], (*numbers)[i])) return false;
  }
  return true;
}

std::string improved(const Goal& goal, std::string_view current) {
  if (!goal.word.empty()) return std::string(goal.word);
  const auto numbers = numbers_of(current);
  CRIER_CHECK(numbers.has_value());
  CRIER_CHECK(numbers->size() == goal.fields.size());
  std::string text;
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const FieldGoal field = goal.fields[i];
    if (i > 0) text += ' ';
    text += std::to_string(good(field, (*numbers)[i]) ? (*numbers)[i] : field.value);
  }
  return text;
}

std::optional<double> field_of(std::string_view current, std::size_t field) {
  const auto numbers = numbers_of(current);
  if (!numbers || field >= numbers->size()) return std::nullopt;
  return static_cast<double>((*numbers)[field]);
}

std::string to_text(const Goal& goal) {
  if (!goal.word.empty()) return std::string(goal.word);
  std::string text;
  for (const FieldGoal field : goal.fields) {
    if (!text.empty()) text += ", ";
    if (field.better == Better::any) {
      text += "any";
    } else {
      text +=
          (field.better == Better::higher ? "at least " : "at most ") + std::to_string(field.value);
    }
  }
  return text;
}

}  // namespace crier::config
